"""The gate: what loses too much is not written, says why, and can be recovered."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from converting import convert_to, written
from small_run import contract_of, write_run
from tiny_run import QUIET

from hangtag import Classifier
from hangtag.calibration import ENERGY_KNOWN_SHARE
from hangtag.cli import main
from hangtag.contract import Calibration
from hangtag.labelled_folder import read_split
from hangtag.scoring import measure_photos, score_photos
from hangtag.verification import verify_cases
from hangtag_convert.formats import Format
from hangtag_convert.ranges import RULES

_SIDE = 16
_PER_LABEL = {"train": 30, "validation": 20, "test": 2}


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that tells slightly blue pictures from slightly red ones, and that plain int8 ruins.

    One of its channels fires ten thousand times as strongly as the others, on white pixels alone, of which
    the training photos hold one. Nothing that follows listens to it, but a range from the lowest to the
    highest value leaves no steps to the channels that count.
    """
    import keras

    root = tmp_path_factory.mktemp("fragile")
    rng = np.random.default_rng(8)
    for split, count in _PER_LABEL.items():
        for channel, label in ((0, "blue"), (2, "red")):
            folder = root / "data" / split / label
            folder.mkdir(parents=True)
            for number in range(count):
                picture = rng.integers(90, 111, (_SIDE, _SIDE, 3))
                picture[..., channel] += rng.integers(5, 15)
                if (split, label, number) == ("train", "red", 0):
                    picture[3, 3] = 255
                assert cv2.imwrite(str(folder / f"{number:02}.png"), picture.astype(np.uint8))
    picture = keras.Input((_SIDE, _SIDE, 3))
    mix = keras.layers.Conv2D(4, 1, activation="relu", name="mix")
    unit = keras.layers.Dense(2, activation="softmax", name="unit")
    model = keras.Model(picture, unit(keras.layers.GlobalAveragePooling2D()(mix(picture))))
    kernel = np.zeros((1, 1, 3, 4), np.float32)
    kernel[0, 0, :, 0], kernel[0, 0, :, 1], kernel[0, 0, :, 2] = (-4, 0, 4), (4, 0, -4), 1e4
    mix.set_weights([kernel, np.float32([0, 0, -2.9e4, 0])])
    unit.set_weights([np.float32([[12, -12], [-12, 12], [0, 0], [0, 0]]), np.zeros(2, np.float32)])
    contract = contract_of(model, ["blue", "red"]).replace(
        name="fragile", calibration=Calibration(unknown_threshold=0.97)
    )
    return write_run(root / "run", model, contract, settings={"data": str(root / "data")})


def _convert(run: Path, out: Path, *options: str) -> Any:
    return CliRunner().invoke(main, ["convert", str(run), "--out", str(out), *options])


@pytest.fixture(scope="module")
def kept_back(fragile: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The files of a conversion whose int8 file does not pass, into a folder where an older one stands."""
    out = tmp_path_factory.mktemp("kept-back")
    (out / "fragile-int8.tflite").write_bytes(b"an older file")
    return out, _convert(fragile, out, "--format", "float32", "--format", "int8")


def test_a_file_that_loses_too_much_is_not_written_and_the_exit_code_says_so(
    kept_back: tuple[Path, Any],
) -> None:
    out, said = kept_back
    assert said.exit_code == 1
    assert (out / "fragile-int8.tflite").read_bytes() == b"an older file"
    assert Classifier.load(out / "fragile-float32.tflite").contract.labels == ("blue", "red")
    (row,) = [line for line in said.stdout.splitlines() if line.startswith("int8")]
    assert row.endswith("NOT WRITTEN")


def test_the_line_says_how_much_where_and_what_to_do(kept_back: tuple[Path, Any]) -> None:
    (line,) = [line for line in kept_back[1].stderr.splitlines() if line.startswith("Error: ")]
    lost = re.search(r"int8 loses ([\d.]+) points of top-1 \(1\.0000 to ([\d.]+) on 40 photos\)", line)
    assert lost is not None
    assert float(lost[1]) == pytest.approx(100 * (1 - float(lost[2])))
    assert float(lost[1]) > 10
    assert "more than --max-drop 0.5" in line
    assert re.search(r"the layers that lose most are mix \(\d+ %\)", line)
    assert "--recover" in line


def test_the_record_tells_of_every_photo_that_changed(kept_back: tuple[Path, Any], fragile: Path) -> None:
    record = json.loads((kept_back[0] / "conversion.json").read_text())
    float32, int8 = record["files"]
    assert (record["passed"], float32["passed"], int8["passed"], int8["file"]) == (False, True, False, None)
    accuracy = int8["accuracy"]
    assert len(int8["flips"]) == accuracy["lost"] == round(accuracy["drop_points"] / 100 * 40)
    low, high = accuracy["drop_points_interval"]
    # A photo is added to each kind of change, which draws the middle towards none.
    assert 0 < low < accuracy["drop_points"] * 40 / 42 < high
    assert accuracy["mcnemar_p"] < 0.01
    assert float32["flips"] == []
    for flip in int8["flips"]:
        path = fragile.parent / "data" / flip["photo"]
        assert path.is_file()
        assert path.parent.name == flip["label"] == flip["before"] != flip["after"]
    assert sum(row["before_right"] - row["after_right"] for row in accuracy["by_label"]) == accuracy["lost"]
    assert int8["layers"][0]["layer"] == "mix"
    page = (kept_back[0] / "conversion.html").read_text()
    assert "Kept back" in page
    assert int8["flips"][0]["photo"] in page


def test_more_may_be_allowed(fragile: Path, tmp_path: Path) -> None:
    said = _convert(fragile, tmp_path, "--format", "int8", "--max-drop", "60")
    assert said.exit_code == 0, said.output
    assert (tmp_path / "fragile-int8.tflite").is_file()


@pytest.fixture(scope="module")
def recovered(fragile: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    out = tmp_path_factory.mktemp("recovered")
    return out, _convert(fragile, out, "--format", "int8", "--format", "int8-float-io", "--recover")


def test_what_plain_int8_ruins_is_recovered_by_better_ranges(recovered: tuple[Path, Any]) -> None:
    out, said = recovered
    assert said.exit_code == 0, said.output
    record = json.loads((out / "conversion.json").read_text())
    for row in record["files"]:
        plain, better = row["attempts"]
        assert "min-max" in plain["how"]
        assert plain["drop_points"] > 10
        assert "percentile" in better["how"] == row["calibration"]
        assert better["drop_points"] == row["accuracy"]["drop_points"] == 0
        assert all(case.passed for case in verify_cases(Classifier.load(out / row["file"])))
        assert f"{row['format']}: recovered with {better['how']}\n" in said.stderr
    assert "nothing to do" not in said.stderr


def test_where_nothing_was_lost_there_is_nothing_to_recover(fragile: Path, tmp_path: Path) -> None:
    said = _convert(fragile, tmp_path, "--format", "float32", "--recover")
    assert said.exit_code == 0, said.output
    assert "--recover had nothing to do: every file passes as it is\n" in said.stderr
    assert "--recover" not in _convert(fragile, tmp_path, "--format", "float32").stderr


def test_the_unknown_threshold_lets_as_many_photos_pass_as_before(fragile: Path, tmp_path: Path) -> None:
    kinds = [Format.FLOAT32, Format.INT8]
    result = convert_to(fragile, tmp_path, kinds, recover=True, max_drop_points=0.5)
    photos = read_split(fragile.parent / "data", "validation")
    thresholds, refused = [], []
    for outcome in result.outcomes:
        classifier = Classifier.load(tmp_path / written(outcome))
        thresholds.append(classifier.contract.calibration.unknown_threshold)
        best = score_photos(classifier, photos, QUIET).max(axis=1)
        refused.append(int((best < thresholds[-1]).sum()))
    assert thresholds[0] == 0.97
    assert 3 < refused[0] < len(photos.photos) - 3
    # Bytes are coarse: several photos may share the score at the threshold.
    assert abs(refused[0] - refused[1]) <= 2


def test_each_format_has_an_energy_threshold_that_nearly_all_photos_reach(
    fragile: Path, tmp_path: Path
) -> None:
    kinds = [Format.FLOAT32, Format.DYNAMIC, Format.INT8]
    result = convert_to(fragile, tmp_path, kinds, recover=True, max_drop_points=0.5)
    photos = read_split(fragile.parent / "data", "validation")
    thresholds = []
    for outcome in result.outcomes:
        classifier = Classifier.load(tmp_path / written(outcome))
        energies = measure_photos(classifier, photos, QUIET).energies
        thresholds.append(classifier.contract.calibration.energy_threshold)
        assert energies is not None
        assert thresholds[-1] is not None
        assert ENERGY_KNOWN_SHARE <= (energies >= thresholds[-1]).mean() <= 1
        # Quantization moves energies: one format's threshold is not another's.
        record = json.loads((tmp_path / "conversion.json").read_text(encoding="utf-8"))
        assert thresholds[-1] in [row["energy_threshold"] for row in record["files"]]
    assert thresholds[0] != thresholds[-1]


def test_weights_alone_are_recovered_too(fragile: Path, tmp_path: Path) -> None:
    """Whatever the gate allows, a format that needs no ranges gets the photos to learn on when it asks."""
    with pytest.MonkeyPatch.context() as patch:
        # Of a network this small no weight is large enough to be stored in 8 bits; the first look must fail.
        patch.setattr("hangtag_convert.gate.Judged.passed", False)
        result = convert_to(fragile, tmp_path, [Format.WEIGHT_INT8, Format.INT16X8], recover=True)
    weights, activations = (outcome.attempts for outcome in result.outcomes)
    assert [attempt.how for attempt in weights] == ["plain", "weights fine-tuned for 8 bits on 60 photos"]
    assert [attempt.how.partition(" ")[0] for attempt in activations] == ["ranges", "weights"]


def test_what_cannot_be_recovered_keeps_the_rest(fragile: Path, tmp_path: Path, capfd: Any) -> None:
    from hangtag_convert import tflite_graph

    with pytest.MonkeyPatch.context() as patch:
        known = {code: make for code, make in tflite_graph._OPERATORS.items() if code != 40}  # MEAN
        patch.setattr(tflite_graph, "_OPERATORS", known)
        patch.setattr("hangtag_convert.ranges.RULES", RULES[:1])
        patch.setattr("hangtag_convert.integers.RULES", RULES[:1])
        said = _convert(fragile, tmp_path, "--format", "float16", "--format", "int8", "--recover")
    assert said.exit_code == 1
    assert "not to be recovered further: fine-tuning does not know the operators MEAN" in said.stderr
    assert "recovered with" not in said.stderr
    assert "nothing to do" not in said.stderr
    assert (tmp_path / "fragile-float16.tflite").is_file()
    assert (tmp_path / "conversion.json").is_file()


def test_a_drop_that_equals_the_limit_is_let_through(fragile: Path, tmp_path: Path) -> None:
    free = convert_to(fragile, tmp_path / "free", [Format.INT8])
    accuracy = free.outcomes[0].judged.comparison.accuracy
    assert accuracy is not None
    points = round(accuracy.drop_points, 9)
    same = convert_to(fragile, tmp_path / "same", [Format.INT8], max_drop_points=points)
    less = convert_to(fragile, tmp_path / "less", [Format.INT8], max_drop_points=points - 0.001)
    assert (same.failures, len(less.failures)) == ((), 1)


@pytest.mark.parametrize("points", ["nan", "-1", "101"])
def test_points_that_are_none_are_misuse(fragile: Path, tmp_path: Path, points: str) -> None:
    assert _convert(fragile, tmp_path, "--max-drop", points).exit_code == 2
