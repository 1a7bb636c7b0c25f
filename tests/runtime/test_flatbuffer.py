"""The FlatBuffers reader follows no offset that leads outside, and raises nothing but its own error."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

import flatbuffers
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hangtag.errors import ModelFileError
from hangtag.flatbuffer import root
from hangtag.flatbuffer_check import check_flatbuffer, layout

NEVER_SET = 6
"""A slot that the root table has room for and leaves at its default."""


def _built() -> bytes:
    """A root table with a field of every kind: text, numbers, a table, tables, a byte and a union."""
    builder = flatbuffers.Builder(64)
    text = builder.CreateString("garment")
    numbers = builder.CreateNumpyVector(np.array([1.5, 2.5], np.float32))
    builder.StartObject(1)
    builder.PrependUint32Slot(0, 7, 0)
    child = builder.EndObject()
    builder.StartVector(4, 2, 4)
    builder.PrependUOffsetTRelative(child)
    builder.PrependUOffsetTRelative(child)
    children = builder.EndVector()
    builder.StartObject(8)
    for slot, offset in enumerate((text, numbers, child, children)):
        builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
    builder.PrependUint8Slot(4, 1, 0)
    builder.PrependUOffsetTRelativeSlot(5, child, 0)
    builder.PrependUint8Slot(7, 9, 0)
    builder.Finish(builder.EndObject(), file_identifier=b"TEST")
    return bytes(builder.Output())


@st.composite
def _damaged(draw: st.DrawFn, at_most: int) -> bytes:
    """The same with some bytes changed; the identifier stays, without which nothing is read."""
    whole = bytearray(_built())
    for _ in range(draw(st.integers(1, at_most))):
        whole[draw(st.integers(0, len(whole) - 1))] = draw(st.integers(0, 255))
    whole[4:8] = b"TEST"
    return bytes(whole)


def test_reads_what_the_official_builder_wrote() -> None:
    table = root(_built(), b"TEST")
    assert table.text(0) == "garment"
    assert table.numbers(1, "<f4").tolist() == [1.5, 2.5]
    child = table.table(2)
    assert child is not None
    assert child.scalar(0, "<I") == 7
    assert [entry.scalar(0, "<I") for entry in table.tables(3)] == [7, 7]
    assert table.scalar(4, "<B") == 1
    assert table.scalar(7, "<B") == 9


def test_absent_fields_have_their_defaults() -> None:
    table = root(_built(), b"TEST")
    for slot in (NEVER_SET, 8, 5000):
        assert table.scalar(slot, "<I", default=3) == 3
        assert table.text(slot) == ""
        assert table.table(slot) is None
        assert table.tables(slot) == []
        assert table.numbers(slot, "<i4").size == 0
        assert table.bytes_(slot) is None


@pytest.mark.parametrize("data", [b"", b"1234", b"\0\0\0\0NOPE", b"\xff\xff\xff\xffTEST"])
def test_what_is_no_such_flatbuffer_is_refused(data: bytes) -> None:
    with pytest.raises(ModelFileError):
        root(data, b"TEST").text(0)


def _read_text(data: bytes) -> None:
    text = root(data, b"TEST").text(0).encode()
    assert not text or struct.pack("<I", len(text)) + text in data


def _read_numbers(data: bytes) -> None:
    numbers = root(data, b"TEST").numbers(1, "<f4")
    assert numbers.size == 0 or struct.pack("<I", numbers.size) + numbers.tobytes() in data


def _read_byte(data: bytes) -> None:
    byte = root(data, b"TEST").scalar(4, "<B")
    assert byte == 0 or byte in data


def _read_tables(data: bytes) -> None:
    top = root(data, b"TEST")
    children = top.tables(3)
    assert not children or struct.pack("<I", len(children)) in data
    for child in (top.table(2), *children):
        if child is not None:
            value = child.scalar(0, "<I")
            assert value == 0 or struct.pack("<I", value) in data
            vtable = child.position - _number(data, "<i", child.position)
            assert 0 <= child.position < len(data)
            assert 0 <= vtable < len(data)


def _ends_well(read: Callable[[bytes], None], data: bytes) -> bool:
    """Whether reading ends, with our error in one line at worst; any other error fails the test."""
    try:
        read(data)
    except ModelFileError as error:
        return re.fullmatch("[ -~]{1,100}", str(error)) is not None
    return True


# Each asserts that what it reads stands in the data, and all of it.
READERS = pytest.mark.parametrize("read", [_read_text, _read_numbers, _read_byte, _read_tables])


@READERS
@given(data=_damaged(8), kept=st.none() | st.integers(0, len(_built())))
def test_any_damage_ends_in_our_error_or_in_a_reading(
    read: Callable[[bytes], None], data: bytes, kept: int | None
) -> None:
    assert _ends_well(read, data[:kept])


@READERS
def test_every_wrong_offset_ends_in_our_error_or_in_a_reading(read: Callable[[bytes], None]) -> None:
    whole = _built()
    for place in range(0, len(whole), 4):
        for wrong in range(-2 * len(whole), 2 * len(whole)):
            data = whole[:place] + struct.pack("<i", wrong) + whole[place + 4 :]
            assert _ends_well(read, data), (place, wrong)


def _number(data: bytes, form: str, place: int) -> int:
    return int(struct.unpack_from(form, data, place)[0])


_LAYOUTS = {
    "Top": layout("text [4] Child [Child] 1 <Either>!", {"Either": {1: "Child"}}),
    "Child": layout("4"),
    "": layout(""),
}


def _top(data: bytes) -> int:
    """Return where the root table lies."""
    return _number(data, "<I", 0)


def _vtable_entry(data: bytes, slot: int) -> int:
    """Return where the root table's list of fields says where a field lies."""
    top = _top(data)
    return top - _number(data, "<i", top) + 4 + 2 * slot


def _place(data: bytes, slot: int) -> int:
    """Return where a field of the root table lies."""
    return _top(data) + _number(data, "<H", _vtable_entry(data, slot))


def _led(data: bytes, slot: int) -> int:
    """Return where the reference in a slot of the root table leads."""
    place = _place(data, slot)
    return place + _number(data, "<I", place)


def test_what_the_official_builder_wrote_passes_the_check() -> None:
    check_flatbuffer(_built(), "Top", _LAYOUTS)


def test_slots_and_kinds_of_a_newer_schema_are_not_followed() -> None:
    older = {**_LAYOUTS, "Top": layout("text [4]")}
    check_flatbuffer(_built(), "Top", older)
    newer = bytearray(_built())
    newer[_place(newer, 4)] = 99
    check_flatbuffer(bytes(newer), "Top", _LAYOUTS)


def _start(_: bytes) -> int:
    return 0


@pytest.mark.parametrize(
    ("where", "form", "value", "said"),
    [
        (_start, "<I", 2**31, "past the end"),
        (_start, "<I", 6, "between two places"),
        (_start, "<I", 0, "between two places"),
        (_top, "<i", 2**30, "in front of the file"),
        (_top, "<i", -(2**30), "past the end"),
        (lambda d: _vtable_entry(d, 0) - 4, "<H", 2, "does not fit"),
        (lambda d: _vtable_entry(d, 0) - 4, "<H", 60_000, "does not fit"),
        (lambda d: _vtable_entry(d, 0) - 2, "<H", 60_000, "does not fit"),
        (lambda d: _vtable_entry(d, 0), "<H", 60_000, "outside its table"),
        (lambda d: _vtable_entry(d, 1), "<H", 5, "outside its table"),
        (lambda d: _vtable_entry(d, 5), "<H", 0, "not complete"),
        (lambda d: _place(d, 0), "<I", 2**31, "past the end"),
        (lambda d: _led(d, 0), "<I", 6, "no end"),
        (lambda d: _led(d, 0), "<I", 2**31, "no end"),
        (lambda d: _led(d, 1), "<I", 2**31, "does not fit"),
        (lambda d: _led(d, 3), "<I", 2**31, "does not fit"),
        (lambda d: _led(d, 3) + 4, "<I", 2**31, "past the end"),
        (lambda d: _place(d, 2), "<I", 2**32 - 1, "past the end|between two"),
    ],
)
def test_every_kind_of_damage_is_found_by_the_check(
    where: Callable[[bytes], int], form: str, value: int, said: str
) -> None:
    data = bytearray(_built())
    struct.pack_into(form, data, where(bytes(data)), value)
    with pytest.raises(ModelFileError, match=said):
        check_flatbuffer(bytes(data), "Top", _LAYOUTS)


@given(_damaged(4))
def test_what_passes_the_check_can_be_read(data: bytes) -> None:
    try:
        check_flatbuffer(data, "Top", _LAYOUTS)
    except ModelFileError:
        return
    top = root(data, b"TEST")
    top.numbers(1, "<f4")
    for child in (top.table(2), *top.tables(3)):
        if child is not None:
            child.scalar(0, "<I")
