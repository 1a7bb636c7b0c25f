"""A float32 TFLite model computed by TensorFlow, differentiably: what fine-tuning needs to mend its weights.

The graph is the one that is quantized: BatchNorm folded, activations fused. Only operators that image
classifiers are made of are known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from hangtag.errors import ConversionError
from hangtag_convert.ranges import Range
from hangtag_convert.tables import (
    add_buffer,
    drop_unused_buffers,
    floats_of,
    operator_codes,
    packed,
    unpacked,
)

_PADDINGS = {schema.Padding.SAME: "SAME", schema.Padding.VALID: "VALID"}
_ACTIVATIONS: Mapping[int, Callable[[Any], Any]] = {
    schema.ActivationFunctionType.NONE: lambda x: x,
    schema.ActivationFunctionType.RELU: tf.nn.relu,
    schema.ActivationFunctionType.RELU_N1_TO_1: lambda x: tf.clip_by_value(x, -1, 1),
    schema.ActivationFunctionType.RELU6: tf.nn.relu6,
    schema.ActivationFunctionType.TANH: tf.nn.tanh,
}


class GraphNetwork(tf.Module):  # type: ignore[misc] # TensorFlow ships no annotations
    """One model's main graph, with its weights and biases as variables.

    Args:
        model: a bare float32 model with one graph, one input and one output.

    Raises:
        ConversionError: an operator that is not known here.
    """

    def __init__(self, model: bytes) -> None:
        super().__init__()
        self._tables = unpacked(model)
        self._graph = self._tables.subgraphs[0]
        self._codes = operator_codes(self._tables)
        unknown = {code for code in self._used_codes() if code not in _OPERATORS}
        if unknown:
            names = {number: name for name, number in vars(schema.BuiltinOperator).items()}
            listed = ", ".join(sorted(str(names.get(code, code)) for code in unknown))
            raise ConversionError(f"fine-tuning does not know the operators {listed}")
        self._constants = {
            number: values
            for number, tensor in enumerate(self._graph.tensors)
            if (values := _constant(self._tables, tensor)) is not None
        }
        self._end = self._last_activation()
        self.learned = {
            int(number): tf.Variable(self._constants[number], name=f"tensor{number}")
            for operator in self._graph.operators
            if self._codes[operator.opcodeIndex] in _WEIGHTED
            for number in operator.inputs[1:3]
            if number in self._constants
        }

    def _last_activation(self) -> int | None:
        """Return the output of the softmax or sigmoid that ends the network, None where there is none."""
        makers = {int(operator.outputs[0]): operator for operator in self._graph.operators}
        operator = makers[int(self._graph.outputs[0])]
        while self._codes[operator.opcodeIndex] == _KINDS.RESHAPE and int(operator.inputs[0]) in makers:
            operator = makers[int(operator.inputs[0])]
        final = self._codes[operator.opcodeIndex] in _FINAL
        return int(operator.outputs[0]) if final else None

    def _used_codes(self) -> list[int]:
        return [self._codes[operator.opcodeIndex] for operator in self._graph.operators]

    def scores(self, images: Any, ranges: Mapping[int, Range] | None = None) -> Any:
        """Return the network's last real layer: what its softmax or sigmoid is applied to, shape (n, units).

        Args:
            images: float32, shape (n, height, width, channels).
            ranges: of activations by tensor number; given, these are rounded to 8 bits within them and
                weights to 8 bits per channel, with gradients passed straight through (Jacob et al. 2018,
                "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
                Inference").
        """
        values: dict[int, Any] = {int(self._graph.inputs[0]): images}
        last = None
        for operator in self._graph.operators:
            code = self._codes[operator.opcodeIndex]
            output = int(operator.outputs[0])
            if output == self._end:
                break
            inputs = [
                self._value(int(number), code, place, values, rounded=ranges is not None)
                for place, number in enumerate(operator.inputs)
            ]
            # The model's batch is 1, here there are many; the other sides are as the model says.
            shape = [int(side) for side in self._graph.tensors[output].shape]
            last = tf.reshape(_OPERATORS[code](operator.builtinOptions, inputs), [-1, *shape[1:]])
            if ranges is not None and output in ranges:
                last = _rounded(last, ranges[output])
            values[output] = last
        return tf.reshape(last, [tf.shape(images)[0], -1])

    def _value(self, number: int, code: int, place: int, values: Mapping[int, Any], *, rounded: bool) -> Any:
        if number < 0:
            return None
        if number in values:
            return values[number]
        if number not in self.learned:
            return self._constants[number]
        weight = tf.convert_to_tensor(self.learned[number])
        if not rounded or place != 1 or code not in _WEIGHTED:
            return weight
        return _rounded_per_channel(weight, _WEIGHTED[code])

    def model(self) -> bytes:
        """Return the TFLite model with the weights and biases as they are now."""
        for number, variable in self.learned.items():
            # A buffer of its own: weights that were alike may share one, and need not stay alike.
            data = variable.numpy().astype("<f4").tobytes()
            self._graph.tensors[number].buffer = add_buffer(self._tables, data)
        drop_unused_buffers(self._tables)
        return packed(self._tables)


def _constant(tables: Any, tensor: Any) -> Any:
    values = floats_of(tables, tensor)
    data = tables.buffers[tensor.buffer].data
    if values is None and tensor.type == schema.TensorType.INT32 and data is not None and len(data):
        return np.frombuffer(bytes(data), "<i4").reshape(tuple(tensor.shape)).copy()
    return values


def _rounded(values: Any, limits: Range) -> Any:
    low, high = limits
    return tf.quantization.fake_quant_with_min_max_args(values, low, high, num_bits=8)


def _rounded_per_channel(weight: Any, axis: int) -> Any:
    """Return weights rounded to 8 bits, symmetric around 0, with a scale per output channel."""
    others = [index for index in range(weight.shape.rank) if index != axis]
    order = [*others, axis]
    turned = tf.transpose(weight, order)
    largest = tf.stop_gradient(tf.maximum(tf.reduce_max(tf.abs(weight), axis=others), 1e-9))
    rounded = tf.quantization.fake_quant_with_min_max_vars_per_channel(
        turned, -largest, largest, num_bits=8, narrow_range=True
    )
    return tf.transpose(rounded, np.argsort(order))


Inputs = Sequence[Any]


def _conv(options: Any, inputs: Inputs) -> Any:
    picture, weight = inputs[:2]
    kernel = tf.transpose(weight, [1, 2, 3, 0])
    strides = [options.strideH, options.strideW]
    dilations = [options.dilationHFactor, options.dilationWFactor]
    found = tf.nn.conv2d(picture, kernel, strides, _PADDINGS[options.padding], dilations=dilations)
    return _activated(options, _biased(found, inputs))


def _depthwise(options: Any, inputs: Inputs) -> Any:
    picture, weight = inputs[:2]
    _, height, width, _ = weight.shape
    kernel = tf.reshape(weight, [height, width, picture.shape[-1], -1])
    strides = [1, options.strideH, options.strideW, 1]
    dilations = [options.dilationHFactor, options.dilationWFactor]
    found = tf.nn.depthwise_conv2d(picture, kernel, strides, _PADDINGS[options.padding], dilations=dilations)
    return _activated(options, _biased(found, inputs))


def _biased(found: Any, inputs: Inputs) -> Any:
    bias = inputs[2] if len(inputs) > 2 else None
    return found if bias is None else found + bias


def _dense(options: Any, inputs: Inputs) -> Any:
    rows, weight = inputs[:2]
    found = tf.matmul(tf.reshape(rows, [-1, weight.shape[-1]]), weight, transpose_b=True)
    return _activated(options, _biased(found, inputs))


def _pool(function: Callable[..., Any]) -> Callable[[Any, Inputs], Any]:
    def pooled(options: Any, inputs: Inputs) -> Any:
        size, strides = [options.filterHeight, options.filterWidth], [options.strideH, options.strideW]
        return _activated(options, function(inputs[0], size, strides, _PADDINGS[options.padding]))

    return pooled


def _of_two(function: Callable[[Any, Any], Any]) -> Callable[[Any, Inputs], Any]:
    return lambda options, inputs: _activated(options, function(inputs[0], inputs[1]))


def _of_one(function: Callable[[Any], Any]) -> Callable[[Any, Inputs], Any]:
    return lambda _, inputs: function(inputs[0])


def _mean(options: Any, inputs: Inputs) -> Any:
    return tf.reduce_mean(inputs[0], axis=inputs[1], keepdims=bool(options.keepDims))


def _concatenation(options: Any, inputs: Inputs) -> Any:
    return _activated(options, tf.concat(list(inputs), options.axis))


def _activated(options: Any, values: Any) -> Any:
    return _ACTIVATIONS[options.fusedActivationFunction](values)


_KINDS = schema.BuiltinOperator
_OPERATORS: Mapping[int, Callable[[Any, Inputs], Any]] = {
    _KINDS.CONV_2D: _conv,
    _KINDS.DEPTHWISE_CONV_2D: _depthwise,
    _KINDS.FULLY_CONNECTED: _dense,
    _KINDS.ADD: _of_two(tf.add),
    _KINDS.SUB: _of_two(tf.subtract),
    _KINDS.MUL: _of_two(tf.multiply),
    _KINDS.MEAN: _mean,
    _KINDS.RESHAPE: _of_one(lambda x: x),
    _KINDS.CONCATENATION: _concatenation,
    _KINDS.PAD: lambda _, inputs: tf.pad(inputs[0], inputs[1]),
    _KINDS.MAX_POOL_2D: _pool(tf.nn.max_pool2d),
    _KINDS.AVERAGE_POOL_2D: _pool(tf.nn.avg_pool2d),
    _KINDS.REVERSE_V2: lambda _, inputs: tf.reverse(inputs[0], inputs[1]),
    _KINDS.RELU: _of_one(tf.nn.relu),
    _KINDS.RELU6: _of_one(tf.nn.relu6),
    _KINDS.TANH: _of_one(tf.nn.tanh),
    _KINDS.LOGISTIC: _of_one(tf.sigmoid),
    _KINDS.SOFTMAX: _of_one(tf.nn.softmax),
    _KINDS.HARD_SWISH: _of_one(lambda x: x * tf.nn.relu6(x + 3.0) / 6.0),
}
_WEIGHTED = {_KINDS.CONV_2D: 0, _KINDS.DEPTHWISE_CONV_2D: 3, _KINDS.FULLY_CONNECTED: 0}
"""Operators with weights (input 1) and a bias (input 2), and the weights' axis of output channels."""
_FINAL = frozenset({_KINDS.SOFTMAX, _KINDS.LOGISTIC})
