"""The archive behind a model: what zipfile writes is read, what misleads is refused in one line."""

from __future__ import annotations

import io
import struct
import time
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hangtag.archive import MAX_BYTES, read_archive
from hangtag.errors import ModelFileError

FRONT = b"the model" * 7
_FILES = {"hangtag.json": b'{"labels": []}', "labels.txt": b"shirt\n" * 50}


def _zipped(files: dict[str, bytes], front: bytes = FRONT, method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO(front)
    with zipfile.ZipFile(buffer, "a", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


_NAMES = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1, max_size=20)


@given(
    st.dictionaries(_NAMES, st.binary(max_size=300), max_size=5),
    st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
)
def test_what_zipfile_writes_is_read(files: dict[str, bytes], method: int) -> None:
    # zipfile takes a backslash for a slash on some systems; the format has only the one.
    found = read_archive(_zipped(files, method=method))
    assert found.files == files
    assert found.start == len(FRONT)


def test_an_archive_that_counts_from_its_own_start_is_read() -> None:
    found = read_archive(FRONT + _zipped(_FILES, b""))
    assert (found.start, found.files) == (len(FRONT), _FILES)


def test_an_archive_with_a_comment_is_read() -> None:
    buffer = io.BytesIO(_zipped(_FILES))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = b"PK\x05\x06 as a comment, longer than the record that it looks like"
    assert read_archive(buffer.getvalue()).files == _FILES


@pytest.mark.parametrize("data", [b"", FRONT, FRONT + b"PK\x05\x06", FRONT + b"PK\x05\x06" + b"\xff" * 30])
def test_a_file_without_archive_has_none(data: bytes) -> None:
    assert read_archive(data) == read_archive(data[:0]).__class__(len(data), {})


def _with(data: bytes, signature: bytes, offset: int, layout: str, value: int) -> bytes:
    """Change one field of the first record of a kind."""
    changed = bytearray(data)
    at = data.index(signature)
    struct.pack_into(layout, changed, at + offset, value)
    return bytes(changed)


_LOCAL, _CENTRAL, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_PLAIN = _zipped(_FILES)
_PACKED = _zipped(_FILES, method=zipfile.ZIP_DEFLATED)


def _bomb() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(bytes(2**26)) + packer.flush()
    name = b"bomb"
    local = struct.pack("<4s5H3L2H", _LOCAL, 20, 0, 8, 0, 0, 0, len(packed), 9, len(name), 0) + name + packed
    fields = (20, 20, 0, 8, 0, 0, 0, len(packed), 9, len(name), 0, 0, 0, 0, 0, 0)
    central = struct.pack("<4s6H3L5H2L", _CENTRAL, *fields) + name
    return local + central + struct.pack("<4s4H2LH", _END, 0, 0, 1, 1, len(central), len(local), 0)


def _on_top() -> bytes:
    """A file that reaches over the next one, as its two records agree."""
    data = _zipped({"a": bytes(50), "b": b""})
    for signature, offset in ((_LOCAL, 18), (_LOCAL, 22), (_CENTRAL, 20), (_CENTRAL, 24)):
        data = _with(data, signature, offset, "<L", 60)
    stored = data[len(FRONT) + 31 :][:60]
    return _with(data, _CENTRAL, 16, "<L", zlib.crc32(stored))


_HOSTILE = {
    "too much": lambda: _zipped({"zeros": bytes(MAX_BYTES + 1)}, method=zipfile.ZIP_DEFLATED),
    "too much ": lambda: _zipped({f"f{number}": b"" for number in range(1001)}),
    "a name twice": lambda: _zipped({"a": b"", "b": b""}).replace(b"b", b"a"),
    "compressed in a way": lambda: _zipped(_FILES, method=zipfile.ZIP_BZIP2),
    "compressed in a way ": lambda: _with(_PLAIN, _CENTRAL, 8, "<H", 1),
    "on top of each other": _on_top,
    "a file called": lambda: _zipped({"a\x1b[31m": b""}),
    "a file called ": lambda: _zipped({"a\nb": b""}),
    "a file called  ": lambda: _with(_zipped({"a": b""}), _CENTRAL, 28, "<H", 0),
    "not UTF-8": lambda: _with(_zipped({"\xe9": b""}), _CENTRAL, 46, "<B", 0xFF),
    "is not what was stored": lambda: _with(_PLAIN, _CENTRAL, 16, "<L", 7),
    "is not what was stored ": lambda: _with(_PACKED, _CENTRAL, 24, "<L", 7),
    "is not what was stored  ": _bomb,
    "where it says": lambda: _with(_PLAIN, _LOCAL, 30, "<B", 65),
    "where it says ": lambda: _with(_PLAIN, _LOCAL, 28, "<H", 60_000),
    "where it says  ": lambda: _with(_PLAIN, _CENTRAL, 20, "<L", 2**31),
    "points outside": lambda: _with(_PLAIN, _CENTRAL, 42, "<L", 2**32 - 1),
    "points outside ": lambda: _with(_PLAIN, _END, 16, "<L", 2**32 - 1),
    "points outside  ": lambda: _with(_PLAIN, _END, 4, "<H", 1),
    "directory cannot be read": lambda: _with(_PLAIN, _CENTRAL, 0, "<B", 0),
    "directory is cut short": lambda: _with(_with(_PLAIN, _END, 8, "<H", 3), _END, 10, "<H", 3),
}
"""What is said -> a file that it is said of; blanks make the names differ."""


@pytest.mark.parametrize("said", _HOSTILE)
def test_archives_that_mislead_are_refused_in_one_line(said: str) -> None:
    data = _HOSTILE[said]()
    begun = time.process_time()
    with pytest.raises(ModelFileError, match=said.strip()) as caught:
        read_archive(data)
    assert str(caught.value).isprintable()
    assert time.process_time() - begun < 0.5


@given(st.data())
def test_damage_is_refused_or_read(data: st.DataObject) -> None:
    whole = bytearray(data.draw(st.sampled_from([_PLAIN, _PACKED])))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(len(FRONT), len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = read_archive(bytes(whole[: data.draw(st.integers(len(FRONT), len(whole)))]))
    except ModelFileError as error:
        assert str(error).isprintable()  # noqa: PT017 - either outcome is right
    else:
        assert all(name.isprintable() for name in found.files)
