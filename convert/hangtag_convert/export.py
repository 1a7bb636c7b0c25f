"""Keras model -> bare TFLite bytes, through TensorFlow's converter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from hangtag.contract import InputSpec, ModelContract
from hangtag.labelled_folder import LabelledPhoto
from hangtag.scoring import Scorer
from hangtag_convert.calibration_set import representative_dataset
from hangtag_convert.formats import Format


def load_model(path: Path) -> keras.Model:
    """Load a Keras model without its training state, refusing anything that would execute code."""
    return keras.models.load_model(path, compile=False, safe_mode=True)


def keras_scorer(model: keras.Model, contract: ModelContract) -> Scorer:
    """Return what measures the float parent, by the code that measures the files it becomes."""
    return Scorer(contract, lambda tensors: np.asarray(model.predict_on_batch(tensors)))


def export_saved_model(
    model: keras.Model, spec: InputSpec, folder: Path, *, reverse_channels: bool = False
) -> None:
    """Write a SavedModel with a static batch of 1, which phones and browsers need.

    ``reverse_channels`` makes an exchange of the first and last channel the network's first step, so that one
    trained on BGR takes the RGB of ``spec``.
    """
    archive = keras.export.ExportArchive()
    archive.track(model)
    signature = tf.TensorSpec(spec.shape, tf.float32, name="image")

    def serve(image: Any) -> Any:
        return model(tf.reverse(image, [-1]) if reverse_channels else image, training=False)

    archive.add_endpoint("serve", serve, [signature])
    archive.write_out(str(folder), verbose=False)


def to_tflite(
    saved_model: Path, kind: Format, calibration: tuple[LabelledPhoto, ...], spec: InputSpec
) -> bytes:
    """Convert a SavedModel; ``calibration`` is used by ``int8`` alone. Same input, same bytes."""
    converter: Any = tf.lite.TFLiteConverter.from_saved_model(str(saved_model))
    if kind is not Format.FLOAT32:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind is Format.FLOAT16:
        converter.target_spec.supported_types = [tf.float16]
    if kind is Format.INT8:
        converter.representative_dataset = representative_dataset(calibration, spec)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tf.uint8
        converter.inference_output_type = tf.uint8
    return bytes(converter.convert())
