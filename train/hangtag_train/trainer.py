"""One step of fine-tuning, and what it needs to be the same step in every run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import numpy.typing as npt

from hangtag.errors import TrainingError
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
        self._view = TrainedView(network, recipe)
        self._view.compile(
            build_optimizer(recipe),
            Objective(labels, teacher_share=recipe.teacher_share, temperature=recipe.teacher_temperature),
            jit_compile=False,  # XLA on a CPU makes depthwise convolutions ten times slower
        )
        self._view.optimizer.build(network.logits.trainable_variables)
        self._steps: dict[bool, Callable[..., Any]] = {}

    @property
    def optimizer_state(self) -> list[npt.NDArray[Any]]:
        """The optimizer's variables, to be resumed from."""
        return [np.array(variable) for variable in self._view.optimizer.variables]

    @optimizer_state.setter
    def optimizer_state(self, values: list[npt.NDArray[Any]]) -> None:
        for variable, value in zip(self._view.optimizer.variables, values, strict=True):
            variable.assign(value)

    def start_epoch(self, epoch: int) -> None:
        """Begin an epoch, counted from 0: its dropout, its statistics."""
        start = self._recipe.norm_from_epoch
        learns_statistics = start is not None and epoch + 1 >= start
        self._view.start_epoch(epoch, learns_statistics=learns_statistics)
        self._epoch = epoch
        # What a graph does is settled when it is traced: each of the two ways has its own.
        if learns_statistics not in self._steps:
            self._steps[learns_statistics] = _step_function(self._view, self._labels)
        self._step = self._steps[learns_statistics]

    def step(self, number: int, tensors: Array, targets: Array, learning_rate: float) -> tuple[float, float]:
        """Train on one batch; return its mean loss and top-1.

        Args:
            number: of the step in its epoch.
            tensors: (n, height, width, channels).
            targets: one-hot, (n, labels).
            learning_rate: of this step.
        """
        recipe = self._recipe
        weights = () if self._weights is None else (self._weights[targets.argmax(axis=1)],)
        tensors, targets = mix(
            tensors,
            smoothed(targets, recipe.label_smoothing),
            mixup=recipe.mixup,
            cutmix=recipe.cutmix,
            rng=np.random.default_rng([recipe.seed, self._epoch, number]),
        )
        if self._teacher is not None:
            targets = np.concatenate([targets, self._teacher.probabilities(tensors)], axis=1)
        loss, top1 = self._step((tensors, targets, *weights), learning_rate)
        return float(loss), float(top1)


def _step_function(view: TrainedView, labels: int) -> Callable[..., tuple[Any, Any]]:
    """Return a step of training: (tensors, targets[, weights]), learning rate -> mean loss and top-1.

    Keras's ``train_on_batch`` would hand every GPU the same whole batch, and costs a small network as much
    again as its arithmetic.
    """
    import tensorflow as tf

    strategy = view.distribute_strategy
    hits = top1_of(labels)

    def learn(images: Any, targets: Any, weights: Any = None) -> tuple[Any, Any]:
        with tf.GradientTape() as tape:
            logits = view(images, training=True)
            # Keras divides it by the number of devices, whose gradients are added up.
            loss = view.compute_loss(x=images, y=targets, y_pred=logits, sample_weight=weights)
            scaled = view.optimizer.scale_loss(loss)
        variables = view.trainable_variables
        view.optimizer.apply_gradients(zip(tape.gradient(scaled, variables), variables, strict=True))
        return loss, tf.reduce_mean(hits(targets, logits))

    def step(batch: tuple[Any, ...], rate: Any) -> tuple[Any, Any]:
        view.optimizer.learning_rate.assign(rate)
        loss, top1 = strategy.run(learn, args=batch)
        return strategy.reduce("SUM", loss, axis=None), strategy.reduce("MEAN", top1, axis=None)

    graph = tf.function(step, autograph=False, reduce_retracing=True)
    traced: list[Callable[..., tuple[Any, Any]]] = []

    def run(batch: tuple[Array, ...], learning_rate: float) -> tuple[Any, Any]:
        rate = tf.constant(learning_rate, tf.float32)
        if strategy.num_replicas_in_sync > 1:
            loss, top1 = graph(_spread(batch, strategy), rate)
            return loss, top1
        if not traced:  # once, for batches of any size
            specs = tuple(tf.TensorSpec((None, *part.shape[1:]), part.dtype) for part in batch)
            traced.append(graph.get_concrete_function(specs, rate))
        return traced[0](tuple(tf.constant(part) for part in batch), rate)

    return run


def _spread(batch: tuple[Array, ...], strategy: Any) -> tuple[Any, ...]:
    """Return a batch with an equal part for each of the strategy's devices.

    Where it has no equal parts every device takes the whole of it, which comes to the same gradients.
    """
    devices = strategy.num_replicas_in_sync
    uneven = len(batch[0]) % devices != 0

    def spread(values: Array) -> Any:
        parts = [values] * devices if uneven else np.split(values, devices)
        return strategy.experimental_distribute_values_from_function(
            lambda context: parts[context.replica_id_in_sync_group]
        )

    return tuple(spread(part) for part in batch)


class TrainedView(keras.Model):  # type: ignore[misc]
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
        """Make an epoch drop the same features whether or not the run was resumed before it.

        Every layer with chance of its own begins the epoch from the recipe's seed, the epoch and its place:
        our dropout and, in a backbone that is the user's or one of Keras's, what is there of it.
        """
        self._learns_statistics = learns_statistics
        for place, state in enumerate((*_chance(self._dropout), *_chance(self._features))):
            fresh = np.random.default_rng([self._seed, epoch, place]).integers(0, 2**32, 2)
            state.assign(fresh.astype(state.dtype))


def _chance(layer: keras.Layer) -> list[keras.Variable]:
    """Return the states of a layer's random generators and those within it, in the order of its layers.

    A layer's ``variables`` hold them, its ``weights`` do not.
    """
    weights = {id(weight) for weight in layer.weights}
    return [variable for variable in layer.variables if id(variable) not in weights]


def check_statistics(network: Network, recipe: Recipe) -> None:
    """Raise where fine-tuning would leave BatchNorm's statistics as they were drawn: zeros and ones.

    Raises:
        TrainingError: the backbone has such layers, and no epoch of the recipe lets them learn.
    """
    start = recipe.norm_from_epoch
    if recipe.epochs == 0 or (start is not None and start <= recipe.epochs):
        return
    if any(_is_unlearned(layer) for layer in network.features._flatten_layers()):
        never = "never" if start is None else f"only from epoch {start} of {recipe.epochs}"
        raise TrainingError(
            f"the backbone {recipe.backbone} has BatchNorm with fresh statistics, which would learn "
            f"{never}: give --norm-from-epoch 1"
        )


def _is_unlearned(layer: keras.Layer) -> bool:
    return isinstance(layer, keras.layers.BatchNormalization) and bool(
        np.all(np.asarray(layer.moving_mean) == 0) and np.all(np.asarray(layer.moving_variance) == 1)
    )
