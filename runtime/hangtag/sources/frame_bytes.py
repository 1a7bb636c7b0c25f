"""What frames in a pipe can be: JPEG, or raw pixels."""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np

from hangtag.errors import SourceError, did_you_mean
from hangtag.photos import decode_photo
from hangtag.preprocess import Image
from hangtag.sources.jpeg_splitter import JpegSplitter

_JPEG_NAMES = frozenset({"jpeg", "mjpeg", "mjpg", "jpg"})
_RAW_BITS = {"bgr24": 24, "rgb24": 24, "grey": 8, "yuv420p": 12}
"""Format of raw frames -> bits a pixel."""
_SAME = {"gray": "grey", "i420": "yuv420p", "yu12": "yuv420p", "bgr": "bgr24", "rgb": "rgb24"}


class FrameBytes(Protocol):
    """How the bytes of a pipe become frames."""

    wanted: str
    """What a message says was expected."""

    def split(self, piece: bytes) -> list[bytes]:
        """Take the next bytes; return those of each frame that is whole now."""

    def picture(self, data: bytes) -> Image:
        """Return one frame: uint8, shape (height, width, 3), BGR, upright.

        Raises:
            PhotoError: it cannot be decoded.
        """


class JpegFrames:
    """JPEG frames one after another, whatever is between them."""

    wanted = "JPEG frames (raw ones need --pixel-format and --size)"

    def __init__(self) -> None:
        self._splitter = JpegSplitter()

    def split(self, piece: bytes) -> list[bytes]:
        """See :class:`FrameBytes`."""
        return self._splitter.feed(piece)

    def picture(self, data: bytes) -> Image:
        """See :class:`FrameBytes`; as photos are decoded."""
        return decode_photo(data, "a JPEG frame")


class RawFrames:
    """Raw frames of one size, without anything between them or between their rows.

    Args:
        pixel_format: ``bgr24``, ``rgb24``, ``grey`` or ``yuv420p``.
        size_wh: width and height in pixels; even for ``yuv420p``.

    Raises:
        SourceError: an odd size for ``yuv420p``.
    """

    def __init__(self, pixel_format: str, size_wh: tuple[int, int]) -> None:
        width, height = size_wh
        if pixel_format == "yuv420p" and (width % 2 or height % 2):
            raise SourceError(f"yuv420p frames have even sides, not {width}x{height}: pipe bgr24 instead")
        self._format, self._width, self._height = pixel_format, width, height
        self._length = width * height * _RAW_BITS[pixel_format] // 8
        self._bytes = bytearray()
        self.wanted = f"frames of {self._length} bytes ({width}x{height} {pixel_format})"

    def split(self, piece: bytes) -> list[bytes]:
        """See :class:`FrameBytes`."""
        self._bytes += piece
        whole = len(self._bytes) // self._length
        with memoryview(self._bytes) as view:
            frames = [bytes(view[i * self._length : (i + 1) * self._length]) for i in range(whole)]
        del self._bytes[: whole * self._length]
        return frames

    def picture(self, data: bytes) -> Image:
        """See :class:`FrameBytes`; ``yuv420p`` is BT.601 with luma of 16 to 235, as FFmpeg gives it."""
        pixels = np.frombuffer(data, np.uint8)
        size = (self._height, self._width)
        if self._format == "grey":
            image = cv2.cvtColor(pixels.reshape(size), cv2.COLOR_GRAY2BGR)
        elif self._format == "yuv420p":
            planes = pixels.reshape(self._height * 3 // 2, self._width)
            image = cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420)
        elif self._format == "rgb24":
            image = cv2.cvtColor(pixels.reshape(*size, 3), cv2.COLOR_RGB2BGR)
        else:
            image = pixels.reshape(*size, 3).copy()  # else nobody could draw on it
        return np.asarray(image, np.uint8)


def frame_bytes(pixel_format: str | None, size_wh: tuple[int, int] | None) -> FrameBytes:
    """Return what reads frames of a format; None means JPEG.

    Raises:
        SourceError: there is no such format, or its frames need a size.
    """
    name = (pixel_format or "jpeg").lower()
    name = _SAME.get(name, name)
    if name in _JPEG_NAMES:
        return JpegFrames()
    if name not in _RAW_BITS:
        known = ("jpeg", *_RAW_BITS)
        raise SourceError(
            f"frames on standard input cannot be {pixel_format!r}{did_you_mean(name, known)}; "
            f"wanted one of {', '.join(known)}"
        )
    if size_wh is None:
        raise SourceError(f"raw {name} frames do not say how large they are: give --size, as 640x480")
    return RawFrames(name, size_wh)
