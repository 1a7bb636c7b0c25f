"""What the native libraries take on trust in a model's tables, checked before they see the file.

:mod:`hangtag.flatbuffer_check` proves that every offset stays inside the file; here the numbers behind them
are looked at: indices of tensors, buffers, operators and graphs, shapes, sizes, quantization. What no table
shows (an operator that fails on its inputs' values, say) is left to :mod:`hangtag.model_probe`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hangtag.errors import ModelFileError
from hangtag.flatbuffer import Table, root
from hangtag.flatbuffer_check import check_flatbuffer
from hangtag.tflite_layouts import MODEL_LAYOUTS
from hangtag.tflite_slots import (
    BITS,
    DTYPE_CODES,
    MODEL_IDENTIFIER,
    BufferSlots,
    MetadataEntrySlots,
    ModelSlots,
    OperatorSlots,
    SignatureSlots,
    SubGraphSlots,
    TensorSlots,
)

MAX_ACTIVATION_BYTES = 2**30
"""Most that all tensors without stored values may take together.

An EfficientNet-Lite4 asks for a quarter of it, and the boards that this runs on have one to eight times as
much memory in all.
"""

_SCHEMA_VERSION = 3
_MAX_RANK = 8

_GRAPH_OPTIONS: Mapping[int, tuple[int, ...]] = {16: (0,), 92: (0, 1), 93: (0, 1), 103: (0,)}
"""Options (call, if, while, call once) that name another graph, by their number -> the slots that do."""

_NEWER_GRAPH_OPTIONS: Mapping[int, tuple[int, ...]] = {
    6: (1,),
    7: (6,),
    13: (5,),
    14: (2,),
    15: (0, 1),
    21: (1,),
}
"""The same of the second union of options: those of StableHLO."""


def checked_model(data: bytes) -> Table:
    """Return a model's root table after everything below it was checked.

    Args:
        data: the file, embedded archive included.

    Raises:
        ModelFileError: not a TFLite model, cut short, or its tables contradict each other.
    """
    if not data:
        raise ModelFileError("empty (0 bytes)")
    if data[4:8] != MODEL_IDENTIFIER:
        raise ModelFileError("not a TFLite model (no TFL3 identifier)")
    check_flatbuffer(data, "Model", MODEL_LAYOUTS)
    model = root(data, MODEL_IDENTIFIER)
    version = model.scalar(ModelSlots.VERSION, "<I")
    if version != _SCHEMA_VERSION:
        raise ModelFileError(f"its TFLite schema is version {version}; wanted {_SCHEMA_VERSION}")
    buffers = [_buffer_size(buffer, len(data)) for buffer in model.tables(ModelSlots.BUFFERS)]
    for entry in model.tables(ModelSlots.METADATA):
        _in_range(entry.scalar(MetadataEntrySlots.BUFFER, "<I"), len(buffers), "metadata", "buffer")
    _check_graphs(model, buffers)
    return model


def weights_end(model: Table) -> int:
    """Return where the last of a checked model's weights ends in the file."""
    return max((_buffer_end(buffer) for buffer in model.tables(ModelSlots.BUFFERS)), default=0)


def _buffer_end(buffer: Table) -> int:
    inside = buffer.extent(BufferSlots.DATA)
    offset = buffer.scalar(BufferSlots.OFFSET, "<Q")
    return max(
        inside[1] if inside else 0, offset + buffer.scalar(BufferSlots.SIZE, "<Q") if offset > 1 else 0
    )


def _buffer_size(buffer: Table, file_size: int) -> int:
    """Return how many bytes of values a buffer holds; 0 is a tensor that the model computes."""
    inside = buffer.extent(BufferSlots.DATA)
    offset, size = buffer.scalar(BufferSlots.OFFSET, "<Q"), buffer.scalar(BufferSlots.SIZE, "<Q")
    if offset > 1:
        if offset + size > file_size:
            raise ModelFileError("damaged or cut short: its weights reach past the end")
        return size
    return inside[1] - inside[0] if inside else 0


def _check_graphs(model: Table, buffers: Sequence[int]) -> None:
    graphs = model.tables(ModelSlots.SUBGRAPHS)
    if not graphs:
        raise ModelFileError("damaged: the model has no subgraph")
    kinds = len(model.tables(ModelSlots.OPERATOR_CODES))
    sizes = [len(graph.tables(SubGraphSlots.TENSORS)) for graph in graphs]
    activations = 0
    calls: list[set[int]] = []
    for graph, tensors in zip(graphs, sizes, strict=True):
        for slot in (SubGraphSlots.INPUTS, SubGraphSlots.OUTPUTS):
            _all_in_range(graph.numbers(slot, "<i4"), tensors, "an input or output")
        activations += sum(_check_tensor(tensor, buffers) for tensor in graph.tables(SubGraphSlots.TENSORS))
        operators = graph.tables(SubGraphSlots.OPERATORS)
        for operator in operators:
            _check_operator(operator, tensors, kinds)
        calls.append({called for operator in operators for called in _called(operator, len(graphs))})
    if activations > MAX_ACTIVATION_BYTES:
        raise ModelFileError(
            f"its tensors ask for {activations / 2**30:.1f} GiB of memory; "
            f"more than {MAX_ACTIVATION_BYTES // 2**30} GiB is not for a small device"
        )
    _check_calls(calls)
    for signature in model.tables(ModelSlots.SIGNATURES):
        _check_signature(signature, sizes)


def _check_tensor(tensor: Table, buffers: Sequence[int]) -> int:
    """Return the bytes that a tensor asks for when the model runs (0: its values are stored)."""
    code = tensor.scalar(TensorSlots.TYPE, "<b")
    if code not in DTYPE_CODES:
        raise ModelFileError(f"damaged: a tensor has the type {code}, which TensorFlow Lite does not know")
    if tensor.scalar(TensorSlots.EXTERNAL, "<I"):
        raise ModelFileError("its weights lie in another file; wanted a model in one file")
    shape = tensor.numbers(TensorSlots.SHAPE, "<i4")
    if len(shape) > _MAX_RANK:
        raise ModelFileError(f"damaged: a tensor has {len(shape)} dimensions; wanted {_MAX_RANK} at most")
    if (shape < 0).any():
        raise ModelFileError(f"a tensor has the shape {_listed(shape)}; wanted sides that are known")
    buffer = tensor.scalar(TensorSlots.BUFFER, "<I")
    _in_range(buffer, len(buffers), "tensor", "buffer")
    size = math.prod(int(side) for side in shape) * BITS.get(DTYPE_CODES[code], 0) // 8
    _check_quantization(tensor, shape)
    return 0 if buffers[buffer] else size


def _check_quantization(tensor: Table, shape: npt.NDArray[Any]) -> None:
    quantization = tensor.table(TensorSlots.QUANTIZATION)
    if quantization is None:
        return
    scales = quantization.numbers(TensorSlots.SCALE, "<f4")
    zero_points = len(quantization.numbers(TensorSlots.ZERO_POINT, "<i8"))
    if zero_points not in {0, 1, len(scales)}:
        raise ModelFileError(f"damaged: a tensor has {len(scales)} scales and {zero_points} zero points")
    if not np.isfinite(scales).all() or (scales < 0).any():
        raise ModelFileError("damaged: a tensor's scale is not a positive number")
    if len(scales) < 2:
        return
    axis = quantization.scalar(TensorSlots.DIMENSION, "<i")
    if not 0 <= axis < len(shape) or shape[axis] != len(scales):
        raise ModelFileError(
            f"damaged: a tensor of shape {_listed(shape)} has {len(scales)} scales along its axis {axis}"
        )


def _check_operator(operator: Table, tensors: int, kinds: int) -> None:
    _in_range(operator.scalar(OperatorSlots.CODE_INDEX, "<I"), kinds, "operator", "operator code")
    inputs = operator.numbers(OperatorSlots.INPUTS, "<i4")
    outputs = operator.numbers(OperatorSlots.OUTPUTS, "<i4")
    # -1 stands for an input that is left out, which only later ones, such as a bias, may be. The native
    # library does not ask: a convolution without its input ends the process.
    _all_in_range(inputs[2:], tensors, "an operator", low=-1)
    _all_in_range(operator.numbers(OperatorSlots.INTERMEDIATES, "<i4"), tensors, "an operator", low=-1)
    _all_in_range(np.concatenate([inputs[:2], outputs]), tensors, "an operator")


def _called(operator: Table, graphs: int) -> Iterable[int]:
    """Return the other graphs that an operator runs."""
    for kind_slot, slot, known in (
        (OperatorSlots.OPTIONS_TYPE, OperatorSlots.OPTIONS, _GRAPH_OPTIONS),
        (OperatorSlots.NEWER_OPTIONS_TYPE, OperatorSlots.NEWER_OPTIONS, _NEWER_GRAPH_OPTIONS),
    ):
        options = operator.table(slot)
        if options is None:
            continue
        for index in known.get(operator.scalar(kind_slot, "<B"), ()):
            called = options.scalar(index, "<i")
            _in_range(called, graphs, "operator", "graph")
            yield called


def _check_calls(calls: Sequence[set[int]]) -> None:
    """Raise where a graph runs itself, over others or at once: that never ends."""
    left = dict(enumerate(calls))
    while left:
        ends = {graph for graph, called in left.items() if not called & left.keys()}
        if not ends:
            raise ModelFileError("damaged: a graph of operators runs itself")
        for graph in ends:
            del left[graph]


def _check_signature(signature: Table, sizes: Sequence[int]) -> None:
    graph = signature.scalar(SignatureSlots.SUBGRAPH, "<I")
    _in_range(graph, len(sizes), "signature", "graph")
    for slot in (SignatureSlots.INPUTS, SignatureSlots.OUTPUTS):
        for entry in signature.tables(slot):
            _in_range(entry.scalar(SignatureSlots.TENSOR, "<I"), sizes[graph], "signature", "tensor")


def _in_range(index: int, count: int, who: str, what: str) -> None:
    if not 0 <= index < count:
        raise ModelFileError(f"damaged: {_a(who)} uses {what} {index} of {count}")


def _a(who: str) -> str:
    return f"an {who}" if who[0] in "aeiou" else f"a {who}"


def _all_in_range(indices: npt.NDArray[Any], count: int, who: str, low: int = 0) -> None:
    if (indices < low).any() or (indices >= count).any():
        raise ModelFileError(f"damaged: {who} uses a tensor that the model does not have")


def _listed(shape: npt.NDArray[Any]) -> str:
    return "(" + ", ".join(str(side) for side in shape) + ")"
