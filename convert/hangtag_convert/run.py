"""What conversion takes from a training run: its model, contract and where its photos were."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from hangtag.contract import ModelContract
from hangtag.errors import ConversionError


@dataclass(frozen=True, slots=True)
class TrainedRun:
    """A finished run: the Keras model's file, its contract and the data set's folder."""

    model: Path
    contract: ModelContract
    data: Path


def read_run(folder: Path) -> TrainedRun:
    """Read a run folder and check that model and contract are those that belong together.

    Raises:
        ConversionError: no finished run, or a file of it was changed since.
        ContractError: the contract cannot be used.
    """
    seal = folder / "run.json"
    if not seal.is_file():
        raise ConversionError(
            f"{folder} holds no finished training run (no run.json); make one: hangtag train"
        )
    try:
        settings = json.loads(seal.read_text(encoding="utf-8"))
        digests, data = dict(settings["sha256"]), Path(settings["data"])
        for name, digest in digests.items():
            if hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest:
                raise ConversionError(f"{folder / name} was changed after training; train again")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConversionError(f"{folder} is not a whole training run: {error}") from None
    contract = ModelContract.from_json((folder / "contract.json").read_bytes())
    return TrainedRun(folder / "model.keras", contract, data)
