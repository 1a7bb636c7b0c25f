"""The trials of a tuning, kept so that an interrupted one goes on where it was."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hangtag.errors import TrainingError
from hangtag.files import make_folder, whole_file, write_json


@dataclass(frozen=True, slots=True)
class Trial:
    """Settings and what a short training with them came to; None where the loss was not finite any more."""

    settings: Mapping[str, float]
    validation_loss: float | None = None
    validation_top1: float | None = None


@dataclass(slots=True)
class Trials:
    """All finished trials of one recipe on one data set, in order; stored after each."""

    folder: Path
    recipe: Mapping[str, Any]
    dataset_sha256: str
    finished: list[Trial] = field(default_factory=list)

    def add(self, trial: Trial) -> None:
        """Take a finished trial in and write ``trials.json``, to go on from, and ``trials.csv``, to read.

        Raises:
            OutputError: the folder cannot be written to.
        """
        self.finished.append(trial)
        self.store()

    def store(self) -> None:
        """Write both files.

        Raises:
            OutputError: the folder cannot be written to.
        """
        make_folder(self.folder)
        names = list(self.finished[0].settings) if self.finished else []
        with whole_file(self.folder / "trials.csv") as temporary, temporary.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["trial", *names, "validation_loss", "validation_top1"])
            for number, trial in enumerate(self.finished, 1):
                settings = [trial.settings[name] for name in names]
                writer.writerow([number, *settings, trial.validation_loss, trial.validation_top1])
        write_json(
            _stored(self.folder),
            {
                "recipe": dict(self.recipe),
                "dataset_sha256": self.dataset_sha256,
                "trials": [
                    {
                        "settings": dict(trial.settings),
                        "validation_loss": trial.validation_loss,
                        "validation_top1": trial.validation_top1,
                    }
                    for trial in self.finished
                ],
            },
        )

    def best(self, count: int) -> int:
        """Return the index of the trial with the smallest loss of the first ``count``; of equals the first.

        Raises:
            TrainingError: every one of them diverged.
        """
        losses = [
            (trial.validation_loss, number)
            for number, trial in enumerate(self.finished[:count])
            if trial.validation_loss is not None
        ]
        if not losses:
            raise TrainingError(
                "every trial diverged, its loss not finite any more; look at the photos, or give "
                "a lower --learning-rate"
            )
        return min(losses)[1]


def begun(folder: Path) -> bool:
    """True where trials were stored in the folder."""
    return _stored(folder).exists()


def load_trials(folder: Path, recipe: Mapping[str, Any], dataset_sha256: str) -> Trials:
    """Read stored trials back, refusing those of another recipe or data set.

    Raises:
        TrainingError: they cannot be read, or belong to other settings or photos.
    """
    path = _stored(folder)
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        trials = [_read_trial(trial) for trial in stored["trials"]]
        recipe_then, dataset_then = stored["recipe"], stored["dataset_sha256"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TrainingError(
            f"cannot go on tuning from {path}: {error}; start again with --overwrite"
        ) from None
    if recipe_then != json.loads(json.dumps(dict(recipe))):
        raise TrainingError(f"{path} holds trials of other settings; start again with --overwrite")
    if dataset_then != dataset_sha256:
        raise TrainingError(f"{path} holds trials on other photos; start again with --overwrite")
    return Trials(folder, recipe, dataset_sha256, trials)


def _read_trial(stored: Any) -> Trial:
    settings = {str(name): float(value) for name, value in stored["settings"].items()}
    loss, top1 = stored["validation_loss"], stored["validation_top1"]
    return Trial(settings, None if loss is None else float(loss), None if top1 is None else float(top1))


def _stored(folder: Path) -> Path:
    return folder / "trials.json"
