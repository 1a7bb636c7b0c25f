"""Which model a file holds."""

from __future__ import annotations

import hashlib
from pathlib import Path

from hangtag.classifier import BUNDLED_NAME, bundled_model
from hangtag.contract import ModelContract
from hangtag.model_file import read_model_file
from hangtag_benchmarks.engines.keras_run import read_keras_run
from hangtag_benchmarks.engines.registry import KERAS_ENDING
from hangtag_benchmarks.plans import ModelIdentity


def identify(path: Path | None) -> ModelIdentity:
    """Read and check a model file (None: the bundled one) and return which it is.

    Raises:
        ModelFileError: it cannot be read, is damaged or carries no contract.
        ContractError: its contract cannot be used.
        BenchmarkError: a Keras model that is no training run's.
        RunError: a file of its training run was changed since.
    """
    if path is not None and path.suffix == KERAS_ENDING:
        run = read_keras_run(path)
        return _identity(path.name, run.model.read_bytes(), run.contract)
    model = bundled_model() if path is None else read_model_file(path)
    return _identity(BUNDLED_NAME if path is None else path.name, model.data, model.contract)


def _identity(file_name: str, data: bytes, contract: ModelContract) -> ModelIdentity:
    return ModelIdentity(
        file_name=printable(file_name),
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        contract_sha256=hashlib.sha256(contract.to_json().encode()).hexdigest(),
        name=contract.name,
        input_dtype=contract.input.tensor.dtype,
        input_wh=(contract.input.width_px, contract.input.height_px),
    )


def printable(file_name: str) -> str:
    """Return a file's name without the bytes that it may hold and no terminal or JSON reader takes."""
    return "".join(char if char.isprintable() else "?" for char in file_name)
