"""Tiny .tflite models for any contract, built table by table: no training, no TensorFlow.

They take the mean colour of their input and multiply it by fixed weights: enough to tell every geometry,
colour order and normalisation from every other.
"""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from hangtag.classifier import Classifier
from hangtag.contract import ModelContract, OutputKind, TensorFormat
from hangtag.model_file import parse_model
from hangtag_convert.golden_cases import drawn_frames, make_golden_cases
from hangtag_convert.metadata import embed

_TYPES = {
    "float32": schema.TensorType.FLOAT32,
    "uint8": schema.TensorType.UINT8,
    "int8": schema.TensorType.INT8,
    "int16": schema.TensorType.INT16,
}


def whole_model(contract: ModelContract, tolerance: float = 0.001) -> bytes:
    """Return a self-describing model of that contract, golden cases included."""
    bare = bare_model(contract)
    classifier = Classifier(parse_model(embed(bare, contract, None), contract.name))
    return embed(bare, contract, make_golden_cases(classifier, tolerance, drawn_frames(classifier)))


def bare_model(contract: ModelContract) -> bytes:
    """Return a .tflite with the tensors of the contract and nothing embedded."""
    spec, output = contract.input, contract.output
    builder = _Builder()
    frame = builder.tensor("frame", spec.shape, spec.tensor)
    real = frame
    if spec.tensor.dtype != "float32":
        real = builder.tensor("real", spec.shape, TensorFormat())
        builder.operator(schema.BuiltinOperator.DEQUANTIZE, [frame], [real])
    mean = builder.tensor("mean", (1, spec.channels), TensorFormat())
    axes = builder.constant("axes", np.array([1, 2], np.int32), schema.TensorType.INT32)
    builder.operator(
        schema.BuiltinOperator.MEAN,
        [real, axes],
        [mean],
        schema.BuiltinOptions.ReducerOptions,
        schema.ReducerOptionsT(),
    )
    units = contract.output_units
    weights = np.sin(np.arange(units * spec.channels, dtype=np.float32)).reshape(units, spec.channels) * 4
    kernel = builder.constant("kernel", weights, schema.TensorType.FLOAT32)
    logits = builder.tensor("logits", (1, units), TensorFormat())
    options = schema.FullyConnectedOptionsT()
    builder.operator(
        schema.BuiltinOperator.FULLY_CONNECTED,
        [mean, kernel, -1],
        [logits],
        schema.BuiltinOptions.FullyConnectedOptions,
        options,
    )
    scores = builder.activated(logits, units, output.kind)
    if output.tensor.dtype != "float32":
        quantized = builder.tensor("quantized", (1, units), output.tensor)
        builder.operator(schema.BuiltinOperator.QUANTIZE, [scores], [quantized])
        scores = quantized
    return builder.finished(frame, scores)


class _Builder:
    """Collects the tables of one model."""

    def __init__(self) -> None:
        self._model: Any = schema.ModelT()
        self._model.version = 3
        self._model.buffers = [schema.BufferT()]
        self._model.operatorCodes = []
        self._graph: Any = schema.SubGraphT()
        self._graph.tensors, self._graph.operators = [], []
        self._model.subgraphs = [self._graph]

    def tensor(self, name: str, shape: tuple[int, ...], form: TensorFormat) -> int:
        """Add a tensor; return its index."""
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type, tensor.buffer = name, list(shape), _TYPES[form.dtype], 0
        if form.scale is not None:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = [form.scale]
            tensor.quantization.zeroPoint = [form.zero_point]
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def constant(self, name: str, values: npt.NDArray[Any], kind: int) -> int:
        """Add a constant tensor; return its index."""
        index = self.tensor(name, values.shape, TensorFormat())
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
        self._graph.tensors[index].type = kind
        self._graph.tensors[index].buffer = len(self._model.buffers)
        self._model.buffers.append(buffer)
        return index

    def operator(
        self, code: int, inputs: list[int], outputs: list[int], options_type: int = 0, options: Any = None
    ) -> None:
        """Add an operator that turns tensors into tensors."""
        opcode = schema.OperatorCodeT()
        opcode.builtinCode = opcode.deprecatedBuiltinCode = code
        opcode.version = (
            2 if code in {schema.BuiltinOperator.DEQUANTIZE, schema.BuiltinOperator.QUANTIZE} else 1
        )
        operator = schema.OperatorT()
        operator.opcodeIndex = len(self._model.operatorCodes)
        operator.inputs, operator.outputs = inputs, outputs
        operator.builtinOptionsType, operator.builtinOptions = options_type, options
        self._model.operatorCodes.append(opcode)
        self._graph.operators.append(operator)

    def activated(self, logits: int, units: int, kind: OutputKind) -> int:
        """Add the activation that an output kind asks for."""
        if kind is OutputKind.LOGITS:
            return logits
        scores = self.tensor("scores", (1, units), TensorFormat())
        if kind is OutputKind.SIGMOID:
            self.operator(schema.BuiltinOperator.LOGISTIC, [logits], [scores])
            return scores
        softmax = schema.SoftmaxOptionsT()
        softmax.beta = 1.0
        self.operator(
            schema.BuiltinOperator.SOFTMAX, [logits], [scores], schema.BuiltinOptions.SoftmaxOptions, softmax
        )
        return scores

    def finished(self, frame: int, scores: int) -> bytes:
        """Return the model's bytes."""
        self._graph.inputs, self._graph.outputs = [frame], [scores]
        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(self._model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())
