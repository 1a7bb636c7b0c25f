"""Keras model -> bare TFLite bytes, through TensorFlow's converter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from hangtag.contract import InputSpec
from hangtag.labelled_folder import LabelledFolder, LabelledPhoto
from hangtag.photos import read_photo
from hangtag.preprocess import preprocess
from hangtag_convert.calibration_set import representative_dataset
from hangtag_convert.formats import Format

_BATCH = 32


def load_model(path: Path) -> keras.Model:
    """Load a Keras model without its training state, refusing anything that would execute code."""
    return keras.models.load_model(path, compile=False, safe_mode=True)


def keras_scores(model: keras.Model, photos: LabelledFolder, spec: InputSpec) -> npt.NDArray[np.float32]:
    """Return the float parent's scores (photos, labels), batch by batch."""
    parts = []
    for start in range(0, len(photos.photos), _BATCH):
        batch = photos.photos[start : start + _BATCH]
        tensors = np.concatenate([preprocess(read_photo(photo.path), spec) for photo in batch])
        parts.append(np.asarray(model.predict_on_batch(tensors)))
    return np.concatenate(parts)


def export_saved_model(model: keras.Model, spec: InputSpec, folder: Path) -> None:
    """Write a SavedModel with a static batch of 1, which phones and browsers need."""
    archive = keras.export.ExportArchive()
    archive.track(model)
    signature = tf.TensorSpec(spec.shape, tf.float32, name="image")
    archive.add_endpoint("serve", lambda image: model(image, training=False), [signature])
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
