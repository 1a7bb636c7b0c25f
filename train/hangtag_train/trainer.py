"""One step of fine-tuning, and what it needs to be the same step in every run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import numpy.typing as npt

from hangtag_train.mixing import mix
from hangtag_train.objective import Objective, photo_weights, smoothed, top1_of
from hangtag_train.optimisation import build_optimizer

if TYPE_CHECKING:
    from hangtag_train.distillation import Teacher
    from hangtag_train.network import Network
    from hangtag_train.recipe import Recipe

Array = npt.NDArray[np.float32]


class Trainer:
    """A network with its optimizer and objective, trained batch by batch.

    Every random choice of a step depends on the recipe's seed, the epoch and the step alone.
    """

    def __init__(
        self,
        network: Network,
        recipe: Recipe,
        targets: npt.NDArray[np.int64],
        labels: int,
        teacher: Teacher | None,
    ) -> None:
        self._recipe = recipe
        self._labels = labels
        self._teacher = teacher
        self._weights = photo_weights(recipe, targets, labels)
        self._view = _TrainedView(network, recipe)
        self._view.compile(
            build_optimizer(recipe),
            Objective(labels, teacher_share=recipe.teacher_share, temperature=recipe.teacher_temperature),
            metrics=[top1_of(labels)],
            jit_compile=False,  # XLA on a CPU makes depthwise convolutions ten times slower
        )
        self._view.optimizer.build(network.logits.trainable_variables)

    @property
    def optimizer_state(self) -> list[npt.NDArray[Any]]:
        """The optimizer's variables, to be resumed from."""
        return [np.array(variable) for variable in self._view.optimizer.variables]

    @optimizer_state.setter
    def optimizer_state(self, values: list[npt.NDArray[Any]]) -> None:
        for variable, value in zip(self._view.optimizer.variables, values, strict=True):
            variable.assign(value)

    def start_epoch(self, epoch: int) -> None:
        """Begin an epoch, counted from 0: its dropout, its statistics, its means."""
        start = self._recipe.norm_from_epoch
        self._view.start_epoch(epoch, learns_statistics=start is not None and epoch + 1 >= start)
        self._view.reset_metrics()
        self._epoch = epoch

    def step(self, number: int, tensors: Array, targets: Array, learning_rate: float) -> tuple[float, float]:
        """Train on one batch; return the means of loss and top-1 since the epoch's start.

        Args:
            number: of the step in its epoch.
            tensors: (n, height, width, channels).
            targets: one-hot, (n, labels).
            learning_rate: of this step.
        """
        recipe = self._recipe
        weights = None if self._weights is None else self._weights[targets.argmax(axis=1)]
        tensors, targets = mix(
            tensors,
            smoothed(targets, recipe.label_smoothing),
            mixup=recipe.mixup,
            cutmix=recipe.cutmix,
            rng=np.random.default_rng([recipe.seed, self._epoch, number]),
        )
        if self._teacher is not None:
            targets = np.concatenate([targets, self._teacher.probabilities(tensors)], axis=1)
        self._view.optimizer.learning_rate.assign(learning_rate)
        means = self._view.train_on_batch(tensors, targets, sample_weight=weights, return_dict=True)
        return float(means["loss"]), float(means["top1"])


class _TrainedView(keras.Model):  # type: ignore[misc]
    """A network as it is fine-tuned: features are dropped, BatchNorm keeps its stored statistics or learns.

    A functional Keras model hands ``training=True`` on to every layer, even to one that was called with
    ``training=False`` when the model was built; only a call of our own keeps the backbone at inference.
    """

    def __init__(self, network: Network, recipe: Recipe) -> None:
        super().__init__(name="fine_tuned")
        self._features = network.features
        self._dropout = keras.layers.Dropout(recipe.dropout, seed=recipe.seed)
        self._head = network.head
        self._seed = recipe.seed
        self._learns_statistics = False

    def call(self, images: Any, training: bool | None = None) -> Any:
        """Return one logit per label (n, labels) of images (n, height, width, channels)."""
        features = self._features(images, training=bool(training) and self._learns_statistics)
        logits = self._head(self._dropout(features, training=training))
        if logits.shape[1] == 1:  # one sigmoid unit: the softmax of (0, z)
            logits = keras.ops.concatenate([keras.ops.zeros_like(logits), logits], axis=1)
        return logits

    def start_epoch(self, epoch: int, *, learns_statistics: bool) -> None:
        """Make an epoch drop the same features whether or not the run was resumed before it."""
        if learns_statistics != self._learns_statistics:
            self._learns_statistics = learns_statistics
            self.make_train_function(force=True)
        if self._dropout.rate > 0:
            state = self._dropout.seed_generator.state
            state.assign(np.random.default_rng([self._seed, epoch]).integers(0, 2**32, 2).astype(state.dtype))
