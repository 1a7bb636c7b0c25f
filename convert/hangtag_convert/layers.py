"""Which layers of a quantized model lose most: their activations beside the float parent's."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from hangtag.interpreter import TensorTap
from hangtag.preprocess import Tensor
from hangtag_convert.tables import operator_codes, unpacked

PHOTOS = 8
"""Photos that layers are compared on: enough to rank them, and their errors are no more than a ranking."""


_KINDS = schema.BuiltinOperator
_names = {number: name for name, number in vars(_KINDS).items() if isinstance(number, int)}


@dataclass(frozen=True, slots=True)
class LayerError:
    """How far a layer's output is from the float parent's, as a share of its size (root mean squares).

    ``error`` is all that has come together up to here; ``added`` what this layer brought to the error of its
    worst input (their squares add up).
    """

    layer: str
    operator: str
    error: float
    added: float


def layer_errors(parent: bytes, quantized: bytes, inputs: Iterable[Tensor]) -> tuple[LayerError, ...]:
    """Compare the activations of two models whose tensors have the same names; the worst layer first.

    Args:
        parent: a bare float32 model.
        quantized: a bare model made from it.
        inputs: float32 input tensors, batch first, as the parent takes them.

    Raises:
        ModelFileError: a model cannot be run.
    """
    graphs = [unpacked(model) for model in (parent, quantized)]
    by_name = {
        _name(tensor): number
        for number, tensor in enumerate(graphs[0].subgraphs[0].tensors)
        if _is_activation(graphs[0], tensor)
    }
    quantized_graph = graphs[1].subgraphs[0]
    shared = {
        number: by_name[_name(tensor)]
        for number, tensor in enumerate(quantized_graph.tensors)
        if _name(tensor) in by_name and _is_activation(graphs[1], tensor)
    }
    squares = _squared_errors(parent, quantized, quantized_graph, shared, inputs)
    return tuple(sorted(_errors(graphs[1], squares), key=lambda row: -row.added))


def _is_activation(tables: Any, tensor: Any) -> bool:
    data = tables.buffers[tensor.buffer].data
    return (data is None or not len(data)) and (
        tensor.type == schema.TensorType.FLOAT32 or _scale(tensor) is not None
    )


def _scale(tensor: Any) -> float | None:
    quantization = tensor.quantization
    if quantization is None or quantization.scale is None or len(quantization.scale) != 1:
        return None
    return float(quantization.scale[0])


def _squared_errors(
    parent: bytes, quantized: bytes, graph: Any, shared: dict[int, int], inputs: Iterable[Tensor]
) -> dict[int, float]:
    """Return, by tensor of the quantized model, its mean squared error over its mean square."""
    taps = TensorTap(parent), TensorTap(quantized)
    taken = graph.tensors[graph.inputs[0]]
    errors, sizes = dict.fromkeys(shared, 0.0), dict.fromkeys(shared, 0.0)
    for tensor in inputs:
        taps[0].run(tensor)
        taps[1].run(_as_stored(tensor, taken))
        for number, original in shared.items():
            wanted = taps[0].tensor(original).astype(np.float64)
            found = _real(taps[1].tensor(number), graph.tensors[number])
            errors[number] += float(((found - wanted) ** 2).sum())
            sizes[number] += float((wanted**2).sum())
    return {number: errors[number] / max(sizes[number], 1e-30) for number in shared}


def _as_stored(tensor: Tensor, taken: Any) -> Tensor:
    """Return a float input as the quantized model takes it."""
    scale = _scale(taken)
    if scale is None:
        return tensor
    dtype = np.dtype({3: "uint8", 7: "int16", 9: "int8"}[taken.type])
    limits = np.iinfo(dtype)
    exact: Tensor = np.rint(tensor / np.float32(scale)) + int(taken.quantization.zeroPoint[0])
    return np.clip(exact, limits.min, limits.max).astype(dtype)


def _real(values: Tensor, tensor: Any) -> npt.NDArray[np.float64]:
    scale = _scale(tensor)
    if scale is None:
        return values.astype(np.float64)
    return (values.astype(np.float64) - int(tensor.quantization.zeroPoint[0])) * scale


def _errors(tables: Any, squares: dict[int, float]) -> Iterable[LayerError]:
    codes, graph = operator_codes(tables), tables.subgraphs[0]
    known = dict(squares)
    for operator in graph.operators:
        output, code = int(operator.outputs[0]), codes[operator.opcodeIndex]
        before = max((known.get(int(index), 0.0) for index in operator.inputs), default=0.0)
        # A tensor without a partner hands on what came to it.
        known.setdefault(output, before)
        if output not in squares or code in {_KINDS.QUANTIZE, _KINDS.DEQUANTIZE}:
            continue
        yield LayerError(
            layer=_readable(graph.tensors[output]),
            operator=_names.get(code, "custom"),
            error=math.sqrt(squares[output]),
            added=math.sqrt(max(squares[output] - before, 0.0)),
        )


def _name(tensor: Any) -> str:
    return (tensor.name or b"").decode(errors="replace")


def _readable(tensor: Any) -> str:
    """Return the layer that a tensor is named after: of fused ones the first, without the model's name."""
    parts = _name(tensor).split(";")[0].split("/")
    named = parts[1] if len(parts) > 1 else parts[0]
    return named.removesuffix("_1")
