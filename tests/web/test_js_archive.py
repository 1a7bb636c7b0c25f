"""The page reads the archive behind a model, refuses those that mislead, and makes its own digests."""

from __future__ import annotations

import hashlib
import random
import struct
import zlib
from collections.abc import Callable

import pytest
from fuzzing.archive_mutations import joined as zipped
from web.node_process import NodePage, unpacked
from web.page_models import refused

_FRONT = b"the model" * 7
_SMALL = {"hangtag.json": b"{}", "labels.txt": b"shirt\n" * 50}
_LOCAL, _CENTRAL, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_PLAIN = zipped(_FRONT, _SMALL)


def _edited(data: bytes, *changes: tuple[bytes, int, str, int]) -> bytes:
    """Change fields of the first record of a kind: its signature, the field's place and layout, the value."""
    changed = bytearray(data)
    for signature, offset, layout, value in changes:
        struct.pack_into(layout, changed, data.index(signature) + offset, value)
    return bytes(changed)


def _on_top() -> bytes:
    """A file that reaches over the next one, checksum and all."""
    data = zipped(_FRONT, {"a": bytes(50), "b": b""})
    reached = data[len(_FRONT) + 31 :][:60]
    sizes = [(_CENTRAL, 20, "<L", 60), (_CENTRAL, 24, "<L", 60)]
    return _edited(data, *sizes, (_CENTRAL, 16, "<L", zlib.crc32(reached)))


_ARCHIVES: dict[str, tuple[Callable[[], bytes], str]] = {
    "too many": (lambda: zipped(_FRONT, {f"f{n}": b"" for n in range(1001)}), "holds 1001 files"),
    "too many, it says": (
        lambda: _edited(_PLAIN, (_END, 8, "<H", 65535), (_END, 10, "<H", 65535)),
        "holds 65535 files",
    ),
    "too much": (lambda: zipped(_FRONT, {"zeros": bytes(2**24 + 1)}), "holds 16777217 bytes"),
    "too much, it says": (lambda: _edited(_PLAIN, (_CENTRAL, 24, "<L", 2**32 - 1)), "that is too much"),
    "more files than there are": (
        lambda: _edited(_PLAIN, (_END, 8, "<H", 3), (_END, 10, "<H", 3)),
        "directory is cut short",
    ),
    "fewer files than there are": (
        lambda: _edited(_PLAIN, (_END, 8, "<H", 1), (_END, 10, "<H", 1)),
        "directory cannot be read",
    ),
    "several disks": (lambda: _edited(_PLAIN, (_END, 4, "<H", 1)), "points outside the file"),
    "before the file": (lambda: _edited(_PLAIN, (_END, 16, "<L", 2**32 - 1)), "points outside the file"),
    "no directory": (lambda: _edited(_PLAIN, (_CENTRAL, 0, "<B", 0)), "directory cannot be read"),
    "behind the file": (lambda: _edited(_PLAIN, (_CENTRAL, 42, "<L", 2**32 - 1)), "points outside the file"),
    "a name twice": (lambda: zipped(_FRONT, {"a": b"", "b": b""}).replace(b"b", b"a"), "a name twice"),
    "no name": (lambda: zipped(_FRONT, {"": b""}), 'a file called ""'),
    "a folder": (lambda: zipped(_FRONT, {"a/b": b""}), 'a file called "a/b"'),
    "a folder of Windows": (lambda: zipped(_FRONT, {"a\\b": b""}), 'a file called "a\\b"'),
    "an odd name": (lambda: zipped(_FRONT, {"a\x1b[31m": b""}), 'a file called "a\\u{1b}[31m"'),
    "half a name": (lambda: zipped(_FRONT, {"\xe9": b""}).replace(b"\xc3\xa9", b"\xc3("), "not UTF-8"),
    "deflated": (lambda: zipped(_FRONT, _SMALL, compressed=True), "is compressed, which this page does not"),
    "encrypted": (lambda: _edited(_PLAIN, (_CENTRAL, 8, "<H", 1)), "is compressed, which this page does not"),
    "on top of each other": (_on_top, "lie on top of each other"),
    "another checksum": (lambda: _edited(_PLAIN, (_CENTRAL, 16, "<L", 7)), "is not what was stored"),
    "another size": (lambda: _edited(_PLAIN, (_CENTRAL, 24, "<L", 1)), "is not what was stored"),
    "another name": (lambda: _edited(_PLAIN, (_LOCAL, 30, "<B", 65)), "where it says"),
    "a long name": (lambda: _edited(_PLAIN, (_LOCAL, 26, "<H", 60_000)), "where it says"),
    "a long gap": (lambda: _edited(_PLAIN, (_LOCAL, 28, "<H", 60_000)), "where it says"),
    "a long file": (lambda: _edited(_PLAIN, (_CENTRAL, 20, "<L", 2**31)), "where it says"),
    "another method": (lambda: _edited(_PLAIN, (_LOCAL, 8, "<H", 8)), "where it says"),
}
"""A file, and what is said of it."""


@pytest.mark.parametrize(("make", "said"), _ARCHIVES.values(), ids=_ARCHIVES)
def test_archives_that_mislead_are_refused(node_page: NodePage, make: Callable[[], bytes], said: str) -> None:
    assert said in refused(node_page, "archive", make())


@pytest.mark.parametrize(
    ("data", "start"),
    [(_PLAIN, len(_FRONT)), (_FRONT + zipped(b"", _SMALL), len(_FRONT)), (zipped(b"", _SMALL), 0)],
    ids=["counted from the file's start", "from its own", "nothing in front"],
)
def test_archives_in_order_are_read(node_page: NodePage, data: bytes, start: int) -> None:
    found = node_page.call("archive", data)
    assert found["start"] == start
    assert {name: unpacked(content) for name, content in found["files"]} == _SMALL


@pytest.mark.parametrize("data", [b"", _FRONT, _FRONT + _END, _FRONT + _END + b"\xff" * 30])
def test_a_file_without_archive_has_none(node_page: NodePage, data: bytes) -> None:
    assert node_page.call("archive", data) == {"start": len(data), "files": []}


def test_a_comment_that_looks_like_an_archive_is_a_comment(node_page: NodePage) -> None:
    comment = _END + b" as a comment, longer than the record that it looks like"
    data = _edited(_PLAIN, (_END, 20, "<H", len(comment))) + comment
    assert node_page.call("archive", data)["start"] == len(_FRONT)


# --- digests ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [*range(130), 1000, 4095, 1_000_003])
def test_both_digests_are_sha256(node_page: NodePage, size: int) -> None:
    data = random.Random(size).randbytes(size)  # noqa: S311 - to be repeated
    assert node_page.call("digests", data) == [hashlib.sha256(data).hexdigest()] * 2


def test_without_a_secure_context_there_is_a_digest_too(node_page: NodePage) -> None:
    assert node_page.call("digestWithoutHelp", b"abc") == hashlib.sha256(b"abc").hexdigest()
