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


_TIFF_TYPES = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q"}


def _tiff(sizes: list[tuple[int, int, int, int]], *, order: str = "<", big: bool = False) -> bytes:
    """Return a grey TIFF whose directory begins with these fields: tag, type, count, value.

    It has pixels for 12 x 8. What is too long for its place in a field stands at the end of the file.
    """
    place, size_of = (8, "Q") if big else (4, "I")
    fields = [*sizes, (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (277, 3, 1, 1), (278, 3, 1, 8)]
    fields += [(273, 4, 1, 0), (279, 4, 1, 96)]
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "H", 43 if big else 42)
    head += struct.pack(order + "HHQ", 8, 0, 16) if big else struct.pack(order + "I", 8)
    directory = struct.calcsize("<Q" if big else "<H") + len(fields) * (20 if big else 12) + place
    end = len(head) + directory
    body = struct.pack(order + ("Q" if big else "H"), len(fields))
    far = bytes(96)
    for tag, kind, count, value in fields:
        packed = struct.pack(order + _TIFF_TYPES[kind], end if tag == 273 else value) * count
        if len(packed) > place:
            packed, far = struct.pack(order + size_of, end + len(far)), far + packed
        body += struct.pack(order + "HH" + size_of, tag, kind, count) + packed.ljust(place, b"\0")
    return head + body + struct.pack(order + size_of, 0) + far


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", sorted(_TIFF_TYPES))
def test_a_tiff_is_as_large_as_it_is_decoded_whatever_its_fields_types(
    kind: int, order: str, big: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    data = _tiff([(256, kind, 1, 12), (257, kind, 1, 8)], order=order, big=big)
    found, image = read_header(data), cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    capfd.readouterr()  # libtiff's remarks on those that it refuses
    assert found is not None
    if kind in {13, 16, 17} and not (big and kind != 13):
        assert (found.width, found.height) == (0, 0)
    else:
        assert image is not None
        assert (found.width, found.height) == image.shape[1::-1] == (12, 8)


@pytest.mark.parametrize("order", ["<", ">"])
def test_of_a_tiffs_fields_that_stand_twice_the_first_counts(
    order: str, capfd: pytest.CaptureFixture[str]
) -> None:
    twice = [(256, 4, 1, 12), (256, 4, 1, 1), (257, 4, 1, 8), (257, 4, 1, 1)]
    data = _tiff(twice, order=order)
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    capfd.readouterr()
    assert image is not None
    assert read_header(data) == ImageHeader("TIFF", *image.shape[1::-1])


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param([(256, 9, 1, 12_000), (257, 9, 1, 12_000)], id="signed"),
        pytest.param([(256, 4, 1, 12_000)] * 2 + [(257, 4, 1, 12_000), (257, 4, 1, 1)], id="twice"),
        pytest.param([(256, 16, 1, 12_000), (257, 16, 1, 12_000)], id="elsewhere"),
        pytest.param([(256, 13, 1, 12_000), (256, 3, 1, 1), (257, 4, 1, 12_000)], id="unknown first"),
        pytest.param([(256, 3, 2, 12_000), (256, 3, 1, 1), (257, 4, 1, 12_000)], id="two numbers"),
        pytest.param([(256, 9, 1, -5), (257, 9, 1, 8)], id="negative"),
        pytest.param([(257, 4, 1, 12_000)], id="no width"),
        pytest.param([], id="no size"),
    ],
)
def test_no_field_of_a_tiff_goes_round_the_limit(
    fields: list[tuple[int, int, int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def decode(*_: object) -> None:
        raise AssertionError("it was decoded")

    monkeypatch.setattr(cv2, "imdecode", decode)
    with pytest.raises(PhotoError, match=r"huge is 12000 x 12000|header does not say how large"):
        decode_photo(_tiff(fields), "huge")


def test_the_first_picture_of_a_tiff_is_the_one_that_counts(tmp_path: Path) -> None:
    pages = [Image.new("L", (9, 7), 90), Image.new("L", (90, 70), 90)]
    pages[0].save(tmp_path / "x.tif", save_all=True, append_images=pages[1:])
    data = (tmp_path / "x.tif").read_bytes()
    assert read_header(data) == ImageHeader("TIFF", 9, 7)
    assert decode_photo(data, "x").shape == (7, 9, 3)


def _jpeg(width: int = 12, height: int = 8) -> bytes:
    return cv2.imencode(".jpg", np.zeros((height, width, 3), np.uint8))[1].tobytes()


def _frame_segment(width: int, height: int) -> bytes:
    """Return a segment that announces a grey picture's size."""
    return b"\xff\xc0\0\x0b\x08" + struct.pack(">HH", height, width) + b"\x01\x01\x11\0"


@pytest.mark.parametrize(
    "between",
    [
        pytest.param(b"\xff\x01", id="marker without a length"),
        pytest.param(b"\xff\xd3", id="restart marker"),
        pytest.param(b"stray", id="stray bytes"),
        pytest.param(b"\xff\0", id="stuffed byte"),
        pytest.param(b"\xff\xff", id="fill bytes"),
    ],
)
def test_a_jpegs_segments_are_found_where_the_decoder_finds_them(
    between: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    """Else another size could be shown to us than the one that is decoded."""
    whole = _jpeg()
    first_ends = 4 + int.from_bytes(whole[4:6], "big")
    data = whole[:first_ends] + between + whole[first_ends:]
    # Read as a length, the first bytes after the marker would lead to this size.
    data += bytes(70_000) + _frame_segment(1, 1) + b"\xff\xda\0\x02"
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    found = read_header(data)
    capfd.readouterr()
    assert image is not None
    assert found == ImageHeader("JPEG", *image.shape[1::-1])


def test_a_jpeg_with_two_sizes_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    whole = _jpeg()
    place = whole.index(b"\xff\xc0")
    data = whole[:place] + _frame_segment(1, 1) + whole[place:]
    with pytest.raises(PhotoError):
        decode_photo(data, "two")
    capfd.readouterr()


def test_a_png_begins_with_its_size() -> None:
    data = bytearray(cv2.imencode(".png", np.zeros((8, 12), np.uint8))[1].tobytes())
    data[12:16] = b"tEXt"
    with pytest.raises(PhotoError, match="does not say how large"):
        decode_photo(bytes(data), "odd")


@settings(deadline=None)
@given(st.sampled_from(_STARTS), st.binary(max_size=60))
def test_any_bytes_are_a_header_or_none(start: bytes, rest: bytes) -> None:
    found = read_header(start + rest)
    assert found is None or (found.width >= 0 and found.height >= 0)
