"""Which model a file holds."""

from __future__ import annotations

import hashlib
from pathlib import Path

from hangtag.classifier import BUNDLED_NAME, bundled_model
from hangtag.model_file import ModelFile, read_model_file
from hangtag_benchmarks.records import ModelIdentity


def identify(path: Path | None) -> ModelIdentity:
    """Read and check a model file (None: the bundled one) and return which it is.

    Raises:
        ModelFileError: it cannot be read, is damaged or carries no contract.
        ContractError: its contract cannot be used.
    """
    model = bundled_model() if path is None else read_model_file(path)
    return _identity(BUNDLED_NAME if path is None else path.name, model)


def _identity(file_name: str, model: ModelFile) -> ModelIdentity:
    return ModelIdentity(
        file_name=printable(file_name),
        size_bytes=len(model.data),
        sha256=model.sha256,
        contract_sha256=hashlib.sha256(model.contract.to_json().encode()).hexdigest(),
        name=model.contract.name,
        input_dtype=model.contract.input.tensor.dtype,
        input_wh=(model.contract.input.width_px, model.contract.input.height_px),
    )


def printable(file_name: str) -> str:
    """Return a file's name without the bytes that it may hold and no terminal or JSON reader takes."""
    return "".join(char if char.isprintable() else "?" for char in file_name)
