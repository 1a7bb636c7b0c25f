"""Writes finished training runs around small networks, without training."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hangtag.contract import ColourOrder, InputSpec, ModelContract, OutputKind, OutputSpec
from hangtag.files import write_json
from hangtag.metrics import Evaluation
from hangtag_train.history import HistoryRow
from hangtag_train.run_folder import RunFolder

if TYPE_CHECKING:
    import keras


def contract_of(
    model: keras.Model, labels: Sequence[str], kind: OutputKind = OutputKind.SOFTMAX
) -> ModelContract:
    """Return a contract whose tensor holds pixels from 0 to 1."""
    _, height, width, channels = model.input_shape
    return ModelContract(
        labels=tuple(labels),
        input=InputSpec(
            width_px=width,
            height_px=height,
            colour_order=ColourOrder.GREY if channels == 1 else ColourOrder.RGB,
            mean=(0.0,) * channels,
            std=(255.0,) * channels,
        ),
        output=OutputSpec(kind=kind),
    )


def write_run(
    path: Path,
    model: keras.Model,
    contract: ModelContract,
    *,
    settings: dict[str, Any] | None = None,
    history: Sequence[HistoryRow] = (),
    evaluation: Evaluation | None = None,
) -> Path:
    """Write a sealed run folder and return its path."""
    folder = RunFolder(path)
    path.mkdir(parents=True)
    model.save(folder.model)
    folder.write_contract(contract.to_json())
    folder.write_history(history)
    if evaluation is not None:
        write_json(folder.metrics, {"validation": dataclasses.asdict(evaluation)})
    folder.close({"data": "", **(settings or {})})
    return path
