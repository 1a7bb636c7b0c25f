"""The end of a run: calibrate, evaluate, describe, and seal what it leaves behind."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from hangtag.calibration import unknown_threshold
from hangtag.contract import Calibration, ModelContract, Provenance
from hangtag.files import whole_file, write_json
from hangtag.metrics import Evaluation, evaluate
from hangtag.versions import versions
from hangtag_train.history import HistoryRow, best_row
from hangtag_train.loading import predict
from hangtag_train.mistakes import MISTAKES_NAME, find_mistakes, write_mistakes
from hangtag_train.network import (
    Array,
    Network,
    build_network,
    fit_temperature,
    input_spec,
    label_logits,
    softmax,
)
from hangtag_train.page import write_page
from hangtag_train.report import draw_confusion, draw_curves
from hangtag_train.run_folder import RunFolder
from hangtag_train.run_page import read_run_page

if TYPE_CHECKING:
    from hangtag.progress import Progress
    from hangtag_train.recipe import Recipe
    from hangtag_train.training_data import TrainingData


def finish(
    network: Network,
    data: TrainingData,
    recipe: Recipe,
    contract: ModelContract,
    history: Sequence[HistoryRow],
    *,
    folder: RunFolder,
    source: Mapping[str, Any],
    seconds: float,
    progress: Progress,
    validation_features: Array | None = None,
) -> Evaluation:
    """Calibrate the trained network on validation, evaluate it there, and write the run folder.

    ``validation_features`` spare a second look at the photos where the backbone is as it was when they were
    computed.
    """
    network = in_float32(network, recipe, len(contract.labels))
    targets = np.array(data.validation.targets)
    if validation_features is None:
        found = predict(network.logits, data.validation, input_spec(recipe), progress, "calibrating")
    else:
        kernel, bias = network.head.get_weights()
        found = validation_features @ kernel + bias
    logits = label_logits(found)
    temperature = fit_temperature(logits, targets)
    network.divide_logits(temperature)
    scores = softmax(logits / np.float32(temperature))
    evaluation = evaluate(scores, targets, contract.labels)
    calibration = Calibration(temperature=temperature, unknown_threshold=unknown_threshold(scores))
    described = _described(contract, calibration, data=data, recipe=recipe, evaluation=evaluation)
    save_model(network, described, folder)
    _write_results(folder, data, recipe, history=history, scores=scores, evaluation=evaluation)
    settings = {
        "data": str(data.path.resolve()),
        "source": dict(source),
        "dataset_sha256": data.sha256,
        "photos": data.photos,
        "skipped": list(data.skipped),
        "recipe": recipe.as_dict(),
        "kept": dataclasses.asdict(best_row(history)),
        "seconds": seconds,
    }
    folder.close(settings)
    # Last: where this is missing, `hangtag report` makes it from what the folder holds.
    write_page(folder.page, read_run_page(folder.path))
    return evaluation


def _described(
    contract: ModelContract,
    calibration: Calibration,
    data: TrainingData,
    recipe: Recipe,
    evaluation: Evaluation,
) -> ModelContract:
    """Return the contract with what only the end of a run knows."""
    provenance = Provenance(
        dataset_sha256=data.sha256,
        backbone=recipe.backbone,
        recipe=recipe.name,
        metrics={"keras_validation_top1": round(evaluation.top1, 6)},
        versions=versions(),
    )
    return contract.replace(calibration=calibration, provenance=provenance)


def _write_results(
    folder: RunFolder,
    data: TrainingData,
    recipe: Recipe,
    *,
    history: Sequence[HistoryRow],
    scores: Array,
    evaluation: Evaluation,
) -> None:
    """Write the history, the figures on validation and their pictures, and what was misnamed there."""
    folder.write_history(history)
    write_json(folder.metrics, {"validation": dataclasses.asdict(evaluation)})
    draw_curves(history, folder.path / "curves.png", recipe.as_dict())
    draw_confusion(evaluation, "validation", folder.path / "confusion_validation.png")
    paths = [photo.path.relative_to(data.path) for photo in data.validation.photos]
    targets = np.array(data.validation.targets)
    mistakes = find_mistakes(paths, scores, targets, data.validation.labels)
    write_mistakes(mistakes, folder.path / MISTAKES_NAME)


def in_float32(network: Network, recipe: Recipe, labels: int) -> Network:
    """Return the network built for float32 arithmetic, whatever precision it was trained in."""
    if not recipe.mixed_precision:
        return network
    keras.mixed_precision.set_dtype_policy("float32")
    plain = build_network(recipe, labels, pretrained=False)
    plain.logits.set_weights(network.logits.get_weights())
    return plain


def save_model(network: Network, contract: ModelContract, folder: RunFolder) -> None:
    """Write ``model.keras`` and ``contract.json``."""
    with whole_file(folder.model) as temporary:
        network.scores.save(temporary)
    folder.write_contract(contract.to_json())
