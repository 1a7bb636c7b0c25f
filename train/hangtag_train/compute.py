"""What a run computes with: precision, determinism, one GPU, several, or none."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import keras

from hangtag.errors import TrainingError

if TYPE_CHECKING:
    from hangtag.progress import Progress
    from hangtag_train.recipe import Recipe


@contextlib.contextmanager
def computing(recipe: Recipe, progress: Progress) -> Iterator[None]:
    """Set precision and determinism for what runs inside, mirrored over the GPUs where there are several.

    Raises:
        TrainingError: mixed precision was asked for and there is no GPU.
    """
    import tensorflow as tf

    gpus = tf.config.list_logical_devices("GPU")
    if recipe.mixed_precision and not gpus:
        raise TrainingError("mixed precision needs a GPU, and TensorFlow finds none; leave it out")
    if gpus:
        progress.say(f"training on {len(gpus)} GPU{'s' if len(gpus) > 1 else ''}")
    if recipe.deterministic:
        tf.config.experimental.enable_op_determinism()
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy("mixed_float16" if recipe.mixed_precision else "float32")
    try:
        with mirrored([gpu.name for gpu in gpus]):
            yield
    finally:
        keras.mixed_precision.set_dtype_policy(before)


def mirrored(devices: list[str]) -> contextlib.AbstractContextManager[object]:
    """Return a scope in which a network's copies on all devices learn from parts of each batch together."""
    import tensorflow as tf

    if len(devices) < 2:
        return contextlib.nullcontext()
    scope: contextlib.AbstractContextManager[object] = tf.distribute.MirroredStrategy(devices).scope()
    return scope
