"""Quantization-aware fine-tuning: weights that are still good after rounding, taught by the float network.

The network's own graph is computed with weights and activations rounded as the 8-bit file will round them,
and its weights are moved until it says again what the float network says. No labels are used: the float
network is the teacher (Hinton et al. 2015, "Distilling the Knowledge in a Neural Network").
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from hangtag.contract import TensorFormat
from hangtag.errors import ConversionError
from hangtag.photos import read_photo
from hangtag.preprocess import Preprocessor, tensor_table
from hangtag.progress import Progress
from hangtag_convert.calibration_set import CalibrationSet
from hangtag_convert.ranges import Range
from hangtag_convert.tflite_graph import GraphNetwork


@dataclass(frozen=True, slots=True)
class FineTuning:
    """Settings of the fine-tuning: passes over the photos, photos a step, first learning rate, seed."""

    epochs: int = 2
    batch: int = 16
    learning_rate: float = 3e-6
    seed: int = 0


def fine_tuned(
    float32: bytes,
    ranges: Mapping[int, Range],
    photos: CalibrationSet,
    progress: Progress,
    settings: FineTuning = FineTuning(),
) -> bytes:
    """Return a float32 model with weights that bear rounding. The same arguments give the same bytes.

    TensorFlow's operations are deterministic from here on, in the whole process.

    Args:
        float32: a bare float32 model.
        ranges: of its activations, by tensor number.
        photos: to learn on; their labels are not used.
        progress: where progress is shown.
        settings: how long and how fast.

    Raises:
        ConversionError: the network holds an operator that cannot be fine-tuned.
    """
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(settings.seed)
    network = GraphNetwork(float32)
    pictures, table = _pictures(photos), tf.constant(tensor_table(photos.spec)[0])
    taught = _taught(network, pictures, table, settings.batch)
    steps = settings.epochs * math.ceil(len(pictures) / settings.batch)
    rate = keras.optimizers.schedules.CosineDecay(settings.learning_rate, steps)
    optimizer = keras.optimizers.Adam(rate)
    variables = list(network.learned.values())
    if not variables:
        raise ConversionError("the network has no weights to fine-tune")

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def step(bytes_: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            found = network.scores(_tensors(bytes_, table), ranges)
            loss = _difference(wanted, found)
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    rng = np.random.default_rng(settings.seed)
    with progress.bar("fine-tuning", steps) as advance:
        for epoch in range(settings.epochs):
            losses = []
            for chosen in np.array_split(rng.permutation(len(pictures)), steps // settings.epochs):
                losses.append(float(step(tf.constant(pictures[chosen]), tf.constant(taught[chosen]))))
                advance()
            progress.say(f"  pass {epoch + 1}: {np.mean(losses):.5f} nats from the float network's scores")
    return network.model()


def _pictures(photos: CalibrationSet) -> npt.NDArray[np.uint8]:
    """Return the photos as the input takes them, but as bytes: uint8, (n, height, width, channels)."""
    spec = photos.spec
    channels = spec.channels
    plain = TensorFormat(dtype="uint8", scale=1.0)
    as_bytes = dataclasses.replace(spec, mean=(0.0,) * channels, std=(1.0,) * channels, tensor=plain)
    prepare = Preprocessor(as_bytes)
    found = np.empty((len(photos.photos), *spec.shape[1:]), np.uint8)
    for number, photo in enumerate(photos.photos):
        prepare.write(read_photo(photo.path), found[number : number + 1])
    return found


def _tensors(bytes_: tf.Tensor, table: tf.Tensor) -> tf.Tensor:
    """Return what the network takes: each channel's bytes looked up in its column of the table."""
    places = tf.cast(bytes_, tf.int32)
    channels = [tf.gather(table[:, index], places[..., index]) for index in range(table.shape[1])]
    return tf.stack(channels, axis=-1)


def _taught(
    network: GraphNetwork, pictures: npt.NDArray[np.uint8], table: tf.Tensor, batch: int
) -> npt.NDArray[np.float32]:
    plain = tf.function(lambda bytes_: network.scores(_tensors(bytes_, table)), reduce_retracing=True)
    parts = [plain(tf.constant(pictures[at : at + batch])) for at in range(0, len(pictures), batch)]
    return np.concatenate([np.asarray(part) for part in parts])


def _difference(wanted: tf.Tensor, found: tf.Tensor) -> tf.Tensor:
    """Return how far the rounded network is: the Kullback-Leibler divergence of the scores."""
    if wanted.shape[-1] == 1:
        wanted, found = (tf.concat([tf.zeros_like(side), side], -1) for side in (wanted, found))
    share = tf.nn.softmax(wanted)
    gap = tf.nn.log_softmax(wanted) - tf.nn.log_softmax(found)
    return tf.reduce_mean(tf.reduce_sum(share * gap, axis=-1))
