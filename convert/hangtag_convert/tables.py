"""A TFLite model's tables as objects that can be changed, and back to bytes.

The objects are those of the public schema, as ``ai_edge_litert.schema_py_generated`` has them; importing it
loads no native code.
"""

from __future__ import annotations

import struct
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt

from hangtag.errors import ModelFileError
from hangtag.tflite_slots import MODEL_IDENTIFIER


class _AlignedBuilder(flatbuffers.Builder):  # type: ignore[misc] # it ships no annotations
    """Lays vectors of bytes, weights among them, on multiples of 16, as the schema wants (``force_align``).

    The generated packer knows nothing of it; an engine that maps the file then has to copy 64-bit biases.
    """

    def StartVector(self, elem_size: int, num_elems: int, alignment: int) -> int:  # noqa: N802 - theirs
        found: int = super().StartVector(elem_size, num_elems, 16 if elem_size == 1 else alignment)
        return found


def unpacked(model: bytes) -> Any:
    """Return a model's tables (a ``ModelT``), weights that lie behind the FlatBuffer pulled inside.

    Raises:
        ModelFileError: the tables cannot be read.
    """
    from ai_edge_litert import schema_py_generated as schema

    try:
        tables = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0))
    # The generated reader checks nothing; a damaged model makes it fail in one of these ways.
    except (struct.error, ValueError, TypeError, IndexError, AttributeError, OverflowError) as error:
        raise ModelFileError(f"damaged: its tables cannot be read ({error!r})") from None
    for buffer in tables.buffers:
        if buffer.offset > 1:
            data = model[buffer.offset : buffer.offset + buffer.size]
            buffer.data, buffer.offset, buffer.size = np.frombuffer(data, np.uint8), 0, 0
    return tables


def packed(tables: Any) -> bytes:
    """Return the bytes of a model's tables. The same tables give the same bytes."""
    builder = _AlignedBuilder(1 << 16)
    builder.Finish(tables.Pack(builder), file_identifier=MODEL_IDENTIFIER)
    return bytes(builder.Output())


def add_buffer(tables: Any, data: bytes) -> int:
    """Add a buffer and return its number."""
    from ai_edge_litert import schema_py_generated as schema

    buffer = schema.BufferT()
    buffer.data = np.frombuffer(data, np.uint8)
    tables.buffers.append(buffer)
    return len(tables.buffers) - 1


def drop_unused_buffers(tables: Any) -> None:
    """Empty the buffers that no tensor and no metadata refers to; their numbers stay."""
    used = {tensor.buffer for graph in tables.subgraphs for tensor in graph.tensors}
    used |= {entry.buffer for entry in tables.metadata or []}
    for number, buffer in enumerate(tables.buffers):
        if number not in used:
            buffer.data = None


def floats_of(tables: Any, tensor: Any) -> npt.NDArray[np.float32] | None:
    """Return what a constant float32 tensor holds, in its shape (a copy); None for any other tensor."""
    from ai_edge_litert import schema_py_generated as schema

    data = tables.buffers[tensor.buffer].data
    if tensor.type != schema.TensorType.FLOAT32 or data is None or not len(data):
        return None
    values: npt.NDArray[np.float32] = np.frombuffer(bytes(data), "<f4").reshape(tuple(tensor.shape)).copy()
    return values


def operator_codes(tables: Any) -> list[int]:
    """Return each operator code's builtin number, of old files and new ones."""
    return [max(code.builtinCode, code.deprecatedBuiltinCode) for code in tables.operatorCodes]
