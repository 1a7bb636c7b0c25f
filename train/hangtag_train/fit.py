"""The two phases of training: a linear head on cached features, then every layer together."""

from __future__ import annotations

import dataclasses
import json
import math
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import numpy.typing as npt

from hangtag.errors import TrainingError
from hangtag.files import whole_file
from hangtag.metrics import negative_log_likelihood, top_k
from hangtag_train.loading import Advance, PhotoBatches, predict
from hangtag_train.network import Array, Network, input_spec
from hangtag_train.recipe import Recipe

if TYPE_CHECKING:
    from hangtag.labelled_folder import LabelledFolder
    from hangtag.progress import Progress


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One pass over the training photos; losses are mean cross-entropies, top-1 are fractions."""

    phase: str
    epoch: int
    train_loss: float
    train_top1: float
    validation_loss: float
    validation_top1: float
    seconds: float

    @property
    def rank(self) -> tuple[float, float]:
        """Orders checkpoints: better accuracy first, then the smaller loss."""
        return (self.validation_top1, -self.validation_loss)


@dataclass(slots=True)
class State:
    """What fine-tuning has reached; saved whole after every epoch so that a run can be resumed."""

    weights: list[Array]
    average: list[Array]
    best: list[Array]
    history: list[HistoryRow]
    optimizer: list[npt.NDArray[Any]] = field(default_factory=list)
    epochs_done: int = 0

    @property
    def best_row(self) -> HistoryRow:
        """The row of the checkpoint kept in ``best``."""
        return max(self.history, key=lambda row: row.rank)

    def save(self, path: Path, recipe: Recipe, dataset_sha256: str) -> None:
        """Write everything to one .npz file, whole or not at all."""
        header = {
            "recipe": recipe.as_dict(),
            "dataset_sha256": dataset_sha256,
            "epochs_done": self.epochs_done,
            "history": [dataclasses.asdict(row) for row in self.history],
        }
        arrays = {
            f"{group}_{number:04}": array
            for group in ("weights", "average", "best", "optimizer")
            for number, array in enumerate(getattr(self, group))
        }
        with whole_file(path) as temporary, temporary.open("wb") as file:
            np.savez(file, header=np.array(json.dumps(header)), **arrays)

    @classmethod
    def load(cls, path: Path, recipe: Recipe, dataset_sha256: str) -> State:
        """Read a state back, refusing one of another recipe or data set.

        Raises:
            TrainingError: it cannot be read, or belongs to other settings or photos.
        """
        try:
            # Opened here: np.load leaves a damaged archive open.
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                header = json.loads(str(stored["header"]))
                groups: dict[str, list[Any]] = {
                    group: [stored[name] for name in sorted(stored.files) if name.startswith(group + "_")]
                    for group in ("weights", "average", "best", "optimizer")
                }
                history = [HistoryRow(**row) for row in header["history"]]
                recipe_then, dataset_then = header["recipe"], header["dataset_sha256"]
                epochs_done = int(header["epochs_done"])
        except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise TrainingError(f"cannot resume from {path}: {error}; start again with --overwrite") from None
        if recipe_then != json.loads(json.dumps(recipe.as_dict())):
            raise TrainingError(f"{path} was begun with other settings: leave them out, --resume knows them")
        if dataset_then != dataset_sha256:
            raise TrainingError(f"{path} was begun with other photos; start again with --overwrite")
        return cls(**groups, history=history, epochs_done=epochs_done)


def stored_recipe(path: Path) -> Recipe:
    """Return the settings that an interrupted run was begun with.

    Raises:
        TrainingError: its state cannot be read.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return Recipe.from_dict(json.loads(str(stored["header"]))["recipe"])
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise TrainingError(f"cannot resume from {path}: {error}; start again with --overwrite") from None


def fit_head(
    network: Network, train: LabelledFolder, validation: LabelledFolder, recipe: Recipe, progress: Progress
) -> list[HistoryRow]:
    """Fit the last layer on the frozen backbone's features; the best epoch by validation is kept in it."""
    features = {
        split.path.name: predict(
            network.features, split, input_spec(recipe), progress, f"features of {split.path.name}"
        )
        for split in (train, validation)
    }
    train_features, validation_features = features[train.path.name], features[validation.path.name]
    train_targets, targets = np.array(train.targets), np.array(validation.targets)
    head = keras.Sequential(
        [
            keras.Input(train_features.shape[1:]),
            keras.layers.Dropout(recipe.dropout, seed=recipe.seed),
            keras.layers.Dense(len(train.labels)),
        ]
    )
    head.compile(
        keras.optimizers.AdamW(recipe.head_learning_rate, weight_decay=recipe.weight_decay),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,
    )
    history: list[HistoryRow] = []
    best: list[Array] = head.get_weights()
    with progress.bar("linear head", recipe.head_epochs) as advance:
        for epoch in range(recipe.head_epochs):
            begun = time.monotonic()
            fitted = head.fit(train_features, train_targets, batch_size=recipe.batch_size, verbose=0)
            scores = softmax(head.predict(validation_features, batch_size=1024, verbose=0))
            history.append(_row("head", epoch, fitted, scores, targets, begun=begun))
            if history[-1] is max(history, key=lambda row: row.rank):
                best = head.get_weights()
            advance()
    network.head.set_weights(best)
    return history


def fine_tune(
    network: Network,
    train: LabelledFolder,
    validation: LabelledFolder,
    recipe: Recipe,
    state: State,
    *,
    progress: Progress,
    save: Callable[[State], None],
) -> None:
    """Train every layer from ``state`` to the recipe's last epoch, then load the best weights.

    ``save`` is called with the state after each epoch. The running average of the weights is what is
    evaluated and kept: it is steadier than the weights themselves, which training goes on with.
    """
    model = network.logits
    trained = _TrainedView(network, recipe)
    batches = PhotoBatches(
        train.photos,
        len(train.labels),
        input_spec(recipe),
        batch_size=recipe.batch_size,
        augmentation=recipe.augmentation,
        seed=recipe.seed,
    )
    optimizer = _compiled(trained, model, recipe, state, len(batches))
    targets = np.array(validation.targets)
    for epoch in range(state.epochs_done, recipe.epochs):
        begun = time.monotonic()
        batches.start_epoch(epoch)
        trained.seed_dropout(recipe.seed, epoch)
        average = _RunningAverage(model, state.average, recipe.average_momentum, epoch * len(batches))
        with progress.bar(f"epoch {epoch + 1}/{recipe.epochs}", len(batches)) as advance:
            # start_epoch has shuffled the photos; Keras would shuffle whole batches on top, by a global seed.
            fitted = trained.fit(batches, shuffle=False, verbose=0, callbacks=[average, Advance(advance)])
        state.weights, state.average = model.get_weights(), average.values
        state.optimizer = [np.array(variable) for variable in optimizer.variables]
        model.set_weights(state.average)
        scores = softmax(predict(model, validation, input_spec(recipe), progress))
        model.set_weights(state.weights)
        _record(state, _row("fine-tune", epoch, fitted, scores, targets, begun=begun), recipe)
        save(state)
        progress.say(_epoch_line(state, recipe))
    model.set_weights(state.best)


def _compiled(
    trained: _TrainedView, model: keras.Model, recipe: Recipe, state: State, steps_per_epoch: int
) -> keras.optimizers.Optimizer:
    """Compile what is trained, set weights and optimizer to ``state``, and return the optimizer."""
    optimizer = _optimizer(recipe, steps_per_epoch)
    trained.compile(
        optimizer,
        keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.label_smoothing),
        metrics=["accuracy"],
        jit_compile=False,  # XLA on a CPU makes depthwise convolutions ten times slower
    )
    optimizer.build(model.trainable_variables)
    model.set_weights(state.weights)
    if state.optimizer:
        for variable, value in zip(optimizer.variables, state.optimizer, strict=True):
            variable.assign(value)
    return optimizer


def _record(state: State, row: HistoryRow, recipe: Recipe) -> None:
    """Add an epoch to ``state``, whose averaged weights are kept if they are the best so far."""
    if not (math.isfinite(row.train_loss) and math.isfinite(row.validation_loss)):
        raise TrainingError(
            f"training diverged in epoch {row.epoch}: the loss is not finite any more; "
            f"start again with a lower --learning-rate than {recipe.learning_rate:g}"
        )
    state.history.append(row)
    state.epochs_done = row.epoch
    if state.best_row is row:
        state.best = state.average


def _epoch_line(state: State, recipe: Recipe) -> str:
    row = state.history[-1]
    return (
        f"epoch {row.epoch}/{recipe.epochs}: validation top-1 {row.validation_top1:.4f}"
        f" (best {state.best_row.validation_top1:.4f}), loss {row.validation_loss:.4f}, "
        f"training loss {row.train_loss:.4f}, {row.seconds:.0f} s"
    )


def softmax(logits: Array) -> Array:
    """Return probabilities (n, labels) that add up to 1 in each row."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def _row(
    phase: str, epoch: int, fitted: Any, scores: Array, targets: npt.NDArray[np.int64], *, begun: float
) -> HistoryRow:
    return HistoryRow(
        phase=phase,
        epoch=epoch + 1,
        train_loss=float(fitted.history["loss"][-1]),
        train_top1=float(fitted.history["accuracy"][-1]),
        validation_loss=negative_log_likelihood(scores, targets),
        validation_top1=top_k(scores, targets, 1),
        seconds=time.monotonic() - begun,
    )


class _TrainedView(keras.Model):  # type: ignore[misc]
    """A network as it is fine-tuned: features are dropped, BatchNorm keeps its stored statistics.

    A functional Keras model hands ``training=True`` on to every layer, even to one that was called with
    ``training=False`` when the model was built; only a call of our own keeps the backbone at inference.
    """

    def __init__(self, network: Network, recipe: Recipe) -> None:
        super().__init__(name="fine_tuned")
        self._features = network.features
        self._dropout = keras.layers.Dropout(recipe.dropout, seed=recipe.seed)
        self._head = network.head

    def call(self, images: Any, training: bool | None = None) -> Any:
        """Return the logits (n, labels) of images (n, height, width, 3)."""
        features = self._features(images, training=False)
        return self._head(self._dropout(features, training=training))

    def seed_dropout(self, seed: int, epoch: int) -> None:
        """Make an epoch drop the same features whether or not the run was resumed before it."""
        if self._dropout.rate > 0:
            state = self._dropout.seed_generator.state
            state.assign(np.random.default_rng([seed, epoch]).integers(0, 2**32, 2).astype(state.dtype))


def _optimizer(recipe: Recipe, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    steps = recipe.epochs * steps_per_epoch
    warmup = min(round(recipe.warmup_epochs * steps_per_epoch), max(steps - 1, 0))
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else recipe.learning_rate,
        decay_steps=max(steps - warmup, 1),
        warmup_target=recipe.learning_rate if warmup else None,
        warmup_steps=warmup,
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=recipe.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


class _RunningAverage(keras.callbacks.Callback):  # type: ignore[misc]
    """Exponential running average of a model's weights, updated after every step.

    Early steps use a smaller momentum, (1 + n) / (10 + n), so that the start is soon forgotten (as
    TensorFlow's ExponentialMovingAverage does with ``num_updates``).
    """

    def __init__(self, averaged: keras.Model, values: list[Array], momentum: float, steps_done: int) -> None:
        super().__init__()
        self._averaged = averaged
        self.values = [value.copy() for value in values]
        self._momentum = momentum
        self._steps = steps_done

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        del batch, logs
        momentum = min(self._momentum, (1 + self._steps) / (10 + self._steps))
        for value, current in zip(self.values, self._averaged.get_weights(), strict=True):
            np.add(value, (1 - momentum) * (current - value), out=value)
        self._steps += 1
