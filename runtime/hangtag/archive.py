"""Reads and writes the ZIP archive behind a model's FlatBuffer, where TFLite metadata keeps its files.

Only what such archives need, and nothing of what makes others a risk: plain or deflated members that lie one
after the other, named once, few and small. Sizes and places are checked before a byte is decompressed.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hangtag.errors import ModelFileError, shortened

MAX_FILES = 1000
MAX_BYTES = 16 * 2**20
"""Most that an archive's files may take together, decompressed."""

_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # a constant, so that the same files give the same bytes

_END = struct.Struct("<4s4H2LH")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_MAX_COMMENT_BYTES = 0xFFFF
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _UTF_8 = 0x1, 0x800


@dataclass(frozen=True, slots=True)
class Archive:
    """Embedded files by name; ``start`` is where they begin in the file (its end, where there are none)."""

    start: int
    files: dict[str, bytes]


@dataclass(frozen=True, slots=True)
class _Member:
    name: str
    raw_name: bytes
    flags: int
    method: int
    checksum: int
    packed_size: int
    size: int
    start: int


def read_archive(data: bytes) -> Archive:
    """Return the files embedded in a model.

    Raises:
        ModelFileError: there is an archive, and it is damaged, too large, or made to mislead.
    """
    end = _find_end(data)
    if end is None:
        return Archive(len(data), {})
    _, disk, first_disk, here, count, size, offset, _ = _END.unpack_from(data, end)
    # Archives count from their own start or from the file's: what lies between the two is added.
    shift = end - size - offset
    if disk or first_disk or here != count or shift < 0:
        raise ModelFileError("damaged: its archive points outside the file")
    if count > MAX_FILES:
        raise ModelFileError(f"its archive holds {count} files; that is too much")
    members = sorted(_members(data, end - size, end, count, shift), key=lambda member: member.start)
    total = sum(member.size for member in members)
    if total > MAX_BYTES:
        raise ModelFileError(f"its archive holds {len(members)} files of {total} bytes; that is too much")
    if len({member.name for member in members}) != len(members):
        raise ModelFileError("damaged: its archive holds a name twice")
    files = {}
    free_from = 0
    for member in members:
        if member.start < free_from:
            raise ModelFileError("damaged: files of its archive lie on top of each other")
        packed, free_from = _packed(data, member, end - size)
        files[member.name] = _content(member, packed)
    return Archive(min((member.start for member in members), default=end - size), files)


def archive_bytes(files: Mapping[str, bytes], offset: int) -> bytes:
    """Return a ZIP archive, stored uncompressed, that lies ``offset`` bytes into the final file."""
    # Written behind a stand-in for the model, so that its offsets count from the start of the file.
    buffer = io.BytesIO(bytes(offset))
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, _ZIP_DATE), files[name])
    return buffer.getvalue()[offset:]


def _find_end(data: bytes) -> int | None:
    """Return where the archive's end record stands, None where there is no archive."""
    low = max(0, len(data) - _END.size - _MAX_COMMENT_BYTES)
    at = data.rfind(b"PK\x05\x06", low)
    while at >= 0:
        if at + _END.size <= len(data) and at + _END.size + _END.unpack_from(data, at)[-1] == len(data):
            return at
        at = data.rfind(b"PK\x05\x06", low, at)
    return None


def _members(data: bytes, at: int, end: int, count: int, shift: int) -> Iterator[_Member]:
    for _ in range(count):
        if at + _CENTRAL.size > end:
            raise ModelFileError("damaged: its archive's directory is cut short")
        (signature, _, _, flags, method, _, _, checksum, packed_size, size, *lengths, _, _, _, start) = (
            _CENTRAL.unpack_from(data, at)
        )
        name_length, extra_length, comment_length = lengths
        if signature != b"PK\x01\x02":
            raise ModelFileError("damaged: its archive's directory cannot be read")
        at += _CENTRAL.size
        raw_name = data[at : at + name_length]
        at += name_length + extra_length + comment_length
        yield _Member(
            _name(raw_name, flags), raw_name, flags, method, checksum, packed_size, size, start + shift
        )
    if at != end:
        raise ModelFileError("damaged: its archive's directory cannot be read")


def _name(raw: bytes, flags: int) -> str:
    try:
        name = raw.decode("utf-8" if flags & _UTF_8 else "cp437")
    except UnicodeDecodeError:
        raise ModelFileError("damaged: its archive holds a name that is not UTF-8") from None
    if not name or not name.isprintable():
        raise ModelFileError(f"damaged: its archive holds a file called {shortened(name)}")
    return name


def _packed(data: bytes, member: _Member, end: int) -> tuple[bytes, int]:
    """Return a member's bytes as they lie in the file, and where they end."""
    if member.flags & _ENCRYPTED or member.method not in {_STORED, _DEFLATED}:
        raise ModelFileError("damaged: its archive is compressed in a way that TFLite metadata is not")
    if member.start + _LOCAL.size > end:
        raise ModelFileError("damaged: its archive points outside the file")
    signature, _, _, method, *_, name_length, extra_length = _LOCAL.unpack_from(data, member.start)
    name_start = member.start + _LOCAL.size
    begin = name_start + name_length + extra_length
    if (
        signature != b"PK\x03\x04"
        or method != member.method
        or data[name_start : name_start + name_length] != member.raw_name
        or begin + member.packed_size > end
    ):
        raise ModelFileError(f"damaged: its archive does not hold {shortened(member.name)} where it says")
    return data[begin : begin + member.packed_size], begin + member.packed_size


def _content(member: _Member, packed: bytes) -> bytes:
    content = packed
    if member.method == _DEFLATED:
        inflating = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            content = inflating.decompress(packed, member.size + 1)
        except zlib.error:
            content = b""
    if len(content) != member.size or zlib.crc32(content) != member.checksum:
        raise ModelFileError(f"damaged: the embedded file {shortened(member.name)} is not what was stored")
    return content
