"""Reads the files inside a Qt binary resource (``.rcc``), in which some programs keep their pictures.

Only what is needed to take pictures out: the tree of names and the stored bytes. The layout is that of
``QResource``: a header of offsets, a tree whose entries are folders or files, names in UTF-16, and each
file's bytes behind their length. Zlib-compressed files are unpacked; others are passed over.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

_HEADER = struct.Struct(">4sIIII")
_FOLDER = struct.Struct(">IHII")
_FILE = struct.Struct(">IHHHI")
_ENTRY_BYTES = {1: 14, 2: 22, 3: 22}
_IS_ZLIB, _IS_FOLDER, _IS_ZSTD = 1, 2, 4
_MOST_FILES = 100_000


def resource_files(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of each file of a resource.

    Raises:
        ValueError: it is no Qt resource, or damaged.
    """
    try:
        yield from _files(data)
    except (struct.error, IndexError, KeyError, zlib.error, UnicodeDecodeError) as error:
        raise ValueError(f"no Qt resource that can be read ({error!r})") from None


def _files(data: bytes) -> Iterator[tuple[str, bytes]]:
    magic, version, tree, contents, names = _HEADER.unpack_from(data)
    if magic != b"qres":
        raise ValueError(f"no Qt resource: it begins with {magic!r}")
    size, waiting, seen = _ENTRY_BYTES[version], [(0, "")], 0
    while waiting:
        number, folder = waiting.pop()
        seen += 1
        if seen > _MOST_FILES:
            raise ValueError(f"a Qt resource of more than {_MOST_FILES} files")
        at = tree + number * size
        name_at, flags, *_ = _FILE.unpack_from(data, at)
        path = folder if number == 0 else f"{folder}/{_name(data, names + name_at)}".lstrip("/")
        if flags & _IS_FOLDER:
            _, _, count, first = _FOLDER.unpack_from(data, at)
            waiting += [(child, path) for child in range(first, first + min(count, _MOST_FILES))]
        elif not flags & _IS_ZSTD:
            *_, start = _FILE.unpack_from(data, at)
            yield path, _content(data, contents + start, packed=bool(flags & _IS_ZLIB))


def _name(data: bytes, at: int) -> str:
    (length,) = struct.unpack_from(">H", data, at)
    # Behind the length stands a hash that only searching needs.
    return data[at + 6 : at + 6 + 2 * length].decode("utf-16-be")


def _content(data: bytes, at: int, *, packed: bool) -> bytes:
    (length,) = struct.unpack_from(">I", data, at)
    raw = data[at + 4 : at + 4 + length]
    # A compressed file begins with its size; the stream itself says where it ends.
    return zlib.decompress(raw[4:]) if packed else raw
