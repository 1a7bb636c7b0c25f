"""A reader of FlatBuffers that trusts nothing: every offset is checked before it is followed.

Only what model files need: tables, strings, vectors of numbers, of bytes and of tables. The layout is that
of the FlatBuffers "internals" page: a table begins with a signed offset back to its vtable, whose 16-bit
entries say where each field lies; references are unsigned offsets from where they stand.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hangtag.errors import ModelFileError

_MAX_TABLES_IN_VECTOR = 20_000
_MAX_TEXT_BYTES = 4096


def root(data: bytes, identifier: bytes) -> Table:
    """Return the root table of a buffer that carries the four-byte ``identifier``.

    Raises:
        ModelFileError: too short, another identifier, or a root outside the buffer.
    """
    if data[4:8] != identifier:
        raise ModelFileError(f"no {identifier.decode()} FlatBuffer begins like this")
    return Table(data, _unpack("<I", data, 0))


def _unpack(layout: str, data: bytes, position: int) -> int:
    if position < 0:
        raise ModelFileError("damaged: an offset points in front of the file")
    try:
        value: int = struct.unpack_from(layout, data, position)[0]
    except struct.error:
        raise ModelFileError("damaged or cut short: an offset points past the end") from None
    return value


@dataclass(frozen=True, slots=True)
class Table:
    """One table at ``position`` in ``data``. Fields are named by their slot: their place in the schema."""

    data: bytes
    position: int

    def place(self, slot: int) -> int | None:
        """Return where a field lies, or None where the table leaves it at its default."""
        vtable = self.position - _unpack("<i", self.data, self.position)
        size = _unpack("<H", self.data, vtable)
        entry = 4 + 2 * slot
        if entry + 2 > size:
            return None
        offset = _unpack("<H", self.data, vtable + entry)
        return self.position + offset if offset else None

    def scalar(self, slot: int, layout: str, default: int = 0) -> int:
        """Return a number; ``layout`` is its ``struct`` format, such as ``"<I"``."""
        at = self.place(slot)
        return default if at is None else _unpack(layout, self.data, at)

    def table(self, slot: int) -> Table | None:
        """Return a table that this one refers to."""
        at = self.place(slot)
        return None if at is None else Table(self.data, at + _unpack("<I", self.data, at))

    def _vector(self, slot: int) -> tuple[int, int] | None:
        """Return where a vector's elements begin and how many there are."""
        at = self.place(slot)
        if at is None:
            return None
        start = at + _unpack("<I", self.data, at)
        return start + 4, _unpack("<I", self.data, start)

    def tables(self, slot: int) -> list[Table]:
        """Return a vector of tables."""
        found = self._vector(slot)
        if found is None:
            return []
        start, count = found
        if count > _MAX_TABLES_IN_VECTOR or start + 4 * count > len(self.data):
            raise ModelFileError(f"damaged or cut short: a list of {count} entries does not fit")
        places = range(start, start + 4 * count, 4)
        return [Table(self.data, at + _unpack("<I", self.data, at)) for at in places]

    def numbers(self, slot: int, dtype: str) -> npt.NDArray[Any]:
        """Return a vector of numbers of a little-endian dtype such as ``"<f4"``; empty where absent."""
        found = self._vector(slot)
        if found is None:
            return np.empty(0, dtype)
        start, count = found
        if start + count * np.dtype(dtype).itemsize > len(self.data):
            raise ModelFileError(f"damaged or cut short: a list of {count} numbers does not fit")
        return np.frombuffer(self.data, dtype, count, start)

    def bytes_(self, slot: int) -> bytes | None:
        """Return a vector of bytes, or a string as its UTF-8 bytes; None where absent."""
        extent = self.extent(slot)
        return None if extent is None else self.data[slice(*extent)]

    def extent(self, slot: int) -> tuple[int, int] | None:
        """Return where a vector of bytes begins and ends in the buffer, None where absent; copies nothing."""
        found = self._vector(slot)
        if found is None:
            return None
        start, count = found
        if start + count > len(self.data):
            raise ModelFileError(f"damaged or cut short: {count} bytes of data do not fit")
        return start, start + count

    def text(self, slot: int) -> str:
        """Return a string; empty where absent."""
        found = self._vector(slot)
        if found is not None and found[1] > _MAX_TEXT_BYTES:
            raise ModelFileError(f"damaged: a name of {found[1]} bytes")
        raw = self.bytes_(slot)
        try:
            return "" if raw is None else raw.decode()
        except UnicodeDecodeError:
            raise ModelFileError("damaged: a name is not UTF-8") from None
