"""Where a FlatBuffer's numbers, lists, references and tables lie, so that they can be changed by intent."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from hangtag.flatbuffer_check import Layout


@dataclass(frozen=True, slots=True)
class Number:
    """A number of ``width`` bytes in slot ``slot`` of a table of kind ``table``."""

    position: int
    width: int
    table: str
    slot: int


@dataclass(frozen=True, slots=True)
class Vector:
    """A list of numbers: its count stands at ``position``, its elements of ``width`` bytes behind it."""

    position: int
    width: int
    count: int
    table: str
    slot: int


@dataclass(frozen=True, slots=True)
class Reference:
    """An offset at ``position`` to something of kind ``kind`` (a table, ``"text"`` or ``"list"``)."""

    position: int
    target: int
    kind: str


@dataclass(slots=True)
class Places:
    """All that can be changed in one FlatBuffer; ``entries`` are the places of vtable entries."""

    numbers: list[Number] = field(default_factory=list)
    vectors: list[Vector] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    entries: list[int] = field(default_factory=list)
    operators: list[int] = field(default_factory=list)


def find_places(data: bytes, top: str, layouts: Mapping[str, Layout], base: int = 0) -> Places:
    """Return the places of a FlatBuffer in order that begins at ``base``."""
    found = Places()
    seen: set[tuple[int, str]] = set()

    def number(form: str, position: int) -> int:
        return int(struct.unpack_from(form, data, position)[0])

    def follow(position: int, kind: str) -> None:
        target = position + number("<I", position)
        found.references.append(Reference(position, target, kind))
        if kind != "text" and (target, kind) not in seen:
            seen.add((target, kind))
            table(target, kind)

    def table(start: int, kind: str) -> None:
        vtable = start - number("<i", start)
        entries = number("<H", vtable) // 2 - 2
        found.entries.extend(range(vtable + 4, vtable + 4 + 2 * entries, 2))
        if kind == "Operator":
            found.operators.append(start)
        for slot, entry in enumerate(layouts[kind]):
            offset = number("<H", vtable + 4 + 2 * slot) if slot < entries else 0
            at = start + offset
            if not offset:
                continue
            if entry.union is not None:
                chosen = data[start + number("<H", vtable + 4 + 2 * (slot - 1))]
                follow(at, entry.union.get(chosen, ""))
            elif entry.table and not entry.many:
                follow(at, entry.table)
            elif entry.table or entry.vector:
                target = at + number("<I", at)
                count = number("<I", target)
                found.references.append(Reference(at, target, "list"))
                found.counts.append(target)
                if entry.table:
                    for place in range(target + 4, target + 4 + 4 * count, 4):
                        follow(place, entry.table)
                else:
                    found.vectors.append(Vector(target, entry.vector, count, kind, slot))
            else:
                found.numbers.append(Number(at, entry.width, kind, slot))

    follow(base, top)
    return found
