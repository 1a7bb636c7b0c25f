"""Checks a whole FlatBuffer against its schema before anything else follows its offsets.

What FlatBuffers' own verifier refuses is refused here: places outside the buffer, fields outside their table,
texts without an end, odd alignment. On top of that the work is bounded, which the format does not do: a small
file can list the same table, or the same long vector, many thousands of times.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hangtag.errors import ModelFileError

_MAX_TABLES = 30_000
"""Most tables to visit: an EfficientNet-Lite0 has 900, the largest classifiers some thousands."""

_TEXT = "text"
_SLACK_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Field:
    """What one slot of a table holds.

    Args:
        width: bytes of the field inside the table.
        vector: bytes of an element where the field refers to a vector of numbers, else 0.
        table: the layout that the field refers to (``"text"``: a string), or None.
        many: True where it refers to a vector of those.
        union: layouts by the number in the slot before this one, or None.
        required: True where readers take it for granted that the field is there.
    """

    width: int
    vector: int = 0
    table: str | None = None
    many: bool = False
    union: Mapping[int, str] | None = None
    required: bool = False


Layout = Sequence[Field]


def layout(text: str, unions: Mapping[str, Mapping[int, str]] | None = None) -> Layout:
    """Read a table's layout from its short form: one word a slot, in the schema's order.

    ``4`` is a number of four bytes, ``[4]`` a vector of such, ``text`` a string, ``Tensor`` a table,
    ``[Tensor]`` a vector of tables, ``<Options>`` a union whose kind stands in the slot before. A ``!``
    behind the word marks a field that must be there.
    """
    return tuple(_field(word, unions or {}) for word in text.split())


def _field(word: str, unions: Mapping[str, Mapping[int, str]]) -> Field:
    bare = word.rstrip("!")
    required = bare != word
    inner = bare.strip("[]")
    many = inner != bare
    if inner.startswith("<"):
        return Field(4, union=unions[inner.strip("<>")], required=required)
    if inner.isdigit():
        return Field(4, vector=int(inner), required=required) if many else Field(int(inner))
    return Field(4, table=inner, many=many, required=required)


def check_flatbuffer(data: bytes, top: str, layouts: Mapping[str, Layout]) -> None:
    """Follow every offset of a FlatBuffer whose root is laid out as ``layouts[top]``.

    Slots that a layout does not know (a newer schema's) are not followed.

    Raises:
        ModelFileError: an offset, a size or a text is not what it must be, a required field is missing, or
            there is more to follow than any honest file has.
    """
    _Checker(data, layouts).root(top)


class _Checker:
    """One walk through a buffer; counts what it visits."""

    def __init__(self, data: bytes, layouts: Mapping[str, Layout]) -> None:
        self._data = data
        self._layouts = layouts
        self._tables = 0
        # Vectors may be shared, as texts often are; all together they are not larger than what holds them.
        self._vector_bytes_left = len(data) + _SLACK_BYTES

    def root(self, top: str) -> None:
        self._reference(0, top)

    def _number(self, form: str, position: int) -> int:
        try:
            value: int = struct.unpack_from(form, self._data, position)[0]
        except struct.error:
            raise ModelFileError("damaged or cut short: an offset points past the end") from None
        return value

    def _target(self, position: int) -> int:
        target = position + self._number("<I", position)
        if target == position or target % 4:
            raise ModelFileError("damaged: an offset points between two places")
        return target

    def _reference(self, position: int, kind: str) -> None:
        target = self._target(position)
        if kind == _TEXT:
            self._text(target)
        else:
            self._table(target, kind)

    def _text(self, start: int) -> None:
        end = start + 4 + self._number("<I", start)
        if end >= len(self._data) or self._data[end]:
            raise ModelFileError("damaged or cut short: a text has no end")

    def _table(self, start: int, kind: str) -> None:
        self._tables += 1
        if self._tables > _MAX_TABLES:
            raise ModelFileError(f"damaged: it lists more than {_MAX_TABLES} parts; no honest model does")
        layout = self._layouts[kind]
        entries, size = self._vtable(start, len(layout))
        for slot, field in enumerate(layout):
            offset = entries[slot] if slot < len(entries) else 0
            if not offset:
                if field.required:
                    raise ModelFileError(f"damaged or cut short: a part of it ({kind}) is not complete")
                continue
            if offset + field.width > size or (start + offset) % field.width:
                raise ModelFileError("damaged: a field lies outside its table")
            if field.vector:
                self._vector(start + offset, field.vector)
            elif field.many and field.table:
                self._many(start + offset, field.table)
            elif field.table:
                self._reference(start + offset, field.table)
            elif field.union is not None:
                self._union(start, entries, slot, field.union)

    def _vtable(self, start: int, slots: int) -> tuple[tuple[int, ...], int]:
        """Return the offsets of a table's first fields by slot, and the bytes the table takes."""
        vtable = start - self._number("<i", start)
        if vtable < 0 or vtable % 2:
            raise ModelFileError("damaged: an offset points in front of the file")
        length = self._number("<H", vtable)
        size = self._number("<H", vtable + 2)
        if length < 4 or length % 2 or vtable + length > len(self._data) or start + size > len(self._data):
            raise ModelFileError("damaged or cut short: a table does not fit")
        return struct.unpack_from(f"<{min(length // 2 - 2, slots)}H", self._data, vtable + 4), size

    def _vector(self, position: int, width: int) -> None:
        start, count = self._elements(position, width)
        if start % width:
            raise ModelFileError("damaged: an offset points between two places")
        # Bytes are not gone through, only passed on as they lie.
        if width > 1:
            self._spend(count * width)

    def _many(self, position: int, kind: str) -> None:
        start, count = self._elements(position, 4)
        self._spend(4 * count)
        for place in range(start, start + 4 * count, 4):
            self._reference(place, kind)

    def _elements(self, position: int, width: int) -> tuple[int, int]:
        start = self._target(position)
        count = self._number("<I", start)
        if start + 4 + count * width > len(self._data):
            raise ModelFileError(f"damaged or cut short: a list of {count} entries does not fit")
        return start + 4, count

    def _spend(self, size: int) -> None:
        self._vector_bytes_left -= size
        if self._vector_bytes_left < 0:
            raise ModelFileError("damaged: its lists are together longer than the file")

    def _union(self, start: int, entries: Sequence[int], slot: int, kinds: Mapping[int, str]) -> None:
        kind = self._data[start + entries[slot - 1]] if entries[slot - 1] else 0
        if kind:
            # A kind that this schema does not know yet: that it is a table is all that can be said.
            self._reference(start + entries[slot], kinds.get(kind, ""))
