"""A learning-rate sweep (Smith 2017): rising rates over one short training, to see where the loss falls."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np
import numpy.typing as npt

from hangtag.errors import TrainingError
from hangtag.files import make_folder, whole_file
from hangtag_train.compute import computing
from hangtag_train.distillation import find_teacher
from hangtag_train.fit import training_batches
from hangtag_train.head import fit_head, read_features
from hangtag_train.loading import prefetched
from hangtag_train.network import build_network, input_spec
from hangtag_train.trainer import Trainer, check_statistics
from hangtag_train.training_data import list_training_data, screened

if TYPE_CHECKING:
    from hangtag.progress import Progress
    from hangtag_train.recipe import Recipe
    from hangtag_train.training import RunPlan

LOWEST, HIGHEST = 1e-6, 1.0
STEPS = 100
_STOP_FACTOR = 4.0
"""A loss that many times its best has diverged; nothing is learned from going on."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """The suggested learning rate, the curve behind it (rates, smoothed losses) and its picture."""

    suggested: float
    rates: tuple[float, ...]
    losses: tuple[float, ...]
    picture: Path


def sweep(plan: RunPlan, recipe: Recipe, progress: Progress) -> Sweep:
    """Train for a hundred steps with rates from 1e-6 to 1 and write ``lr_sweep.csv`` and ``lr_sweep.png``.

    No run comes of it. The batch's own loss is taken at each step and smoothed over its neighbours.

    Raises:
        DatasetError: the photos cannot be trained on.
        TrainingError: too few steps to say anything.
        OutputError: the folder cannot be written to.
    """
    make_folder(plan.out)
    with computing(recipe, progress):
        rates, losses = _losses(plan, recipe, progress)
    smooth = smoothed_losses(losses)
    result = Sweep(suggest(rates, smooth), tuple(rates), tuple(smooth), plan.out / "lr_sweep.png")
    with whole_file(plan.out / "lr_sweep.csv") as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["learning_rate", "loss", "smoothed_loss"])
        writer.writerows(zip(rates, losses, smooth, strict=True))
    _draw(result)
    return result


def _losses(plan: RunPlan, recipe: Recipe, progress: Progress) -> tuple[list[float], list[float]]:
    data = list_training_data(plan.data, progress)
    labels = len(data.train.labels)
    keras.utils.set_random_seed(recipe.seed)
    network = build_network(recipe, labels)
    check_statistics(network, recipe)
    teacher = find_teacher(recipe, data.train.labels, input_spec(recipe))
    if recipe.head_epochs > 0:
        features = read_features(network, data, recipe, cache=plan.cache, progress=progress)
        fit_head(network, features, recipe, progress)
        data = features.data
    else:
        data = screened(data, plan.cache, progress)
    trainer = Trainer(network, recipe, np.array(data.train.targets), labels, teacher)
    batches = training_batches(data.train, recipe)
    rates: list[float] = []
    losses: list[float] = []
    epoch = 0
    with progress.bar("learning-rate sweep", STEPS) as advance:
        while len(rates) < STEPS:
            batches.start_epoch(epoch)
            trainer.start_epoch(epoch)
            for step, batch in enumerate(prefetched(batches)):
                rate = LOWEST * (HIGHEST / LOWEST) ** (len(rates) / (STEPS - 1))
                loss, _ = trainer.step(step, batch.tensors, batch.targets, rate)
                if not math.isfinite(loss) or (losses and loss > _STOP_FACTOR * min(losses)):
                    return rates, losses
                rates.append(rate)
                losses.append(loss)
                advance()
                if len(rates) == STEPS:
                    break
            epoch += 1
    return rates, losses


def smoothed_losses(losses: list[float], window: int = 7) -> list[float]:
    """Return each loss averaged with its neighbours, fewer of them at the ends."""
    half = window // 2
    return [float(np.mean(losses[max(0, i - half) : i + half + 1])) for i in range(len(losses))]


def suggest(rates: list[float], losses: list[float]) -> float:
    """Return the rate where the smoothed loss falls fastest against the rate's logarithm, before its minimum.

    Raises:
        TrainingError: fewer than ten steps before the loss diverged, or it never fell.
    """
    if len(rates) < 10:
        raise TrainingError(
            f"the loss diverged after {len(rates)} steps, at a learning rate of "
            f"{rates[-1] if rates else LOWEST:.2g}: nothing can be read off that"
        )
    lowest = int(np.argmin(losses))
    slopes: npt.NDArray[np.float64] = np.gradient(np.array(losses), np.log(np.array(rates)))
    steepest = int(np.argmin(slopes[: lowest + 1]))
    if slopes[steepest] >= 0:
        raise TrainingError("the loss never fell at any learning rate: look at the data and the labels")
    return rates[steepest]


def _draw(result: Sweep) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(result.rates, result.losses)
    axes.axvline(
        result.suggested, color="grey", linestyle=":", label=f"falls fastest: {result.suggested:.2g}"
    )
    axes.set_xscale("log")
    axes.set_xlabel("learning rate")
    axes.set_ylabel("training loss, smoothed")
    axes.grid(alpha=0.3)
    axes.legend()
    with whole_file(result.picture) as temporary:
        figure.savefig(temporary, dpi=120)
