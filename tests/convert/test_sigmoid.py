"""A model of two labels with one sigmoid unit goes through conversion like any other."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from converting import convert_to

from hangtag import Classifier
from hangtag.cli import main
from hangtag.contract import InputSpec, ModelContract, OutputKind, OutputSpec
from hangtag.labelled_folder import read_split
from hangtag.progress import Progress
from hangtag.scoring import score_photos
from hangtag.verification import verify_cases
from hangtag_convert.formats import Format

if TYPE_CHECKING:
    from hangtag_convert.record import Conversion

QUIET = Progress(quiet=True)


@pytest.fixture(scope="module")
def sigmoid_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed run whose one unit says how red a picture is, and its photos."""
    import keras

    root = tmp_path_factory.mktemp("sigmoid")
    rng = np.random.default_rng(2)
    for split in ("train", "validation"):
        for channel, label in ((0, "blue"), (2, "red")):
            folder = root / "data" / split / label
            folder.mkdir(parents=True)
            for number in range(4):
                image = rng.integers(0, 120, (40, 30, 3)).astype(np.uint8)
                image[..., channel] += 100
                assert cv2.imwrite(str(folder / f"{number}.png"), image)
    picture = keras.Input((16, 16, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(picture)
    unit = keras.layers.Dense(1, activation="sigmoid")
    model = keras.Model(picture, unit(pooled))
    unit.set_weights([np.array([[3.0], [0.0], [-3.0]], np.float32), np.zeros(1, np.float32)])
    contract = ModelContract(
        name="two",
        labels=("blue", "red"),
        input=InputSpec(width_px=16, height_px=16),
        output=OutputSpec(kind=OutputKind.SIGMOID),
    )
    run = root / "run"
    run.mkdir()
    model.save(run / "model.keras")
    (run / "contract.json").write_text(contract.to_json())
    digests = {
        name: hashlib.sha256((run / name).read_bytes()).hexdigest()
        for name in ("model.keras", "contract.json")
    }
    (run / "run.json").write_text(json.dumps({"sha256": digests, "data": str(root / "data")}))
    return run


@pytest.fixture(scope="module")
def converted(sigmoid_run: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Conversion]:
    out = tmp_path_factory.mktemp("two")
    return out, convert_to(sigmoid_run, out, list(Format))


def test_its_files_say_what_it_says(sigmoid_run: Path, converted: tuple[Path, Conversion]) -> None:
    out, result = converted
    assert result.parent_top1 == 1.0
    assert [row.judged.format for row in result.outcomes] == list(Format)
    compared = [row.judged.comparison for row in result.outcomes]
    assert [one.agreement for one in compared] == [1.0] * len(Format)
    assert compared[0].worst_difference < 1e-5
    assert max(one.worst_difference for one in compared) < 0.05
    photos = read_split(sigmoid_run.parent / "data", "validation")
    scores = score_photos(Classifier.load(out / "two-int8.tflite"), photos, QUIET)
    assert scores.shape == (8, 2)
    assert (scores.argmax(axis=1) == photos.targets).all()
    np.testing.assert_allclose(scores.sum(axis=1), 1)


@pytest.mark.parametrize("kind", list(Format))
def test_each_file_has_one_unit_and_proves_two_scores(
    converted: tuple[Path, Conversion], kind: Format
) -> None:
    classifier = Classifier.load(converted[0] / f"two-{kind.value}.tflite")
    assert classifier.model.info.output.shape == (1, 1)
    golden, metadata = classifier.model.golden, classifier.model.info.metadata
    assert golden is not None
    assert [len(case.scores) for case in golden.cases] == [2] * 5
    assert all(case.passed for case in verify_cases(classifier))
    # MediaPipe refuses to run a model whose label file has another number of lines than there are scores.
    assert metadata is not None
    assert "labels.txt" not in metadata.files


def test_commands_name_both_labels(sigmoid_run: Path, converted: tuple[Path, Conversion]) -> None:
    data, model = sigmoid_run.parent / "data", str(converted[0] / "two-int8.tflite")
    said = CliRunner().invoke(main, ["predict", str(data / "validation"), "--model", model, "--json"])
    records = [json.loads(line) for line in said.stdout.splitlines()]
    assert [record["label"] for record in records] == ["blue"] * 4 + ["red"] * 4
    assert all(sum(score for _, score in record["top"]) == pytest.approx(1) for record in records)
    scene = ["camera", "--source", f"scene:{data / 'validation'}", "--model", model, "--headless", "--json"]
    seen = CliRunner().invoke(main, [*scene, "--max-frames", "40", "--size", "160x120"])
    frames = [json.loads(line) for line in seen.stdout.splitlines()]
    assert (seen.exit_code, len(frames)) == (0, 40)
    assert {frame["label"] for frame in frames} <= {"blue", "red"}
    tops = [
        [
            line
            for line in CliRunner().invoke(main, ["evaluate", str(of), str(data)]).stdout.splitlines()
            if line.startswith("top-1")
        ]
        for of in (sigmoid_run, converted[0] / "two-float32.tflite", model)
    ]
    assert len(tops[0]) == 1
    assert tops[0] == tops[1] == tops[2]
