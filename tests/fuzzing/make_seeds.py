"""Writes the tiny models that the fuzz run starts from: ``python tests/fuzzing/make_seeds.py``.

Needs TensorFlow and is done once: the files lie beside this script. Together they hold some fifty kinds of
operators in every number format that the converter writes, in a few kilobytes each.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

FOLDER = Path(__file__).parent / "seeds"


def _plain() -> keras.Model:
    """What an image classifier is made of, and no more."""
    picture = keras.Input((12, 12, 3))
    stem = keras.layers.Conv2D(8, 3, strides=2, padding="same", activation="relu6")(picture)
    found = keras.layers.DepthwiseConv2D(3, padding="same", activation="relu6")(stem)
    found = keras.layers.Add()([stem, keras.layers.Conv2D(8, 1)(found)])
    found = keras.layers.GlobalAveragePooling2D()(found)
    return keras.Model(picture, keras.layers.Dense(3, activation="softmax")(found))


def _assorted() -> keras.Model:
    """Layers of which each uses operators of its own."""
    layers = keras.layers
    picture = keras.Input((12, 12, 3))
    found = layers.Activation("hard_silu")(layers.Conv2D(4, 3)(layers.ZeroPadding2D(1)(picture)))
    found = layers.Concatenate()([layers.MaxPooling2D(2)(found), layers.AveragePooling2D(2)(found)])
    found = layers.Conv2DTranspose(4, 3, strides=2, padding="same")(layers.LeakyReLU()(found))
    found = layers.Cropping2D(2)(layers.UpSampling2D(2, interpolation="bilinear")(found))
    gate = layers.Conv2D(4, 1, activation="sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(found))
    found = layers.LayerNormalization()(layers.Multiply()([found, gate]))
    found = layers.UpSampling2D(2)(layers.Permute((2, 3, 1))(found))
    found = layers.Dense(6, activation="gelu")(layers.GlobalMaxPooling2D()(found))
    return keras.Model(picture, layers.Dense(3)(found))


def _attending() -> keras.Model:
    """Attention, and a recurrent layer rolled out."""
    picture = keras.Input((8, 8, 1))
    found = keras.layers.Reshape((4, 4))(keras.layers.Conv2D(4, 4, strides=4)(picture))
    found = keras.layers.MultiHeadAttention(2, 2)(found, found)
    found = keras.layers.SimpleRNN(4, unroll=True)(found)
    return keras.Model(picture, keras.layers.Dense(1, activation="sigmoid")(found))


def _looping(picture: Any) -> Any:
    """A loop, a branch, and operators that pick, count and sort."""
    row = tf.reshape(picture, [1, 64])
    _, row = tf.while_loop(
        lambda step, _: step < 3, lambda step, row: (step + 1, tf.nn.relu(row * 0.5 + 0.1)), [0, row]
    )
    row = tf.cond(tf.reduce_sum(row) > 0, lambda: row * 2.0, lambda: tf.sin(row))
    best, places = tf.math.top_k(row, 4)
    picked = tf.reduce_max(tf.stack([best, tf.gather(row, places[0] % 8, axis=1)]), 0)
    picked = tf.strided_slice(tf.tile(picked, [1, 3]), [0, 1], [1, 9], [1, 2])
    picked = tf.where(picked > 0.5, picked, tf.zeros_like(picked)) + tf.cast(tf.argmax(picked, 1), tf.float32)
    halves = tf.split(tf.concat([picked, tf.matmul(best, tf.one_hot(places[0], 4))], 1), 2, axis=1)
    return tf.nn.log_softmax(tf.reverse(tf.cumsum(halves[0] - halves[1], 1), [1]))


def _converter(network: Callable[[Any], Any], shape: tuple[int, ...], folder: str) -> Any:
    archive = keras.export.ExportArchive()
    if isinstance(network, keras.Model):
        archive.track(network)
    archive.add_endpoint("serve", network.__call__, input_signature=[tf.TensorSpec(shape)])
    archive.write_out(folder, verbose=False)
    return tf.lite.TFLiteConverter.from_saved_model(folder)


def _converted(network: Callable[[Any], Any], shape: tuple[int, ...], kind: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        converter = _converter(network, shape, folder)
        if kind != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if kind == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if kind in {"int8", "int16"}:
            rng = np.random.default_rng(0)
            rows = [[rng.uniform(-1, 1, shape).astype(np.float32)] for _ in range(8)]
            converter.representative_dataset = lambda: rows
        if kind == "int8":
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = converter.inference_output_type = tf.uint8
        if kind == "int16":
            converter.target_spec.supported_ops = [
                tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
            ]
        return bytes(converter.convert())


def main() -> None:
    """Write all seeds."""
    FOLDER.mkdir(exist_ok=True)
    for name, make, shape, kinds in (
        ("plain", _plain, (1, 12, 12, 3), ("float32", "float16", "dynamic", "int8", "int16")),
        ("assorted", _assorted, (1, 12, 12, 3), ("float32", "int8")),
        ("attending", _attending, (1, 8, 8, 1), ("float32", "int8")),
        ("looping", lambda: _looping, (1, 8, 8, 1), ("float32",)),
    ):
        for kind in kinds:
            keras.utils.set_random_seed(3)
            data = _converted(make(), shape, kind)
            (FOLDER / f"{name}-{kind}.tflite").write_bytes(data)
            print(f"{name}-{kind}: {len(data)} bytes")


if __name__ == "__main__":
    main()
