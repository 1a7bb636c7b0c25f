"""The FlatBuffers reader follows no offset that leads outside, and raises nothing but its own error."""

from __future__ import annotations

import contextlib

import flatbuffers
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hangtag.errors import ModelFileError
from hangtag.flatbuffer import Table, root


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
