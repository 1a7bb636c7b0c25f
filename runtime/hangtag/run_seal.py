"""A finished training run, as every stage after it finds it: a model and a contract that belong together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hangtag.contract import ModelContract
from hangtag.errors import RunError

SEAL_NAME = "run.json"
MODEL_NAME = "model.keras"
CONTRACT_NAME = "contract.json"
STATE_NAME = "training_state.npz"
"""What an interrupted run goes on with; a finished one has none."""


@dataclass(frozen=True, slots=True)
class SealedRun:
    """A finished run: the Keras model's file, its contract and the data set's folder.

    ``data`` is None where the run needed no photos: ImageNet's own classifier. ``source`` is what training
    wrote down about where the photos came from (JSON values; empty where it wrote nothing).
    """

    model: Path
    contract: ModelContract
    data: Path | None
    source: Mapping[str, Any] = field(default_factory=dict)


def read_run(folder: Path) -> SealedRun:
    """Read a run folder and check that model and contract are those that training sealed together.

    Raises:
        RunError: no finished run, or a file of it was changed since.
        ContractError: the contract cannot be used.
    """
    seal = folder / SEAL_NAME
    if folder.is_file():
        raise RunError(f"{folder} is a file; wanted the folder of a training run, such as {folder.parent}")
    if not seal.is_file() and (folder / STATE_NAME).is_file():
        raise RunError(
            f"the training in {folder} is not finished: go on with hangtag train DATA --out {folder} --resume"
        )
    if not seal.is_file():
        raise RunError(f"{folder} holds no finished training run (no {SEAL_NAME}); make one: hangtag train")
    try:
        settings = json.loads(seal.read_text(encoding="utf-8"))
        digests, data = settings["sha256"], settings["data"]
        source = dict(settings.get("source", {}))
        for name in (MODEL_NAME, CONTRACT_NAME):
            if hashlib.sha256((folder / name).read_bytes()).hexdigest() != digests[name]:
                raise RunError(f"{folder / name} was changed after training; train again")
        contract = ModelContract.from_json((folder / CONTRACT_NAME).read_bytes())
        where = None if data is None else Path(data)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunError(f"{folder} is not a whole training run: {error!r}") from None
    return SealedRun(folder / MODEL_NAME, contract, where, source)
