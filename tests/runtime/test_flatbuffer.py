"""The FlatBuffers reader follows no offset that leads outside, and raises nothing but its own error."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable

import flatbuffers
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hangtag.errors import ModelFileError
from hangtag.flatbuffer import Table, root
from hangtag.flatbuffer_check import check_flatbuffer, layout


def _built() -> bytes:
    builder = flatbuffers.Builder(64)
    text = builder.CreateString("garment")
    numbers = builder.CreateNumpyVector(np.array([1.5, 2.5], np.float32))
    builder.StartObject(1)
    builder.PrependUint32Slot(0, 7, 0)
    child = builder.EndObject()
    builder.StartVector(4, 1, 4)
    builder.PrependUOffsetTRelative(child)
    children = builder.EndVector()
    builder.StartObject(6)
    builder.PrependUOffsetTRelativeSlot(0, text, 0)
    builder.PrependUOffsetTRelativeSlot(1, numbers, 0)
    builder.PrependUOffsetTRelativeSlot(2, child, 0)
    builder.PrependUOffsetTRelativeSlot(3, children, 0)
    builder.PrependUint8Slot(4, 9, 0)
    top = builder.EndObject()
    builder.Finish(top, file_identifier=b"TEST")
    return bytes(builder.Output())


def test_reads_what_the_official_builder_wrote() -> None:
    table = root(_built(), b"TEST")
    assert table.text(0) == "garment"
    assert table.numbers(1, "<f4").tolist() == [1.5, 2.5]
    child = table.table(2)
    assert child is not None
    assert child.scalar(0, "<I") == 7
    assert [entry.scalar(0, "<I") for entry in table.tables(3)] == [7]
    assert table.scalar(4, "<B") == 9


def test_absent_fields_have_their_defaults() -> None:
    table = root(_built(), b"TEST")
    for slot in (5, 6, 5000):
        assert table.scalar(slot, "<I", default=3) == 3
        assert table.text(slot) == ""
        assert table.table(slot) is None
        assert table.tables(slot) == []
        assert table.numbers(slot, "<i4").size == 0
        assert table.bytes_(slot) is None


@pytest.mark.parametrize("data", [b"", b"1234", b"\0\0\0\0NOPE", b"\xff\xff\xff\xffTEST"])
def test_what_is_no_such_flatbuffer_is_refused(data: bytes) -> None:
    with pytest.raises(ModelFileError):
        _walk(root(data, b"TEST"))


@given(st.data())
def test_any_damage_ends_in_our_error_or_in_a_reading(data: st.DataObject) -> None:
    whole = bytearray(_built())
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    # Any other error fails the test.
    with contextlib.suppress(ModelFileError):
        _walk(root(bytes(whole[:cut]), b"TEST"))


def _walk(table: Table) -> None:
    table.text(0)
    table.numbers(1, "<f4")
    child = table.table(2)
    if child is not None:
        child.scalar(0, "<I")
    for entry in table.tables(3):
        entry.scalar(0, "<I")
    table.scalar(4, "<B")


_LAYOUTS = {
    "Top": layout("text [4] Child [Child] 1 <Either>!", {"Either": {1: "Child"}}),
    "Child": layout("4"),
    "": layout(""),
}


def _with_union() -> bytes:
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
    builder.StartObject(6)
    for slot, offset in enumerate((text, numbers, child, children)):
        builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
    builder.PrependUint8Slot(4, 1, 0)
    builder.PrependUOffsetTRelativeSlot(5, child, 0)
    builder.Finish(builder.EndObject(), file_identifier=b"TEST")
    return bytes(builder.Output())


def _place(data: bytes, slot: int) -> int:
    """Return where a field of the root table lies."""
    top = _top(data)
    vtable = top - struct.unpack_from("<i", data, top)[0]
    return int(top + struct.unpack_from("<H", data, vtable + 4 + 2 * slot)[0])


def _led(data: bytes, slot: int) -> int:
    """Return where the reference in a slot of the root table leads."""
    place = _place(data, slot)
    return place + int(struct.unpack_from("<I", data, place)[0])


def test_what_the_official_builder_wrote_passes_the_check() -> None:
    check_flatbuffer(_with_union(), "Top", _LAYOUTS)


def test_slots_and_kinds_of_a_newer_schema_are_not_followed() -> None:
    older = {**_LAYOUTS, "Top": layout("text [4]")}
    check_flatbuffer(_with_union(), "Top", older)
    newer = bytearray(_with_union())
    newer[_place(newer, 4)] = 99
    check_flatbuffer(bytes(newer), "Top", _LAYOUTS)


def _start(_: bytes) -> int:
    return 0


def _top(data: bytes) -> int:
    return int(struct.unpack_from("<I", data, 0)[0])


def _vtable_entry(data: bytes, slot: int) -> int:
    top = _top(data)
    return int(top - struct.unpack_from("<i", data, top)[0] + 4 + 2 * slot)


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
    data = bytearray(_with_union())
    struct.pack_into(form, data, where(bytes(data)), value)
    with pytest.raises(ModelFileError, match=said):
        check_flatbuffer(bytes(data), "Top", _LAYOUTS)


@given(st.data())
def test_what_passes_the_check_can_be_read(data: st.DataObject) -> None:
    whole = bytearray(_with_union())
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    whole[4:8] = b"TEST"
    try:
        check_flatbuffer(bytes(whole), "Top", _LAYOUTS)
    except ModelFileError:
        return
    top = root(bytes(whole), b"TEST")
    top.numbers(1, "<f4")
    for child in (top.table(2), *top.tables(3)):
        if child is not None:
            child.scalar(0, "<I")
