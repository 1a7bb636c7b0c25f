"""What an interrupted run goes on from: one file, written whole after every epoch."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hangtag.errors import TrainingError
from hangtag.files import whole_file
from hangtag_train.history import HistoryRow, best_row
from hangtag_train.recipe import Recipe

Array = npt.NDArray[np.float32]

_GROUPS = ("weights", "average", "best", "optimizer")
_UNREADABLE = (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile)


@dataclass(slots=True)
class State:
    """What fine-tuning has reached.

    ``weights`` is what training goes on with, ``average`` their running average, ``best`` the average of the
    best epoch so far, ``optimizer`` the optimizer's variables.
    """

    weights: list[Array]
    average: list[Array]
    best: list[Array]
    history: list[HistoryRow]
    optimizer: list[npt.NDArray[Any]] = field(default_factory=list)
    epochs_done: int = 0

    @classmethod
    def beginning(cls, weights: list[Array], history: list[HistoryRow]) -> State:
        """Return the state before the first epoch of fine-tuning."""
        return cls(weights, [weight.copy() for weight in weights], weights, history)

    def record(self, row: HistoryRow) -> None:
        """Add an epoch, whose averaged weights are kept if they are the best so far."""
        self.history.append(row)
        self.epochs_done = row.epoch
        if best_row(self.history) is row:
            self.best = self.average

    def save(self, path: Path, recipe: Recipe, dataset_sha256: str) -> None:
        """Write everything to one .npz file, whole or not at all."""
        header = {
            "recipe": recipe.as_dict(),
            "dataset_sha256": dataset_sha256,
            "epochs_done": self.epochs_done,
            "history": [dataclasses.asdict(row) for row in self.history],
        }
        arrays = {
            f"{group}_{number:04}": array
            for group in _GROUPS
            for number, array in enumerate(getattr(self, group))
        }
        with whole_file(path) as temporary, temporary.open("wb") as file:
            np.savez(file, header=np.array(json.dumps(header)), **arrays)

    @classmethod
    def load(cls, path: Path, recipe: Recipe, dataset_sha256: str) -> State:
        """Read a state back, refusing one of another recipe or data set.

        Raises:
            TrainingError: it cannot be read, or belongs to other settings or photos.
        """
        try:
            # Opened here: np.load leaves a damaged archive open.
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                header = json.loads(str(stored["header"]))
                groups: dict[str, list[Any]] = {
                    group: [stored[name] for name in sorted(stored.files) if name.startswith(group + "_")]
                    for group in _GROUPS
                }
                history = [HistoryRow(**row) for row in header["history"]]
                recipe_then, dataset_then = header["recipe"], header["dataset_sha256"]
                epochs_done = int(header["epochs_done"])
        except _UNREADABLE as error:
            raise _cannot_resume(path, error) from None
        if recipe_then != json.loads(json.dumps(recipe.as_dict())):
            raise TrainingError(f"{path} was begun with other settings: leave them out, --resume knows them")
        if dataset_then != dataset_sha256:
            raise TrainingError(f"{path} was begun with other photos; start again with --overwrite")
        return cls(**groups, history=history, epochs_done=epochs_done)


def stored_recipe(path: Path) -> Recipe:
    """Return the settings that an interrupted run was begun with.

    Raises:
        TrainingError: its state cannot be read.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return Recipe.from_dict(json.loads(str(stored["header"]))["recipe"])
    except _UNREADABLE as error:
        raise _cannot_resume(path, error) from None


def _cannot_resume(path: Path, error: Exception) -> TrainingError:
    return TrainingError(f"cannot resume from {path}: {error}; start again with --overwrite")
