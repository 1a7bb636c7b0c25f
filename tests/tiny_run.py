"""What tests of several stages share: a finished run with its photos, and how a tiny one is made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hangtag.progress import Progress

if TYPE_CHECKING:
    from hangtag.metrics import Evaluation
    from hangtag_train.recipe import Recipe

QUIET = Progress(quiet=True)


@dataclass(frozen=True, slots=True)
class TinyRun:
    """A finished training run and the photos it was trained on."""

    folder: Path
    data: Path


def train_run(data: Path, out: Path, recipe: Recipe, **options: Any) -> Evaluation:
    """Train without a word; the cache lies beside the run."""
    from hangtag_train.training import RunPlan, train

    plan = RunPlan(data=data, out=out, **{"cache": out.parent / "cache", **options})
    return train(plan, recipe, QUIET)


def names_in(run: Path) -> set[str]:
    """Return the names of what a folder holds."""
    return {path.name for path in run.iterdir()}


def contents(folder: Path) -> dict[str, bytes]:
    """Return a folder's files, name to bytes."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
