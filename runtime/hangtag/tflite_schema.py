"""What Hangtag reads in a .tflite file's own tables: its tensors, its metadata, and whether it is whole.

Slot numbers are those of TensorFlow Lite's public ``schema.fbs`` (schema version 3) and
``metadata_schema.fbs`` (identifier M001).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hangtag.errors import ModelFileError
from hangtag.flatbuffer import Table, root

METADATA_NAME = "TFLITE_METADATA"
"""Name of the metadata buffer that phones look for."""

MODEL_IDENTIFIER = b"TFL3"
METADATA_IDENTIFIER = b"M001"

_MAX_ENTRIES = 200

DTYPE_CODES = {
    0: "float32",
    1: "float16",
    2: "int32",
    3: "uint8",
    4: "int64",
    6: "bool",
    7: "int16",
    9: "int8",
}
"""TensorType of the schema by NumPy name (those that can be an input or output of an image classifier)."""


class ModelSlots:
    """Slots of table Model."""

    SUBGRAPHS, DESCRIPTION, BUFFERS, METADATA = 2, 3, 4, 6


class SubGraphSlots:
    """Slots of table SubGraph."""

    TENSORS, INPUTS, OUTPUTS, OPERATORS = 0, 1, 2, 3


class OperatorSlots:
    """Slots of table Operator."""

    INPUTS, OUTPUTS = 1, 2


class TensorSlots:
    """Slots of table Tensor and, nested, of QuantizationParameters."""

    SHAPE, TYPE, BUFFER, NAME, QUANTIZATION = 0, 1, 2, 3, 4
    SCALE, ZERO_POINT = 2, 3


class BufferSlots:
    """Slots of table Buffer. Offset and size are used by models whose weights lie behind the FlatBuffer."""

    DATA, OFFSET, SIZE = 0, 1, 2


class MetadataSlots:
    """Slots of the metadata's tables that are read or written."""

    MODEL_NAME, MODEL_DESCRIPTION, MODEL_VERSION, MODEL_SUBGRAPHS, MODEL_AUTHOR, MODEL_LICENCE = range(6)
    MODEL_FILES, MODEL_MIN_PARSER_VERSION = 6, 7
    SUBGRAPH_INPUTS, SUBGRAPH_OUTPUTS = 2, 3
    TENSOR_NAME, TENSOR_DESCRIPTION, TENSOR_CONTENT, TENSOR_UNITS, TENSOR_STATS, TENSOR_FILES = (
        0,
        1,
        3,
        4,
        5,
        6,
    )
    CONTENT_TYPE, CONTENT = 0, 1
    IMAGE_COLOUR_SPACE = 0
    UNIT_TYPE, UNIT = 0, 1
    NORMALIZATION_MEAN, NORMALIZATION_STD = 0, 1
    STATS_MAX, STATS_MIN = 0, 1
    FILE_NAME, FILE_DESCRIPTION, FILE_TYPE, FILE_LOCALE = 0, 1, 2, 3


UNIT_NORMALIZATION = 1
CONTENT_FEATURE, CONTENT_IMAGE = 1, 2
COLOUR_RGB, COLOUR_GREY = 1, 2
FILE_AXIS_LABELS = 2


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """A tensor as the file declares it; ``scale`` is None for one that is not quantized per tensor."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float | None
    zero_point: int


@dataclass(frozen=True, slots=True)
class MetadataInfo:
    """What the embedded TFLite metadata says, as far as a contract can contradict it."""

    name: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model's single input and output, its operators' count and its metadata, if any."""

    input: TensorInfo
    output: TensorInfo
    operators: int
    metadata: MetadataInfo | None
    weights_end: int
    """Where the last of its weights ends in the file."""


def read_model_info(data: bytes) -> ModelInfo:
    """Read a model's tables, following no offset unchecked.

    Args:
        data: the file, embedded archive included.

    Raises:
        ModelFileError: not a TFLite model, cut short, or not one input and one output.
    """
    if not data:
        raise ModelFileError("empty (0 bytes)")
    if data[4:8] != MODEL_IDENTIFIER:
        raise ModelFileError("not a TFLite model (no TFL3 identifier)")
    model = root(data, MODEL_IDENTIFIER)
    buffers = model.tables(ModelSlots.BUFFERS)
    weights_end = max((_buffer_end(buffer, len(data)) for buffer in buffers), default=0)
    subgraphs = model.tables(ModelSlots.SUBGRAPHS)
    if not subgraphs:
        raise ModelFileError("damaged: the model has no subgraph")
    for subgraph in subgraphs:
        _check_operators(subgraph)
    main = subgraphs[0]
    tensors = main.tables(SubGraphSlots.TENSORS)
    return ModelInfo(
        input=_only_tensor(main, SubGraphSlots.INPUTS, tensors, "input"),
        output=_only_tensor(main, SubGraphSlots.OUTPUTS, tensors, "output"),
        operators=len(main.tables(SubGraphSlots.OPERATORS)),
        metadata=_metadata(model, buffers),
        weights_end=weights_end,
    )


def _buffer_end(buffer: Table, file_size: int) -> int:
    inside = buffer.extent(BufferSlots.DATA)
    offset = buffer.scalar(BufferSlots.OFFSET, "<Q")
    size = buffer.scalar(BufferSlots.SIZE, "<Q")
    if offset > 1 and offset + size > file_size:
        raise ModelFileError("damaged or cut short: its weights reach past the end")
    return max(inside[1] if inside else 0, offset + size if offset > 1 else 0)


def _check_operators(subgraph: Table) -> None:
    """Raise where an operator reads or writes a tensor that there is not.

    The native library does not check all of them: a convolution whose input is -1 ("left out", which only
    later inputs such as a bias may be) ends the process.
    """
    tensors = len(subgraph.tables(SubGraphSlots.TENSORS))
    for operator in subgraph.tables(SubGraphSlots.OPERATORS):
        inputs = operator.numbers(OperatorSlots.INPUTS, "<i4")
        outputs = operator.numbers(OperatorSlots.OUTPUTS, "<i4")
        used = np.concatenate([inputs, outputs])
        required = np.concatenate([inputs[:2], outputs])
        if (used >= tensors).any() or (used < -1).any() or (required < 0).any():
            raise ModelFileError("damaged: an operator uses a tensor that the model does not have")


def _only_tensor(main: Table, slot: int, tensors: list[Table], role: str) -> TensorInfo:
    indices = main.numbers(slot, "<i4")
    if len(indices) != 1:
        raise ModelFileError(f"it has {len(indices)} {role} tensors; wanted an image classifier's one")
    index = int(indices[0])
    if not 0 <= index < len(tensors):
        raise ModelFileError(f"damaged: its {role} is tensor {index} of {len(tensors)}")
    tensor = tensors[index]
    code = tensor.scalar(TensorSlots.TYPE, "<b")
    scales, zero_points = _quantization(tensor)
    return TensorInfo(
        name=tensor.text(TensorSlots.NAME),
        shape=tuple(int(side) for side in tensor.numbers(TensorSlots.SHAPE, "<i4")),
        dtype=DTYPE_CODES.get(code, f"type {code}"),
        scale=float(scales[0]) if len(scales) == 1 else None,
        zero_point=int(zero_points[0]) if len(zero_points) == 1 else 0,
    )


def _quantization(tensor: Table) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    quantization = tensor.table(TensorSlots.QUANTIZATION)
    if quantization is None:
        return np.empty(0, "<f4"), np.empty(0, "<i8")
    return quantization.numbers(TensorSlots.SCALE, "<f4"), quantization.numbers(TensorSlots.ZERO_POINT, "<i8")


def _metadata(model: Table, buffers: list[Table]) -> MetadataInfo | None:
    for entry in _few(model, ModelSlots.METADATA):
        if entry.text(0) == METADATA_NAME:
            index = entry.scalar(1, "<I")
            raw = buffers[index].bytes_(BufferSlots.DATA) if index < len(buffers) else None
            if raw is None:
                raise ModelFileError("damaged: its metadata buffer is missing")
            return _read_metadata(raw)
    return None


def _read_metadata(raw: bytes) -> MetadataInfo:
    top = root(raw, METADATA_IDENTIFIER)
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    files = [file.text(MetadataSlots.FILE_NAME) for file in _few(top, MetadataSlots.MODEL_FILES)]
    for subgraph in top.tables(MetadataSlots.MODEL_SUBGRAPHS)[:1]:
        for tensor in subgraph.tables(MetadataSlots.SUBGRAPH_INPUTS)[:1]:
            for unit in _few(tensor, MetadataSlots.TENSOR_UNITS):
                options = unit.table(MetadataSlots.UNIT)
                if unit.scalar(MetadataSlots.UNIT_TYPE, "<B") == UNIT_NORMALIZATION and options is not None:
                    mean = _floats(options, MetadataSlots.NORMALIZATION_MEAN)
                    std = _floats(options, MetadataSlots.NORMALIZATION_STD)
        for tensor in subgraph.tables(MetadataSlots.SUBGRAPH_OUTPUTS)[:1]:
            found = _few(tensor, MetadataSlots.TENSOR_FILES)
            files.extend(file.text(MetadataSlots.FILE_NAME) for file in found)
    return MetadataInfo(top.text(MetadataSlots.MODEL_NAME), mean, std, tuple(files))


def _few(table: Table, slot: int) -> list[Table]:
    """Return a list of tables that honest files keep short; many entries may share one long text."""
    tables = table.tables(slot)
    if len(tables) > _MAX_ENTRIES:
        raise ModelFileError(f"damaged: its metadata lists {len(tables)} entries")
    return tables


def _floats(table: Table, slot: int) -> tuple[float, ...]:
    return tuple(float(value) for value in table.numbers(slot, "<f4"))
