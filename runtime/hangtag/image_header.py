"""What an image file says about itself in its first bytes: its format, size and channels, nothing decoded."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

FORMAT_SUFFIXES = {
    "JPEG": frozenset({".jpg", ".jpeg"}),
    "PNG": frozenset({".png"}),
    "WebP": frozenset({".webp"}),
    "BMP": frozenset({".bmp"}),
    "TIFF": frozenset({".tif", ".tiff"}),
}
"""Formats that are recognised and the file name endings, in lower case, that tell the truth about them."""

JPEG_START = b"\xff\xd8\xff"
JPEG_SCAN = 0xDA
"""The marker before the compressed pixels."""
PNG_START = b"\x89PNG\r\n\x1a\n"
TIFF_STARTS = (b"II*\0", b"MM\0*")

_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers that announce a picture's size; the three left out define tables."""
_JPEG_END = 0xD9
_JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD8)})
"""Markers that stand alone: no length follows them."""
_BIG_TIFF_STARTS = (b"II+\0", b"MM\0+")
_TIFF_WIDTH, _TIFF_HEIGHT = 256, 257
_TIFF_TYPES = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i"}
_BIG_TIFF_TYPES = {**_TIFF_TYPES, 16: "Q", 17: "q"}
"""Number of a TIFF field type -> the code :mod:`struct` has for it; 8 bytes fit a field of BigTIFF alone."""


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """A file's format by its content, and its size in pixels as stored (before any rotation).

    A width or height of 0 is one that cannot be read: the header is damaged, or unusual. ``grey`` is True
    where the file says that it has one channel of 8 bits; only JPEG and PNG are asked.
    """

    format: str
    width: int
    height: int
    grey: bool = False


def read_header(data: bytes) -> ImageHeader | None:
    """Return what the start of an image file says; None when it is no format that is known here."""
    if data.startswith(PNG_START):
        width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
        if data[12:16] != b"IHDR":
            width = height = 0
        return ImageHeader("PNG", width, height, grey=data[24:26] == b"\x08\x00")
    if data.startswith(JPEG_START):
        return _jpeg_header(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return ImageHeader("WebP", *_webp_size(data))
    if data.startswith(TIFF_STARTS + _BIG_TIFF_STARTS):
        return ImageHeader("TIFF", *_tiff_size(data))
    if data.startswith(b"BM") and len(data) >= 26:
        return ImageHeader("BMP", *_bmp_size(data))
    return None


def jpeg_segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield marker and position of each header segment, up to the first scan and with it.

    Markers are found as libjpeg finds them, so that both see the same segments: what lies between two of
    them is passed over, and those without a length are not taken to have one.
    """
    position = 2
    while (position := data.find(b"\xff", position)) >= 0 and position + 4 <= len(data):
        marker = data[position + 1]
        if marker == 0xFF:  # fill bytes may precede a marker
            position += 1
        elif marker == 0x00 or marker in _JPEG_BARE:
            position += 2
        elif marker == _JPEG_END:
            return
        else:
            yield marker, position
            if marker == JPEG_SCAN:
                return
            position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")


def _jpeg_header(data: bytes) -> ImageHeader:
    for marker, position in jpeg_segments(data):
        if marker in _JPEG_FRAMES:
            frame = data[position + 4 : position + 10]
            height, width = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
            return ImageHeader("JPEG", width, height, grey=frame[5:6] == b"\x01")
    return ImageHeader("JPEG", 0, 0)


def _webp_size(data: bytes) -> tuple[int, int]:
    """Source: the WebP container specification; sizes are stored less one, except in lossy pictures."""
    kind = data[12:16]
    if kind == b"VP8X" and len(data) >= 30:
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if kind == b"VP8L" and len(data) >= 25:
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and len(data) >= 30:
        return struct.unpack_from("<H", data, 26)[0] & 0x3FFF, struct.unpack_from("<H", data, 28)[0] & 0x3FFF
    return 0, 0


def _bmp_size(data: bytes) -> tuple[int, int]:
    if struct.unpack_from("<I", data, 14)[0] == 12:  # the header of OS/2 1.x
        width, height = struct.unpack_from("<HH", data, 18)
    else:
        width, height = struct.unpack_from("<ii", data, 18)
    return abs(width), abs(height)  # a negative height means rows from the top


def _tiff_size(data: bytes) -> tuple[int, int]:
    """Return the first picture's size from its directory of fields (12 bytes each; 20 in BigTIFF).

    Of fields with the same tag the first counts, as for libtiff. One that is not a single number in its own
    place is not followed to where it points: it counts as 0.
    """
    order = "<" if data.startswith(b"II") else ">"
    big = data.startswith(_BIG_TIFF_STARTS)
    types = _BIG_TIFF_TYPES if big else _TIFF_TYPES
    sizes: dict[int, int] = {}
    try:
        start = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)[0]
        count = struct.unpack_from(order + ("Q" if big else "H"), data, start)[0]
        first, length, value_at = (start + 8, 20, 12) if big else (start + 2, 12, 8)
        for number in range(min(count, 4096)):
            field = first + number * length
            tag, kind, values = struct.unpack_from(order + ("HHQ" if big else "HHI"), data, field)
            if tag in {_TIFF_WIDTH, _TIFF_HEIGHT} and tag not in sizes:
                code = types.get(kind) if values == 1 else None
                value = 0 if code is None else struct.unpack_from(order + code, data, field + value_at)[0]
                sizes[tag] = max(value, 0)
    except (struct.error, OverflowError):
        return 0, 0
    return sizes.get(_TIFF_WIDTH, 0), sizes.get(_TIFF_HEIGHT, 0)
