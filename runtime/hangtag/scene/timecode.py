"""A moment drawn into a picture: proof, for whoever reads it back, of how old the picture is.

On Linux ``time.monotonic()`` is one clock for all processes of a machine, so that a stamp drawn by a server
and read from the frame that a client classified tells the whole way between them, buffers included.
"""

from __future__ import annotations

import zlib

import cv2
import numpy as np

from hangtag.preprocess import Image

_COLUMNS, _ROWS = 24, 3
_MOMENT_BYTES = 5
_STRIP_SHARE = 0.1
"""Of the picture's height: the strip lies at its top."""

_CELL_SAMPLES = 4
_BLACK_BELOW, _WHITE_ABOVE = 100, 155
"""Means of a cell's middle that count as black and white; in between it cannot be read. Coding, scaling and
noise leave the means of large cells almost alone."""

MOST_MS = 256**_MOMENT_BYTES - 1
"""The latest moment that can be drawn: 34 years."""


def draw(image_bgr: Image, ms: int) -> None:
    """Draw a moment over the top tenth of a picture, in place.

    Three rows of 24 cells, black for 0 and white for 1: 40 bits of moment and 32 of checksum, row by row.

    Args:
        image_bgr: uint8, shape (height, width, 3); 96 x 48 pixels or more.
        ms: whole milliseconds of any clock, 0 to :data:`MOST_MS`.

    Raises:
        ValueError: the moment or the picture is out of range.
    """
    height, width = image_bgr.shape[:2]
    if width < 4 * _COLUMNS or height < 48:
        raise ValueError(f"the picture is {width}x{height}; a stamp needs 96x48 or more")
    if not 0 <= ms <= MOST_MS:
        raise ValueError(f"the moment is {ms} ms; wanted 0 to {MOST_MS}")
    moment = ms.to_bytes(_MOMENT_BYTES, "big")
    bits = np.unpackbits(np.frombuffer(moment + _checksum(moment), np.uint8)).reshape(_ROWS, _COLUMNS)
    strip = image_bgr[: _strip_height(height)]
    strip[:] = cv2.resize(255 * bits, strip.shape[1::-1], interpolation=cv2.INTER_NEAREST)[..., None]


def read(image_bgr: Image) -> int | None:
    """Return the moment drawn into a picture, in milliseconds; None where none can be read for certain.

    The picture may have been scaled as a whole since then, coded with loss, or have noise; not cropped.
    """
    height, width = image_bgr.shape[:2]
    if width < _COLUMNS or height < 10 * _ROWS:
        return None
    samples = (_COLUMNS * _CELL_SAMPLES, _ROWS * _CELL_SAMPLES)
    small = np.asarray(cv2.resize(image_bgr[: _strip_height(height)], samples, interpolation=cv2.INTER_AREA))
    cells = small.reshape(_ROWS, _CELL_SAMPLES, _COLUMNS, _CELL_SAMPLES, 3)
    # The middle of each cell: its borders are where neighbours run into one another.
    means = cells[:, 1:-1, :, 1:-1].mean(axis=(1, 3, 4))
    if bool(((means > _BLACK_BELOW) & (means < _WHITE_ABOVE)).any()):
        return None
    return _checked(np.packbits(means >= _WHITE_ABOVE).tobytes())


def age_ms(image_bgr: Image, now_s: float) -> float | None:
    """Return how long before ``now_s`` (of ``time.monotonic()``) a picture was stamped, None as :func:`read`.

    Stamps are whole milliseconds, rounded down: an age is never told too low, and by less than 1 ms too high.
    """
    ms = read(image_bgr)
    return None if ms is None else 1000 * now_s - ms


def _strip_height(height: int) -> int:
    return round(_STRIP_SHARE * height)


def _checksum(moment: bytes) -> bytes:
    return zlib.crc32(moment).to_bytes(4, "big")


def _checked(code: bytes) -> int | None:
    moment, checksum = code[:_MOMENT_BYTES], code[_MOMENT_BYTES:]
    return int.from_bytes(moment, "big") if checksum == _checksum(moment) else None
