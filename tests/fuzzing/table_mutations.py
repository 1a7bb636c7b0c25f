"""Changes to a model's FlatBuffer: some blind, most of them to a number, a list or a reference by intent."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

from fuzzing.places import Places
from hangtag.flatbuffer_check import Layout
from hangtag.tflite_layouts import MODEL_LAYOUTS
from hangtag.tflite_operators import LEAST_INPUTS

Mutation = Callable[[bytearray, Places, random.Random], None]

_ODD = {
    1: (0, 1, 2, 3, 5, 7, 9, 127, 128, 255),
    2: (0, 1, 4, 255, 0x7FFF, 0xFFFF),
    4: (
        0,
        1,
        2,
        3,
        4,
        7,
        8,
        16,
        100,
        255,
        1000,
        65535,
        2**16,
        2**24,
        2**30,
        2**31 - 1,
        2**31,
        2**32 - 2,
        2**32 - 1,
    ),
    8: (0, 1, 2, 255, 2**31, 2**32, 2**62, 2**63 - 1, 2**63, 2**64 - 1),
}
_LAST_OPERATOR = 209
_UNASKING = [code for code, inputs in LEAST_INPUTS.items() if inputs <= 2]
"""Operators that take the place of another one without being refused for their number of inputs."""
_CODE_TABLE, _OLD_CODE, _CODE = "OperatorCode", 0, 3
_INPUTS_SLOT = 1
_TENSOR_TABLE, _SHAPE_SLOT, _TYPE_SLOT = "Tensor", 0, 1


def _odd(rng: random.Random, width: int, old: int = 0) -> int:
    """Return a number that code trips over, near the old one now and then."""
    choice = rng.random()
    if choice < 0.25:
        return (old + rng.choice([-2, -1, 1, 2])) % 256**width
    if choice < 0.45:
        return rng.randrange(12)
    if choice < 0.55:
        return rng.randrange(256**width)
    return rng.choice(_ODD[width])


def _put(data: bytearray, position: int, width: int, value: int) -> None:
    if 0 <= position <= len(data) - width:
        data[position : position + width] = (value % 256**width).to_bytes(width, "little")


def _get(data: bytearray, position: int, width: int) -> int:
    return int.from_bytes(data[position : position + width], "little")


def flip_bits(data: bytearray, _: Places, rng: random.Random) -> None:
    """Flip up to eight bits anywhere."""
    for _ in range(rng.randint(1, 8)):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def spoil_number(data: bytearray, places: Places, rng: random.Random) -> None:
    """Set a field of a table to an odd number."""
    place = rng.choice(places.numbers)
    _put(data, place.position, place.width, _odd(rng, place.width, _get(data, place.position, place.width)))


def spoil_element(data: bytearray, places: Places, rng: random.Random) -> None:
    """Set an element of a list to an odd number: a side of a shape, an operator's input, a scale."""
    vector = rng.choice(places.vectors)
    if vector.count:
        at = vector.position + 4 + vector.width * rng.randrange(vector.count)
        if vector.width == 4 and rng.random() < 0.2:
            odd_float = struct.pack(
                "<f", rng.choice([0.0, -1.0, 1e-38, 1e38, float("inf"), float("nan"), 0.5])
            )
            _put(data, at, 4, int.from_bytes(odd_float, "little"))
        else:
            _put(data, at, vector.width, _odd(rng, vector.width, _get(data, at, vector.width)))


def spoil_count(data: bytearray, places: Places, rng: random.Random) -> None:
    """Change how many entries a list says it has."""
    at = rng.choice(places.counts)
    _put(data, at, 4, _odd(rng, 4, _get(data, at, 4)))


def spoil_entry(data: bytearray, places: Places, rng: random.Random) -> None:
    """Leave a field out, or say that it lies elsewhere in its table."""
    at = rng.choice(places.entries)
    _put(data, at, 2, 0 if rng.random() < 0.5 else _odd(rng, 2, _get(data, at, 2)))


def redirect(data: bytearray, places: Places, rng: random.Random) -> None:
    """Point a reference at another thing of its kind, of another kind, or anywhere."""
    place = rng.choice(places.references)
    choice = rng.random()
    if choice < 0.7:
        alike = [other for other in places.references if other.kind == place.kind]
        target = rng.choice(alike).target
    elif choice < 0.85:
        target = rng.choice(places.references).target
    else:
        target = rng.randrange(len(data))
    _put(data, place.position, 4, target - place.position)


def new_list(data: bytearray, places: Places, rng: random.Random) -> None:
    """Give a list of numbers another length and other numbers, written behind the rest."""
    vector = rng.choice(places.vectors)
    if vector.width == 1:
        return
    references = [place for place in places.references if place.target == vector.position]
    data.extend(bytes(-len(data) % 8 + 4))
    start = len(data)
    old = [
        _get(data, vector.position + 4 + vector.width * index, vector.width)
        for index in range(min(vector.count, 64))
    ]
    values = [
        rng.choice(old) if old and rng.random() < 0.6 else _odd(rng, vector.width)
        for _ in range(rng.choice([0, 1, 2, 3, 4, 5, 6, 8, 9, 20]))
    ]
    data += struct.pack("<I", len(values))
    for value in values:
        data += value.to_bytes(vector.width, "little")
    _put(data, references[0].position, 4, start - references[0].position)


def spoil_constant(data: bytearray, places: Places, rng: random.Random) -> None:
    """Change a stored value that operators read as a shape, an axis or a place."""
    small = [vector for vector in places.vectors if vector.table == "Buffer" and 4 <= vector.count <= 64]
    if small:
        vector = rng.choice(small)
        at = vector.position + 4 + 4 * rng.randrange(vector.count // 4)
        _put(data, at, 4, _odd(rng, 4, _get(data, at, 4)))


def other_operator(data: bytearray, places: Places, rng: random.Random) -> None:
    """Make one kind of operator another one, with the inputs and options it has."""
    codes = [place for place in places.numbers if place.table == _CODE_TABLE]
    newer = [place for place in codes if place.slot == _CODE]
    code = rng.choice(_UNASKING) if rng.random() < 0.8 else rng.randrange(_LAST_OPERATOR + 1)
    if newer:
        chosen = rng.choice(newer)
        _put(data, chosen.position, 4, code)
        near = [
            place for place in codes if place.slot == _OLD_CODE and abs(place.position - chosen.position) < 24
        ]
        for place in near:
            _put(data, place.position, 1, min(code, 127))
    else:
        chosen = rng.choice([place for place in codes if place.slot == _OLD_CODE])
        _put(data, chosen.position, 1, min(code, 127))


def other_options(data: bytearray, places: Places, rng: random.Random) -> None:
    """Give an operator new options: of the kind it has or of another one, every field odd."""
    start = rng.choice(places.operators)
    vtable = start - struct.unpack_from("<i", data, start)[0]
    entries = _get(data, vtable, 2) // 2 - 2
    kind_at = _get(data, vtable + 4 + 2 * 3, 2) if entries > 4 else 0
    options_at = _get(data, vtable + 4 + 2 * 4, 2) if entries > 4 else 0
    if not kind_at or not options_at:
        return
    kind = _get(data, start + kind_at, 1) if rng.random() < 0.6 else rng.randrange(1, 127)
    _put(data, start + kind_at, 1, kind)
    target = _append_table(data, MODEL_LAYOUTS.get(f"Options{kind}", ()), rng)
    _put(data, start + options_at, 4, target - start - options_at)


def _append_table(data: bytearray, layout: Layout, rng: random.Random) -> int:
    """Write a table behind the rest with odd numbers in all its number fields; return where it lies."""
    data.extend(bytes(-len(data) % 8))
    fields = [entry.width if not (entry.vector or entry.table) else 0 for entry in layout]
    vtable = len(data)
    offsets, size = [], 4
    for width in fields:
        if not width:
            offsets.append(0)
            continue
        size += -size % width
        offsets.append(size)
        size += width
    data += struct.pack(f"<HH{len(offsets)}H", 4 + 2 * len(offsets), size, *offsets)
    data.extend(bytes(-len(data) % 8))
    start = len(data)
    data += struct.pack("<i", start - vtable) + bytes(size - 4)
    for width, offset in zip(fields, offsets, strict=True):
        if width:
            _put(data, start + offset, width, _odd(rng, width))
    return start


def other_type(data: bytearray, places: Places, rng: random.Random) -> None:
    """Give a tensor another type."""
    types = [place for place in places.numbers if (place.table, place.slot) == (_TENSOR_TABLE, _TYPE_SLOT)]
    if types:
        _put(data, rng.choice(types).position, 1, rng.randrange(24))


def other_shape(data: bytearray, places: Places, rng: random.Random) -> None:
    """Change a side of a tensor's shape a little, so that more than one check agrees to it."""
    shapes = [
        vector
        for vector in places.vectors
        if (vector.table, vector.slot) == (_TENSOR_TABLE, _SHAPE_SLOT) and vector.count
    ]
    vector = rng.choice(shapes)
    _put(
        data,
        vector.position + 4 + 4 * rng.randrange(vector.count),
        4,
        rng.choice([0, 1, 2, 3, 5, 8, 13, 1000]),
    )


def rewire(data: bytearray, places: Places, rng: random.Random) -> None:
    """Let an operator read or write another tensor: mostly read one that is there already."""
    earlier = rng.random() < 0.8
    wires = [
        vector
        for vector in places.vectors
        if vector.table == "Operator" and vector.count and (vector.slot == _INPUTS_SLOT or not earlier)
    ]
    vector = rng.choice(wires)
    at = vector.position + 4 + 4 * rng.randrange(vector.count)
    _put(data, at, 4, rng.randrange(_get(data, at, 4) % 256 + 1) if earlier else rng.randrange(-1, 60))


def cut_or_grow(data: bytearray, _: Places, rng: random.Random) -> None:
    """Cut the end off, or put bytes in or take bytes out somewhere."""
    at = rng.randrange(8, len(data))
    choice = rng.random()
    if choice < 0.4:
        del data[at:]
    elif choice < 0.7:
        del data[at : at + rng.choice([1, 2, 4, 8, 64])]
    else:
        data[at:at] = bytes(rng.choice([1, 2, 4, 8, 64]))


MUTATIONS: dict[Mutation, int] = {
    flip_bits: 2,
    spoil_number: 4,
    spoil_element: 3,
    spoil_count: 1,
    spoil_entry: 1,
    redirect: 2,
    new_list: 2,
    spoil_constant: 5,
    other_operator: 7,
    other_options: 6,
    other_type: 4,
    other_shape: 5,
    rewire: 5,
    cut_or_grow: 1,
}
"""Every mutation, and how often it is taken beside the others."""

IN_METADATA = frozenset({spoil_number, spoil_element, spoil_count, spoil_entry, redirect, new_list})
"""Those that change the metadata for phones as well."""
