"""Keras models as benchmarks take them: of finished training runs, which have a contract beside them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hangtag.errors import BenchmarkError
from hangtag.run_seal import MODEL_NAME, SEAL_NAME, SealedRun, read_run


def with_runs_opened(paths: Sequence[Path]) -> list[Path]:
    """Return the files to measure: a training run's folder stands for its model and what was made of it.

    Those are its ``model.keras`` and the ``.tflite`` files in it, by name; every file once.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if (path / SEAL_NAME).is_file():
            found |= dict.fromkeys([path / MODEL_NAME, *sorted(path.glob("*.tflite"))])
        else:
            found[path] = None
    return list(found)


def read_keras_run(path: Path) -> SealedRun:
    """Return the training run that a ``.keras`` file is the model of.

    Raises:
        BenchmarkError: it is not a run's model: nobody knows what its pixels and labels are.
        RunError: a file of the run was changed since.
        ContractError: the contract cannot be used.
    """
    if not path.is_file():
        raise BenchmarkError(f"there is no file {path}; wanted the {MODEL_NAME} of a training run")
    if path.name != MODEL_NAME or not (path.parent / SEAL_NAME).is_file():
        raise BenchmarkError(
            f"{path} says nothing of labels and pixels: benchmark its training run's folder, which holds "
            f"{MODEL_NAME} and {SEAL_NAME}, or the .tflite file that hangtag convert makes of it"
        )
    return read_run(path.parent)
