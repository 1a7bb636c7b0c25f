"""A model of two labels with one sigmoid unit goes through conversion like any other."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from hangtag import Classifier
from hangtag.contract import InputSpec, ModelContract, OutputKind, OutputSpec
from hangtag.labelled_folder import read_split
from hangtag.progress import Progress
from hangtag.scoring import score_photos

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


def test_its_files_say_what_it_says(sigmoid_run: Path, tmp_path: Path) -> None:
    from hangtag_convert.conversion import convert
    from hangtag_convert.formats import Format

    result = convert(sigmoid_run, tmp_path, [Format.FLOAT32, Format.INT8], QUIET)
    assert result.keras_top1 == 1.0
    assert [row.agreement for row in result.files] == [1.0, 1.0]
    assert result.files[0].worst_difference < 1e-5
    assert result.files[1].worst_difference < 0.05
    photos = read_split(sigmoid_run.parent / "data", "validation")
    scores = score_photos(Classifier.load(tmp_path / "two-int8.tflite"), photos, QUIET)
    assert scores.shape == (8, 2)
    assert (scores.argmax(axis=1) == photos.targets).all()
    np.testing.assert_allclose(scores.sum(axis=1), 1)
