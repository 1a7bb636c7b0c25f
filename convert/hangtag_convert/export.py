"""Network -> bare TFLite bytes, through TensorFlow's converter. Same input, same bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import tensorflow as tf

from hangtag.errors import ConversionError
from hangtag.preprocess import Tensor
from hangtag_convert.formats import Format
from hangtag_convert.tables import operator_codes, unpacked


def float_tflite(saved_model: Path, kind: Format) -> bytes:
    """Convert a SavedModel without photos: float32, float16 or dynamic."""
    converter: Any = tf.lite.TFLiteConverter.from_saved_model(str(saved_model))
    if kind is not Format.FLOAT32:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind is Format.FLOAT16:
        converter.target_spec.supported_types = [tf.float16]
    return bytes(converter.convert())


def int8_tflite(calibrated: bytes, kind: Format) -> bytes:
    """Quantize a float32 model that carries its activations' ranges to ``int8`` or ``int8-float-io``.

    Raises:
        ConversionError: an operator would stay float, which no full-integer file holds.
    """
    # What TFLiteConverter calls after its own calibration; it offers no public way to bring ranges along.
    from tensorflow.lite.python.convert import mlir_quantize
    from tensorflow.lite.python.util import modify_model_io_type

    quantized = mlir_quantize(calibrated)
    _check_integer(quantized)
    if kind is Format.INT8:
        quantized = modify_model_io_type(quantized, tf.uint8, tf.uint8)
    return bytes(quantized)


def int16x8_tflite(float32: bytes, tensors: Callable[[], Iterable[Tensor]]) -> bytes:
    """Quantize a float32 model with 16-bit activations, calibrated on input tensors (batch first)."""
    # What TFLiteConverter calls for this format, which it makes of a SavedModel alone.
    from tensorflow.lite.python.optimize.calibrator import Calibrator

    calibrator = Calibrator(float32)
    return bytes(
        calibrator.calibrate_and_quantize(
            lambda: ([tensor] for tensor in tensors()),
            input_type=tf.float32,
            output_type=tf.float32,
            allow_float=False,
            activations_type=tf.int16,
            bias_type=tf.int64,
        )
    )


def _check_integer(model: bytes) -> None:
    """Raise where an operator between the first and the last still computes with floats."""
    from ai_edge_litert import schema_py_generated as schema

    tables = unpacked(model)
    codes, names = operator_codes(tables), _names(schema.BuiltinOperator)
    converts = {schema.BuiltinOperator.QUANTIZE, schema.BuiltinOperator.DEQUANTIZE}
    left = {
        names.get(codes[operator.opcodeIndex], "a custom operator")
        for graph in tables.subgraphs
        for operator in graph.operators
        if codes[operator.opcodeIndex] not in converts
        and any(graph.tensors[index].type == schema.TensorType.FLOAT32 for index in operator.outputs)
    }
    if left:
        raise ConversionError(
            f"the network cannot become full integer: {', '.join(sorted(left))} would stay float; "
            "choose --format weight-int8 or float16, or replace the layer"
        )


def _names(enumeration: Any) -> dict[int, str]:
    return {number: name for name, number in vars(enumeration).items() if isinstance(number, int)}
