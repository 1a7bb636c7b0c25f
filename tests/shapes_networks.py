"""Untrained networks that tell shapes apart somehow, saved with a contract: models to evaluate."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
from click.testing import CliRunner, Result

from hangtag.cli import main
from hangtag.contract import InputSpec, ModelContract
from hangtag.labelled_folder import read_split
from hangtag.photos import read_photo
from hangtag.preprocess import preprocess
from hangtag.progress import Progress

QUIET = Progress(quiet=True)
LABELS = ("disc", "square", "stripe")


def network(units: int = 3, activation: str | None = "softmax", side_px: int | None = 16) -> keras.Model:
    """A network whose outputs differ from photo to photo."""
    keras.utils.set_random_seed(4)
    image = keras.Input((side_px, side_px, 3))
    features = keras.layers.Conv2D(8, 3, strides=2, activation="relu")(image)
    pooled = keras.layers.GlobalMaxPooling2D()(features)
    return keras.Model(image, keras.layers.Dense(units, activation=activation)(pooled))


def contract_of(**changes: Any) -> ModelContract:
    spec = InputSpec(width_px=16, height_px=16)
    return ModelContract(name="shapes", labels=LABELS, input=spec).replace(**changes)


def saved(folder: Path, model: keras.Model, contract: ModelContract | None) -> Path:
    folder.mkdir(exist_ok=True)
    model.save(folder / "own.keras")
    if contract is not None:
        (folder / "contract.json").write_text(contract.to_json())
    return folder / "own.keras"


def outputs_of(model: keras.Model, data: Path, split: str = "validation") -> np.ndarray:
    spec = InputSpec(width_px=16, height_px=16)
    photos = read_split(data, split).photos
    return np.asarray(
        model.predict_on_batch(np.concatenate([preprocess(read_photo(photo.path), spec) for photo in photos]))
    ).astype(np.float64)


def evaluate(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["evaluate", *map(str, arguments)])


def sealed(run: Path, data: Path) -> Path:
    """Make and return what a finished run looks like to the stages after it."""
    saved(run, network(), contract_of()).rename(run / "model.keras")
    digests = {
        name: hashlib.sha256((run / name).read_bytes()).hexdigest()
        for name in ("model.keras", "contract.json")
    }
    (run / "run.json").write_text(json.dumps({"sha256": digests, "data": str(data)}))
    return run
