"""What the first bytes of an image file say, against what a decoder finds."""

from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hangtag.errors import PhotoError
from hangtag.image_header import ImageHeader, read_header
from hangtag.photos import decode_photo

_STARTS = [
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"RIFF\0\0\0\0WEBP",
    b"BM",
    b"II*\0",
    b"MM\0*",
    b"II+\0",
    b"",
]


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("PNG", {}),
        ("BMP", {}),
        ("TIFF", {}),
        ("TIFF", {"big_tiff": True}),
        ("WebP", {"lossless": True}),
        ("WebP", {"lossless": False}),
        ("WebP", {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"}),
    ],
)
def test_format_size_and_grey(kind: str, options: dict[str, object], mode: str, tmp_path: Path) -> None:
    Image.new(mode, (37, 21), 90).save(tmp_path / "x", kind, **options)
    grey = mode == "L" and kind in {"JPEG", "PNG"}
    assert read_header((tmp_path / "x").read_bytes()) == ImageHeader(kind, 37, 21, grey=grey)


def test_a_picture_from_the_top_down_is_not_negative() -> None:
    data = bytearray(cv2.imencode(".bmp", np.zeros((5, 4, 3), np.uint8))[1].tobytes())
    data[22:26] = struct.pack("<i", -5)
    assert read_header(bytes(data)) == ImageHeader("BMP", 4, 5)


def _with_size(kind: str, width: int, height: int) -> bytes:
    if kind == "bmp":
        data = bytearray(cv2.imencode(".bmp", np.zeros((4, 4, 3), np.uint8))[1].tobytes())
        data[18:26] = struct.pack("<ii", width, height)
        return bytes(data)
    if kind == "webp":
        size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        return b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8X" + struct.pack("<II", 10, 0) + size
    fields = struct.pack("<HHIIHHII", 256, 4, 1, width, 257, 4, 1, height)
    return b"II*\0" + struct.pack("<IH", 8, 2) + fields + bytes(4)


@pytest.mark.parametrize("kind", ["bmp", "webp", "tiff"])
def test_pictures_beyond_the_limit_are_refused_before_decoding(kind: str) -> None:
    with pytest.raises(PhotoError, match="huge is 16000 x 15000 pixels; at most 100 megapixels"):
        decode_photo(_with_size(kind, 16_000, 15_000), "huge")


@settings(deadline=None)
@given(st.sampled_from(_STARTS), st.binary(max_size=60))
def test_any_bytes_are_a_header_or_none(start: bytes, rest: bytes) -> None:
    found = read_header(start + rest)
    assert found is None or (found.width >= 0 and found.height >= 0)
