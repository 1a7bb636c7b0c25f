"""Models changed on purpose, for tests of what refuses them: through their tables, or in their bytes."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

_ADD = 0

SEEDS = Path(__file__).parent / "fuzzing" / "seeds"
"""Tiny models in every number format; see ``fuzzing/make_seeds.py``."""


def seed(name: str) -> bytes:
    """Return a tiny model's bytes, such as ``"plain-int8"``."""
    return (SEEDS / f"{name}.tflite").read_bytes()


def with_tables(model: bytes, edit: Callable[[Any], object]) -> bytes:
    """Return a bare model whose tables, as ``schema.ModelT``, were changed by ``edit``."""
    tables = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0))
    edit(tables)
    builder = flatbuffers.Builder(1 << 14)
    builder.Finish(tables.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def indices(*values: int) -> Any:
    """Return numbers as the tables hold them."""
    return np.array(values, np.int32)


def field_place(model: bytes, table: int, slot: int) -> int:
    """Return where a field of the table at ``table`` lies."""
    vtable = table - struct.unpack_from("<i", model, table)[0]
    return table + int(struct.unpack_from("<H", model, vtable + 4 + 2 * slot)[0])


def target(model: bytes, place: int) -> int:
    """Return where the reference at ``place`` leads."""
    return place + int(struct.unpack_from("<I", model, place)[0])


def crashing() -> bytes:
    """A model that our reader passes and the engine dies of: numbers too far apart for its arithmetic."""

    def edit(tables: Any) -> None:
        graph = tables.subgraphs[0]
        codes = [entry.deprecatedBuiltinCode for entry in tables.operatorCodes]
        added = next(entry for entry in graph.operators if codes[entry.opcodeIndex] == _ADD)
        graph.tensors[added.inputs[1]].quantization.scale = [1e30]

    return with_tables(seed("plain-int8"), edit)
