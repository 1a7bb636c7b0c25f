"""What the native libraries take on trust in a model's tables, checked before they see the file.

:mod:`hangtag.flatbuffer_check` proves that every offset stays inside the file; here the numbers behind them
are looked at: indices of tensors, buffers, operators and graphs, shapes, sizes, quantization. What no table
shows (an operator that fails on its inputs' values, say) is left to :mod:`hangtag.model_probe`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hangtag.errors import ModelFileError
from hangtag.flatbuffer import Table, root
from hangtag.flatbuffer_check import check_flatbuffer
from hangtag.tflite_graphs import (
    GraphUse,
    TensorUse,
    check_calls,
    check_graph,
    check_signature,
    in_range,
    operator_code,
)
from hangtag.tflite_layouts import MODEL_LAYOUTS
from hangtag.tflite_slots import (
    BITS,
    DTYPE_CODES,
    MODEL_IDENTIFIER,
    BufferSlots,
    MetadataEntrySlots,
    ModelSlots,
    SubGraphSlots,
    TensorSlots,
)

MAX_WORKING_BYTES = 2**30
"""Most that a model's tensors may take at one time, stored values aside.

An EfficientNet-B7 at 600 px asks for a fifth of it, and the boards that this runs on have one to eight times
as much memory in all.
"""

_SCHEMA_VERSION = 3
_MAX_RANK = 8
_NOWHERE = (0, 0)
_MOST_SHARED = 8
"""How many times larger than the file its weights may be, counted as often as they are listed."""
_SMALLEST_SCALE = np.finfo(np.float32).tiny
_ZERO_POINTS = {"uint8": (0, 255), "int8": (-128, 127), "int16": (-(2**15), 2**15 - 1)}


@dataclass(frozen=True, slots=True)
class CheckedModel:
    """A model's root table, below which everything was checked.

    ``working_bytes`` is the memory that its tensors take at one time, stored values aside.
    """

    tables: Table
    working_bytes: int


def checked_model(data: bytes) -> CheckedModel:
    """Check a model's tables, and all that they refer to.

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
    stored = [place != _NOWHERE for place in stored_values(model)]
    for entry in model.tables(ModelSlots.METADATA):
        in_range(entry.scalar(MetadataEntrySlots.BUFFER, "<I"), len(stored), "metadata", "buffer")
    return CheckedModel(model, _check_graphs(model, stored))


def stored_values(model: Table) -> list[tuple[int, int]]:
    """Return where the values of each buffer begin and end in the file, (0, 0) for one without.

    Raises:
        ModelFileError: they reach past the end, or lie on top of each other.
    """
    places = [_place(buffer, len(model.data)) for buffer in model.tables(ModelSlots.BUFFERS)]
    if sum(end - start for start, end in places) > _MOST_SHARED * len(model.data):
        raise ModelFileError("damaged: the same weights are listed too many times")
    free_from = 0
    # Buffers may share their values, all or none of them.
    for start, end in sorted({place for place in places if place != _NOWHERE}):
        if start < free_from:
            raise ModelFileError("damaged: its weights lie on top of each other")
        free_from = end
    return places


def _place(buffer: Table, file_size: int) -> tuple[int, int]:
    offset, size = buffer.scalar(BufferSlots.OFFSET, "<Q"), buffer.scalar(BufferSlots.SIZE, "<Q")
    # Weights may lie behind the FlatBuffer; the offsets 0 and 1 say that they do not.
    if offset > 1:
        if offset + size > file_size:
            raise ModelFileError("damaged or cut short: its weights reach past the end")
        return (offset, offset + size) if size else _NOWHERE
    inside = buffer.extent(BufferSlots.DATA)
    return inside if inside and inside[0] < inside[1] else _NOWHERE


def _check_graphs(model: Table, stored: Sequence[bool]) -> int:
    """Return the bytes that all graphs' tensors take at one time."""
    graphs = model.tables(ModelSlots.SUBGRAPHS)
    if not graphs:
        raise ModelFileError("damaged: the model has no subgraph")
    codes = [operator_code(entry) for entry in model.tables(ModelSlots.OPERATOR_CODES)]
    sizes: list[int] = []
    uses: list[GraphUse] = []
    for graph in graphs:
        tensors = [_checked_tensor(tensor, stored) for tensor in graph.tables(SubGraphSlots.TENSORS)]
        sizes.append(len(tensors))
        uses.append(check_graph(graph, tensors, codes, len(graphs)))
    working = sum(use.peak_bytes for use in uses)
    if working > MAX_WORKING_BYTES:
        raise ModelFileError(
            f"its tensors ask for {working / 2**30:.1f} GiB of memory at one time; "
            f"more than {MAX_WORKING_BYTES // 2**30} GiB is not for a small device"
        )
    check_calls([use.calls for use in uses])
    for signature in model.tables(ModelSlots.SIGNATURES):
        check_signature(signature, sizes)
    return working


def _checked_tensor(tensor: Table, stored: Sequence[bool]) -> TensorUse:
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
    in_range(buffer, len(stored), "a tensor", "buffer")
    _check_quantization(tensor, DTYPE_CODES[code], shape, stored=stored[buffer])
    size = math.prod(int(side) for side in shape) * BITS.get(DTYPE_CODES[code], 0) // 8
    known = stored[buffer] or tensor.scalar(TensorSlots.IS_VARIABLE, "<B") > 0
    return TensorUse(0 if stored[buffer] else size, known, empty=0 in shape)


def _check_quantization(tensor: Table, dtype: str, shape: npt.NDArray[Any], *, stored: bool) -> None:
    quantization = tensor.table(TensorSlots.QUANTIZATION)
    if quantization is None:
        return
    scales = quantization.numbers(TensorSlots.SCALE, "<f4")
    zero_points = quantization.numbers(TensorSlots.ZERO_POINT, "<i8")
    if len(zero_points) not in {0, 1, len(scales)}:
        raise ModelFileError(f"damaged: a tensor has {len(scales)} scales and {len(zero_points)} zero points")
    # The native library multiplies by the inverse, and ends the process where that is infinite. Weights and
    # 16-bit tensors are another matter: honest models have channels of zeros, and then the scale 0.
    smallest = 0.0 if stored or dtype not in {"uint8", "int8"} else _SMALLEST_SCALE
    if not np.isfinite(scales).all() or (scales < smallest).any():
        raise ModelFileError("damaged: a tensor's scale is not a positive number")
    low, high = _ZERO_POINTS.get(dtype, (-(2**63), 2**63))
    if (zero_points < low).any() or (zero_points > high).any():
        raise ModelFileError(f"damaged: an {dtype} tensor's zero point is not one of {low} to {high}")
    if len(scales) < 2:
        return
    axis = quantization.scalar(TensorSlots.DIMENSION, "<i")
    if not 0 <= axis < len(shape) or shape[axis] != len(scales):
        raise ModelFileError(
            f"damaged: a tensor of shape {_listed(shape)} has {len(scales)} scales along its axis {axis}"
        )


def _listed(shape: npt.NDArray[Any]) -> str:
    return "(" + ", ".join(str(side) for side in shape) + ")"
