"""Weight-only quantization: 8-bit weights that become floats again when the model is loaded.

Each large float weight is stored as int8 with a scale per output channel, and a DEQUANTIZE operator in front
of its user turns it back. The engine runs that operator once, on loading, so the model computes as fast as
float32 at a quarter of its size, and no activation is rounded. TensorFlow's converter makes no such file: its
dynamic-range one rounds activations, too, and is slower than float32 on many CPUs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hangtag_convert.tables import (
    add_buffer,
    drop_unused_buffers,
    floats_of,
    operator_codes,
    packed,
    unpacked,
)

_FEWEST_WEIGHTS = 1024
"""Smaller tensors stay as they are, as in TensorFlow's dynamic-range files: they save nothing."""


def weight_int8(model: bytes) -> bytes:
    """Return a float32 model with its large weights stored in 8 bits. The same model gives the same bytes.

    Convolutions, depthwise and transposed convolutions and dense layers are taken; a weight that several
    operators read is stored once.

    Raises:
        ModelFileError: ``model`` cannot be read.
    """
    from ai_edge_litert import schema_py_generated as schema

    tables = unpacked(model)
    codes = operator_codes(tables)
    for graph in tables.subgraphs:
        dequantized: dict[int, Any] = {}
        for operator in graph.operators:
            axis = _channel_axes(schema).get(codes[operator.opcodeIndex])
            weight = int(operator.inputs[1]) if axis is not None else -1
            if axis is not None and weight not in dequantized:
                step = _stored_in_8_bits(tables, graph, weight, axis, len(tables.operatorCodes))
                if step is not None:
                    dequantized[weight] = step
        graph.operators = [*dequantized.values(), *graph.operators]
    tables.operatorCodes.append(_dequantize_code(schema))
    drop_unused_buffers(tables)
    return packed(tables)


def _channel_axes(schema: Any) -> dict[int, int]:
    """Return, by operator, along which axis of its weights (input 1) the output channels lie."""
    kinds = schema.BuiltinOperator
    return {
        kinds.CONV_2D: 0,
        kinds.DEPTHWISE_CONV_2D: 3,
        kinds.FULLY_CONNECTED: 0,
        kinds.TRANSPOSE_CONV: 0,
    }


def _dequantize_code(schema: Any) -> Any:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.DEQUANTIZE
    code.version = 5  # the first whose kernel takes a scale per channel
    return code


def _stored_in_8_bits(tables: Any, graph: Any, weight: int, axis: int, code: int) -> Any | None:
    """Store one constant as int8 and return the operator that gives it back; None for what stays as it is."""
    from ai_edge_litert import schema_py_generated as schema

    tensor = graph.tensors[weight]
    values = floats_of(tables, tensor)
    if values is None or values.size < _FEWEST_WEIGHTS:
        return None
    integers, scales = quantized_per_channel(values, axis)
    stored = schema.TensorT()
    stored.shape, stored.type = tensor.shape, schema.TensorType.INT8
    stored.name = (tensor.name or b"weights") + b"_int8"
    stored.buffer, tensor.buffer = add_buffer(tables, integers.tobytes()), 0
    stored.quantization = schema.QuantizationParametersT()
    stored.quantization.scale = scales
    stored.quantization.zeroPoint = np.zeros(len(scales), np.int64)
    stored.quantization.quantizedDimension = axis
    graph.tensors.append(stored)
    step = schema.OperatorT()
    step.opcodeIndex, step.inputs, step.outputs = code, [len(graph.tensors) - 1], [weight]
    return step


def quantized_per_channel(
    values: npt.NDArray[np.float32], axis: int
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Return weights as int8, symmetric around 0, and one scale per slice along ``axis``.

    The LiteRT 8-bit quantization specification: weights from -127 to 127, zero point 0.
    """
    others = tuple(index for index in range(values.ndim) if index != axis)
    largest = np.abs(values).max(axis=others, keepdims=True)
    scales = np.where(largest > 0, largest / np.float32(127), np.float32(1)).astype(np.float32)
    integers = np.clip(np.rint(values / scales), -127, 127).astype(np.int8)
    return integers, scales.reshape(-1)
