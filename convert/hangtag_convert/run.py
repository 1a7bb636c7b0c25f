"""What conversion takes from a training run: its model, contract and where its photos were."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from hangtag.contract import ModelContract
from hangtag.errors import ConversionError

_MODEL_NAME = "model.keras"
_CONTRACT_NAME = "contract.json"


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
        digests, data = settings["sha256"], Path(settings["data"])
        for name in (_MODEL_NAME, _CONTRACT_NAME):
            if hashlib.sha256((folder / name).read_bytes()).hexdigest() != digests[name]:
                raise ConversionError(f"{folder / name} was changed after training; train again")
        contract = ModelContract.from_json((folder / _CONTRACT_NAME).read_bytes())
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConversionError(f"{folder} is not a whole training run: {error!r}") from None
    return TrainedRun(folder / _MODEL_NAME, contract, data)
