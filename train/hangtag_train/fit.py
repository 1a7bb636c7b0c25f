"""Fine-tuning: every layer together, epoch by epoch, each saved whole."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hangtag.errors import TrainingError
from hangtag_train.history import HistoryRow, best_row, epochs_since_best
from hangtag_train.loading import PhotoBatches, predict, prefetched
from hangtag_train.network import Array, Network, input_spec, label_logits, validation_figures
from hangtag_train.optimisation import learning_rate
from hangtag_train.trainer import Trainer

if TYPE_CHECKING:
    import keras

    from hangtag.labelled_folder import LabelledFolder
    from hangtag.progress import Progress
    from hangtag_train.distillation import Teacher
    from hangtag_train.recipe import Recipe
    from hangtag_train.state import State


@dataclass(frozen=True, slots=True)
class Epoch:
    """What an epoch's training steps came to."""

    loss: float
    top1: float
    waiting_share: float
    learning_rate: float


def fine_tune(
    network: Network,
    train: LabelledFolder,
    validation: LabelledFolder,
    recipe: Recipe,
    state: State,
    *,
    progress: Progress,
    save: Callable[[State], None],
    teacher: Teacher | None = None,
) -> None:
    """Train every layer from ``state`` to the recipe's last epoch, then load the best weights.

    ``save`` is called with the state after each epoch. The running average of the weights is what is
    evaluated and kept: it is steadier than the weights themselves, which training goes on with.

    Raises:
        TrainingError: the loss is not finite any more; the state of the epoch before is saved.
    """
    model = network.logits
    labels = len(train.labels)
    batches = training_batches(train, recipe)
    targets = np.array(validation.targets)
    if recipe.epochs > state.epochs_done:
        model.set_weights(state.weights)
        trainer = Trainer(network, recipe, np.array(train.targets), labels, teacher)
        if state.optimizer:
            trainer.optimizer_state = state.optimizer
    for epoch in range(state.epochs_done, recipe.epochs):
        if (reason := _enough(state, recipe)) is not None:
            progress.say(reason)
            break
        begun = time.monotonic()
        average = RunningAverage(model, state.average, recipe.average_momentum, epoch * len(batches))
        fitted = train_epoch(trainer, batches, average, recipe, epoch, progress=progress)
        state.weights, state.average = model.get_weights(), average.values
        state.optimizer = trainer.optimizer_state
        model.set_weights(state.average)
        logits = label_logits(predict(model, validation, input_spec(recipe), progress))
        model.set_weights(state.weights)
        if not np.isfinite(logits).all():
            raise TrainingError(_diverged(recipe, epoch, len(batches) - 1, len(batches)))
        state.record(_row(epoch, fitted, validation_figures(logits, targets), begun=begun))
        save(state)
        progress.say(_epoch_line(state, recipe))
    model.set_weights(state.best)


def training_batches(train: LabelledFolder, recipe: Recipe) -> PhotoBatches:
    """Return the training photos as the recipe varies and batches them."""
    return PhotoBatches(
        train.photos,
        len(train.labels),
        input_spec(recipe),
        batch_size=recipe.batch_size,
        augmentation=recipe.augmentation,
        seed=recipe.seed,
    )


def train_epoch(
    trainer: Trainer,
    batches: PhotoBatches,
    average: RunningAverage,
    recipe: Recipe,
    epoch: int,
    *,
    progress: Progress,
) -> Epoch:
    """Train for one epoch, counted from 0.

    Raises:
        PhotoError: a photo cannot be read.
        TrainingError: the loss or the weights are not finite any more.
    """
    batches.start_epoch(epoch)
    trainer.start_epoch(epoch)
    begun, waited_s = time.perf_counter(), 0.0
    totals, photos, rate = np.zeros(2), 0, 0.0
    with progress.bar(f"epoch {epoch + 1}/{recipe.epochs}", len(batches)) as advance:
        for step, batch in enumerate(prefetched(batches)):
            waited_s += batch.waited_s
            rate = learning_rate(recipe, epoch * len(batches) + step, len(batches))
            loss, top1 = trainer.step(step, batch.tensors, batch.targets, rate)
            average.update()
            # A ReLU makes zero of what is no number: the loss alone would not show that weights broke.
            if not (math.isfinite(loss) and average.is_finite):
                raise TrainingError(_diverged(recipe, epoch, step, len(batches)))
            totals += np.multiply((loss, top1), len(batch.targets))
            photos += len(batch.targets)
            advance()
    loss, top1 = (float(total) / photos for total in totals)
    return Epoch(loss, top1, waited_s / (time.perf_counter() - begun), rate)


def _diverged(recipe: Recipe, epoch: int, step: int, steps: int) -> str:
    kept = f"; the state after epoch {epoch} is kept" if epoch else ""
    return (
        f"training diverged in epoch {epoch + 1}, step {step + 1} of {steps}: "
        f"the loss or the weights are not finite any more"
        f"{kept}; start again with a lower --learning-rate than {recipe.learning_rate:g}"
    )


def _enough(state: State, recipe: Recipe) -> str | None:
    """Say why training is over before its last epoch, or None."""
    if not state.history or state.epochs_done == 0:
        return None
    top1 = best_row(state.history).validation_top1  # of what would be kept
    if recipe.stop_at_top1 is not None and top1 >= recipe.stop_at_top1:
        return f"stopping: validation top-1 {top1:.4f} reached {recipe.stop_at_top1:g}"
    fine_tuned = [row for row in state.history if row.phase == "fine-tune"]
    if recipe.patience is not None and epochs_since_best(fine_tuned) >= recipe.patience:
        return f"stopping: no better validation result in {recipe.patience} epochs"
    return None


def _epoch_line(state: State, recipe: Recipe) -> str:
    row, best = state.history[-1], best_row(state.history)
    kept = "the best so far" if best is row else f"{_name(best)} is better"
    return (
        f"epoch {row.epoch}/{recipe.epochs}: validation loss {row.validation_loss:.4f}, "
        f"top-1 {row.validation_top1:.4f} ({kept}), "
        f"training loss {row.train_loss:.4f}, {row.seconds:.0f} s, "
        f"{100 * row.waiting_share:.0f} % of it waiting for photos"
    )


def _name(row: HistoryRow) -> str:
    return "the linear head" if row.phase == "head" else f"epoch {row.epoch}"


def _row(epoch: int, fitted: Epoch, figures: Mapping[str, float], *, begun: float) -> HistoryRow:
    return HistoryRow(
        phase="fine-tune",
        epoch=epoch + 1,
        train_loss=fitted.loss,
        train_top1=fitted.top1,
        seconds=time.monotonic() - begun,
        waiting_share=fitted.waiting_share,
        learning_rate=fitted.learning_rate,
        **figures,
    )


class RunningAverage:
    """Exponential running average of a model's weights, updated after every step.

    Early steps use a smaller momentum, (1 + n) / (10 + n), so that the start is soon forgotten (as
    TensorFlow's ExponentialMovingAverage does with ``num_updates``). A momentum of 0 is the weights
    themselves.
    """

    def __init__(self, model: keras.Model, values: list[Array], momentum: float, steps_done: int) -> None:
        self._model = model
        self._values = [value.copy() for value in values]
        self._momentum = momentum
        self._steps = steps_done

    @property
    def values(self) -> list[Array]:
        """The average so far, in the order of the model's weights."""
        return self._model.get_weights() if self._momentum == 0 else self._values

    @property
    def is_finite(self) -> bool:
        """False where a weight is no number any more."""
        return all(math.isfinite(float(value.sum())) for value in self.values)

    def update(self) -> None:
        """Take the model's present weights in."""
        if self._momentum == 0:
            return
        momentum = min(self._momentum, (1 + self._steps) / (10 + self._steps))
        for value, current in zip(self._values, self._model.get_weights(), strict=True):
            np.add(value, (1 - momentum) * (current - value), out=value)
        self._steps += 1
