"""Any image file becomes the same upright BGR picture, on every machine, or one clear error.

Photos are decoded by OpenCV: EXIF rotation is applied, CMYK and grey become BGR, 16 bits become 8,
transparency becomes white. What OpenCV would let through half-read (a truncated JPEG decodes with a grey
bottom) is refused here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from hangtag.errors import PhotoError
from hangtag.image_header import (
    FORMAT_SUFFIXES,
    JPEG_SCAN,
    JPEG_START,
    PNG_START,
    TIFF_STARTS,
    jpeg_segments,
    read_header,
)

if TYPE_CHECKING:
    from hangtag.preprocess import Image

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
"""File name endings, in lower case, that folders are searched for."""

MAX_PIXELS = 100_000_000
"""Larger pictures are refused: a file of some kilobytes can announce gigabytes of pixels."""


def read_photo(path: Path) -> Image:
    """Return the picture in ``path``: uint8, shape (height, width, 3), BGR, upright.

    Raises:
        PhotoError: no such file, not an image, damaged or cut short; the message names the file.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PhotoError(f"cannot read {path}: {error.strerror or error}") from None
    return decode_photo(data, str(path))


def decode_photo(data: bytes, name: str) -> Image:
    """Return the picture that an image file's bytes hold; ``name`` is what error messages call it.

    Raises:
        PhotoError: not a JPEG, PNG, WebP, BMP or TIFF, damaged, too large or cut short. (How other formats
            are decoded, and whether, depends on OpenCV's build, and their size is not known before.)
    """
    if not data:
        raise PhotoError(f"{name} is empty (0 bytes)")
    if not _is_whole(data):
        raise PhotoError(f"{name} is cut short: its image data ends too early; copy the file again")
    header = read_header(data)
    if header is None:
        raise PhotoError(f"{name} is not an image that can be read; wanted {', '.join(FORMAT_SUFFIXES)}")
    if not header.width or not header.height:
        # Whatever it is, its pixels cannot be counted before they are made.
        raise PhotoError(f"{name} is damaged or cut short: its header does not say how large the picture is")
    if header.width * header.height > MAX_PIXELS:
        raise PhotoError(
            f"{name} is {header.width} x {header.height} pixels; "
            f"at most {MAX_PIXELS // 10**6} megapixels are read: shrink it"
        )
    image = _decoded(data, cv2.IMREAD_COLOR, name)
    return _on_white(image, data, name) if _may_have_alpha(data) else image


def _decoded(data: bytes, flags: int, name: str) -> Image:
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise PhotoError(f"{name} cannot be decoded: {error.err or error}") from None
    if image is None:
        raise PhotoError(f"{name} is not an image that can be read (or it is damaged)")
    return image  # type: ignore[return-value]


def _may_have_alpha(data: bytes) -> bool:
    """False where the header rules transparency out, so that the picture need not be decoded again."""
    if data.startswith(PNG_START):
        return data[25:26] in (b"\x04", b"\x06", b"\x03")  # grey and alpha, RGBA, palette
    return not data.startswith((JPEG_START, b"BM"))


def _on_white(image: Image, data: bytes, name: str) -> Image:
    """Return ``image`` over white where the file's alpha channel is not opaque."""
    raw = _decoded(data, cv2.IMREAD_UNCHANGED, name)
    if raw.ndim != 3 or raw.shape[2] != 4:
        return image
    alpha: npt.NDArray[np.uint16] = raw[..., 3:].astype(np.uint16)
    if raw.dtype == np.uint16:
        alpha >>= 8
    if bool((alpha == 255).all()):
        return image
    # Only the unrotated picture lines up with the alpha channel, which OpenCV never rotates.
    flat = _decoded(data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION, name)
    if not np.array_equal(flat, image):
        raise PhotoError(f"{name} has both transparency and a rotation tag; save it upright or without alpha")
    if data.startswith(TIFF_STARTS) and raw.dtype == np.uint8:
        # The TIFF reader has multiplied 8-bit colours by their alpha already.
        blended = np.minimum(image + (255 - alpha), 255)
    else:
        blended = (image * alpha + 255 * (255 - alpha) + 127) // 255
    return np.asarray(blended, np.uint8)


def _is_whole(data: bytes) -> bool:
    """False when a JPEG, PNG or WebP lacks its end; other formats are left to the decoder."""
    if data.startswith(JPEG_START):
        return _jpeg_ends(data)
    if data.startswith(PNG_START):
        return _png_ends(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return len(data) >= 8 + int.from_bytes(data[4:8], "little")
    return True


def _png_ends(data: bytes) -> bool:
    """True when the chunks, stepped over by their lengths, lead to a whole end chunk; more may follow it."""
    position = len(PNG_START)
    while position + 12 <= len(data):
        if data[position + 4 : position + 8] == b"IEND":
            return True
        position += 12 + int.from_bytes(data[position : position + 4], "big")
    return False


def _jpeg_ends(data: bytes) -> bool:
    """True when an end-of-image marker follows the first scan.

    Thumbnails inside the header have end markers of their own, so the header's segments are stepped over by
    their lengths. Inside a scan every 0xFF data byte is followed by 0x00, so 0xFFD9 cannot occur by chance.
    """
    for marker, position in jpeg_segments(data):
        if marker == JPEG_SCAN:
            return data.find(b"\xff\xd9", position) >= 0
    return False


def find_photos(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield what is no folder as it is given and, for folders, the images anywhere below them, sorted.

    Hidden files and folders (``._photo.jpg``, ``.thumbnails``) are passed over. Whether a file is there and
    can be read is found out by reading it.

    Raises:
        PhotoError: a folder holds no image, or cannot be looked into.
    """
    for path in paths:
        try:
            found = _images_below(path) if path.is_dir() else [path]
        except OSError as error:
            raise PhotoError(f"cannot look into {path}: {error.strerror or error}") from None
        if not found:
            raise PhotoError(f"{path} holds no image; looked for {', '.join(sorted(IMAGE_SUFFIXES))}")
        yield from found


def _images_below(folder: Path) -> list[Path]:
    next(folder.iterdir(), None)  # rglob passes over a folder that it may not read
    return sorted(
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in IMAGE_SUFFIXES
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
        and file.is_file()
    )
