"""JPEG frames as they come through pipes, with what makes them hard to tell apart."""

from __future__ import annotations

import cv2
import numpy as np


def picture_of(seed: int, width: int = 48, height: int = 32) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 6, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def jpeg_of(seed: int, *options: int, size_wh: tuple[int, int] = (48, 32)) -> bytes:
    done, data = cv2.imencode(".jpg", picture_of(seed, *size_wh), [cv2.IMWRITE_JPEG_QUALITY, 80, *options])
    assert done
    return data.tobytes()


def _with_thumbnail(jpeg: bytes) -> bytes:
    """A JPEG with another one in its EXIF segment, as cameras write them."""
    body = b"Exif\0\0" + jpeg_of(99)
    return jpeg[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + jpeg[2:]


def _with_fill_bytes(jpeg: bytes) -> bytes:
    return jpeg[:2] + b"\xff\xff\xff" + jpeg[2:-2] + b"\xff" + jpeg[-2:]


FRAMES = {
    "plain": jpeg_of(1),
    "restart markers": jpeg_of(2, cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
    "progressive": jpeg_of(3, cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "thumbnail": _with_thumbnail(jpeg_of(4)),
    "fill bytes": _with_fill_bytes(jpeg_of(5)),
}
