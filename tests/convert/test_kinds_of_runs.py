"""Runs of every kind become files that say what their parent says: no photos, grey, BGR, 1,000 labels."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from converting import convert_to, written
from small_run import contract_of, write_run

from hangtag import Classifier
from hangtag.cli import main
from hangtag.contract import ColourOrder, ModelContract
from hangtag.errors import ConversionError, DatasetError, PhotoError
from hangtag.golden import MAX_TOTAL_BYTES
from hangtag.progress import Progress
from hangtag.verification import verify_cases
from hangtag_convert.formats import Format
from hangtag_convert.run_photos import any_photos, splits_of
from hangtag_convert.source import Source

if TYPE_CHECKING:
    import keras

    from hangtag_convert.record import Conversion

QUIET = Progress(quiet=True)
FLOATS = (Format.FLOAT32, Format.FLOAT16, Format.WEIGHT_INT8, Format.DYNAMIC)


def _network(labels: int, shape: tuple[int, int, int]) -> keras.Model:
    """A convolution, a BatchNorm with statistics of its own, and a dense layer, drawn by a seed."""
    import keras

    keras.utils.set_random_seed(4)
    picture = keras.Input(shape)
    norm = keras.layers.BatchNormalization()
    found = keras.layers.ReLU()(norm(keras.layers.Conv2D(8, 5, strides=4)(picture)))
    scores = keras.layers.Dense(labels, activation="softmax", kernel_initializer="random_normal")
    model = keras.Model(picture, scores(keras.layers.Flatten()(found)))
    rng = np.random.default_rng(4)
    norm.set_weights([rng.uniform(0.5, 2, 8), *rng.normal(0, 1, (2, 8)), rng.uniform(0.5, 2, 8)])
    return model


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory, shapes_dataset: Path) -> Path:
    """A plain folder of photos without labels."""
    folder = tmp_path_factory.mktemp("pictures")
    for number, path in enumerate(sorted((shapes_dataset / "train").rglob("*.png"))[::3]):
        shutil.copy(path, folder / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def without_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a thousand labels that no photo belongs to, like ImageNet's own classifier."""
    model = _network(1000, (32, 32, 3))
    contract = contract_of(model, [f"label {number}" for number in range(1000)])
    return write_run(tmp_path_factory.mktemp("runs") / "thousand", model, contract, settings={"data": None})


@pytest.fixture(scope="module")
def float_files(without_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    out = tmp_path_factory.mktemp("floats")
    return out, CliRunner().invoke(main, ["convert", str(without_photos), "--out", str(out)])


def test_a_run_without_photos_is_compared_on_rendered_garments(float_files: tuple[Path, Any]) -> None:
    out, said = float_files
    assert said.exit_code == 0, said.output
    lines = [line.split() for line in said.stdout.splitlines()]
    assert [line[0] for line in lines] == ["format", "float", *(kind.value for kind in FLOATS)]
    assert [line[2] for line in lines[2:]] == ["-"] * 4
    assert lines[1] == ["float", "parent", "-"]
    (left_out,) = [line for line in said.stderr.splitlines() if "int8-float-io, int8 file" in line]
    assert "--data" in left_out
    assert "compared on 40 rendered garments" in said.stderr
    stored = json.loads((out / "conversion.json").read_text())
    assert (stored["parent_top1"], stored["photos"], stored["rendered_frames"]) == (None, 0, 40)
    assert [row["accuracy"] for row in stored["files"]] == [None] * 4
    by_format = {row["format"]: row for row in stored["files"]}
    assert by_format["float32"]["agreement"] == 1.0
    assert 0 < by_format["float32"]["worst_difference"] < 1e-5 < by_format["dynamic"]["worst_difference"]
    for row in stored["files"]:
        assert Classifier.load(out / row["file"]).contract.provenance.metrics == {}


def test_a_thousand_labels_fit(float_files: tuple[Path, Any]) -> None:
    path = float_files[0] / "classifier-float32.tflite"
    classifier = Classifier.load(path)
    assert len(classifier.contract.labels) == 1000
    golden = classifier.model.golden
    assert golden is not None
    assert sum(map(len, golden.to_files().values())) <= MAX_TOTAL_BYTES
    results = verify_cases(classifier)
    assert len(results) == 5
    assert all(result.passed and result.worst_difference < 2e-4 for result in results)
    shown = CliRunner().invoke(main, ["inspect", str(path)])
    (labels,) = [line for line in shown.stdout.splitlines() if line.startswith("labels")]
    assert labels.split()[1:4] == ["1000:", "label", "0,"]
    assert len(labels) < 200
    whole = json.loads(CliRunner().invoke(main, ["inspect", str(path), "--json"]).stdout)
    assert len(whole["labels"]) == 1000


def test_int8_of_a_run_without_photos_takes_any_photos(
    without_photos: Path, pictures: Path, tmp_path: Path
) -> None:
    result = convert_to(without_photos, tmp_path, [Format.INT8], data=pictures)
    assert (result.photos, result.rendered_frames, result.parent_top1) == (0, 40, None)
    assert result.outcomes[0].judged.comparison.accuracy is None
    classifier = Classifier.load(tmp_path / "classifier-int8.tflite")
    assert classifier.contract.input.tensor.dtype == "uint8"
    assert all(case.passed for case in verify_cases(classifier))


def test_int8_without_any_photo_is_refused_before_anything_is_written(
    without_photos: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConversionError, match="give a folder of some with --data"):
        convert_to(without_photos, tmp_path / "out", [Format.FLOAT32, Format.INT8])
    assert not (tmp_path / "out").exists()


def test_any_photos_are_those_below_a_folder_and_of_a_data_set_those_of_train(
    shapes_dataset: Path, pictures: Path, tmp_path: Path
) -> None:
    assert len(any_photos(pictures).photos) == 6
    found = any_photos(shapes_dataset)
    assert len(found.photos) == 18
    assert {photo.path.parents[1].name for photo in found.photos} == {"train"}
    with pytest.raises(PhotoError, match="holds no image"):
        any_photos(tmp_path)
    with pytest.raises(DatasetError, match="there is no folder"):
        any_photos(tmp_path / "none")


@pytest.fixture(scope="module")
def sees_grey(tmp_path_factory: pytest.TempPathFactory, shapes_dataset: Path) -> tuple[Path, Conversion]:
    model = _network(3, (28, 28, 1))
    contract = contract_of(model, ["disc", "square", "stripe"])
    assert contract.input.colour_order is ColourOrder.GREY
    run = write_run(
        tmp_path_factory.mktemp("grey") / "run", model, contract, settings={"data": str(shapes_dataset)}
    )
    return run, convert_to(run, run, list(Format))


def test_grey_models_become_all_formats(sees_grey: tuple[Path, Conversion]) -> None:
    run, result = sees_grey
    assert [row.judged.format for row in result.outcomes] == list(Format)
    assert result.photos == 12
    assert result.outcomes[0].judged.comparison.worst_difference < 1e-5
    for row in result.outcomes:
        classifier = Classifier.load(run / written(row))
        assert classifier.contract.input.shape == (1, 28, 28, 1)
        assert classifier.contract.input.colour_order is ColourOrder.GREY
        assert len(verify_cases(classifier)) == 5
        assert all(case.passed for case in verify_cases(classifier))


def test_a_grey_model_names_colour_photos_and_frames(
    sees_grey: tuple[Path, Conversion], shapes_dataset: Path
) -> None:
    model = str(sees_grey[0] / "classifier-int8.tflite")
    photos = str(shapes_dataset / "validation")
    said = CliRunner().invoke(main, ["predict", photos, "--model", model, "--json"])
    records = [json.loads(line) for line in said.stdout.splitlines()]
    assert (said.exit_code, len(records)) == (0, 12)
    assert all(record["label"] in ("disc", "square", "stripe") for record in records)
    seen = CliRunner().invoke(
        main, ["camera", "--source", "scene:", "--model", model, "--headless", "--json", "--max-frames", "3"]
    )
    assert seen.exit_code == 0, seen.output
    assert len(seen.stdout.splitlines()) == 3
    shown = CliRunner().invoke(main, ["inspect", model])
    assert "linear-exact, grey" in shown.stdout
    assert "28 x 28 px" in shown.stdout


def test_a_network_that_wants_bgr_becomes_a_file_that_takes_rgb(tmp_path: Path, shapes_dataset: Path) -> None:
    model = _network(3, (32, 32, 3))
    contract = contract_of(model, ["disc", "square", "stripe"])
    spec = contract.input
    mean, std = (103.0, 116.0, 123.0), (50.0, 55.0, 60.0)
    bgr = contract.replace(
        input=type(spec)(width_px=32, height_px=32, colour_order=ColourOrder.BGR, mean=mean, std=std)
    )
    run = write_run(tmp_path / "run", model, bgr, settings={"data": str(shapes_dataset)})
    result = convert_to(run, run, [Format.FLOAT32, Format.INT8])
    assert result.outcomes[0].judged.comparison.worst_difference < 1e-5
    assert result.outcomes[1].judged.comparison.worst_difference < 0.1
    read = Classifier.load(run / "classifier-float32.tflite").contract.input
    assert (read.colour_order, read.mean, read.std) == (ColourOrder.RGB, mean[::-1], std[::-1])


def test_a_contract_that_is_not_the_networks_is_refused(tmp_path: Path, pictures: Path) -> None:
    model = _network(3, (32, 32, 3))
    contract = contract_of(model, ["disc", "square"])
    run = write_run(tmp_path / "run", model, contract, settings={"data": None})
    with pytest.raises(ConversionError, match=r"scores of shape \(3,\), its contract says \(2,\)"):
        convert_to(run, tmp_path / "out", [Format.FLOAT32])


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            {"kind": "fashion-mnist", "split_seed": 3, "validation_share": 0.25, "test_share": 0.0},
            "hangtag data check fashion-mnist --split-seed 3 --validation-share 0.25 --test-share 0.0",
        ),
        (lambda here: {"kind": "archive", "path": str(here)}, "hangtag data check {here}"),
        ({"kind": "archive", "path": "/nowhere/photos.zip"}, "say with --data where they are"),
        ({"kind": ["odd"]}, "say with --data where they are"),
        ({}, "say with --data where they are"),
    ],
)
def test_photos_that_are_gone_can_be_made_again(
    source: dict[str, Any] | Callable[[Path], dict[str, Any]], said: str, tmp_path: Path
) -> None:
    from hangtag.contract import InputSpec
    from hangtag.run_seal import SealedRun

    record = source(tmp_path) if callable(source) else source
    contract = ModelContract(labels=("a", "b"), input=InputSpec(width_px=8, height_px=8))
    run = SealedRun(tmp_path / "model.keras", contract, tmp_path / "gone", record)
    with pytest.raises(DatasetError) as caught:
        splits_of(Source(run.model, contract, run), None, QUIET)
    assert f"gone from {tmp_path / 'gone'}" in str(caught.value)
    assert said.format(here=tmp_path) in str(caught.value)


def test_an_unreadable_photo_is_no_calibration(without_photos: Path, tmp_path: Path) -> None:
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "1.png").write_bytes(b"no picture")
    assert cv2.imread(str(tmp_path / "odd" / "1.png")) is None
    with pytest.raises(DatasetError, match=r"no photo in .*odd can be read"):
        convert_to(without_photos, tmp_path / "out", [Format.INT8], data=tmp_path / "odd")
