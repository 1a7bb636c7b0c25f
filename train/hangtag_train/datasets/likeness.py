"""Pictures that are nearly the same: saved again, resized, a little brighter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from hangtag.preprocess import Image

HASH_BITS = 64
THUMBNAIL_PX = 16

_MOST_BITS_APART = 6
_MOST_LEVELS_APART = 4.0
"""Root mean square over a thumbnail; saving a photo as a poor JPEG moves it by about one of 255 levels."""
_MOST_SHARE_APART = 0.1
"""The same as a share of the thumbnail's own contrast, so that two faint pictures are not taken for one."""

_BITS_SET = np.array([value.bit_count() for value in range(1 << 16)], np.uint8)

Hashes = npt.NDArray[np.uint64]
Thumbnails = npt.NDArray[np.uint8]


def difference_hash(image_bgr: Image) -> int:
    """Return 64 bits that say for an 8 x 8 grid whether the picture gets brighter from left to right.

    Source: "dHash" (Neal Krawetz, "Kind of Like That", 2013), here on INTER_AREA means.
    """
    grey = cv2.cvtColor(image_bgr, cv2.COLOR_BGR2GRAY)
    small = cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA)
    return int.from_bytes(np.packbits(small[:, 1:] > small[:, :-1]).tobytes(), "big")


def thumbnail_of(image_bgr: Image) -> Thumbnails:
    """Return the picture squeezed to 16 x 16 pixels: uint8 (16, 16, 3), BGR."""
    small = cv2.resize(image_bgr, (THUMBNAIL_PX, THUMBNAIL_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def near_pairs(hashes: Hashes, thumbnails: Thumbnails) -> Iterator[tuple[int, int]]:
    """Yield the places of every two pictures that are nearly the same, the earlier one first.

    The hashes choose candidates, the thumbnails decide: among small pictures of like things thousands of
    pairs have like hashes.

    Args:
        hashes: (n,) :func:`difference_hash` of each picture.
        thumbnails: uint8 (n, 16, 16, 3) :func:`thumbnail_of` each picture.
    """
    flat = thumbnails.reshape(len(thumbnails), -1)
    contrast = flat.std(axis=1)
    for place in range(len(hashes) - 1):
        bits = _bits_set(hashes[place + 1 :] ^ hashes[place])
        later = place + 1 + np.flatnonzero(bits <= _MOST_BITS_APART)
        if not later.size:
            continue
        difference = flat[later].astype(np.float32) - flat[place]
        apart = np.sqrt((difference**2).mean(axis=1))
        weaker = np.minimum(contrast[later], contrast[place])
        near = (apart <= _MOST_LEVELS_APART) & (apart <= _MOST_SHARE_APART * weaker)
        for other in later[near]:
            yield place, int(other)


def _bits_set(values: Hashes) -> npt.NDArray[np.uint8]:
    if hasattr(np, "bitwise_count"):  # NumPy 2
        counted: npt.NDArray[np.uint8] = np.bitwise_count(values)
        return counted
    parts = _BITS_SET[values.view(np.uint16).reshape(-1, 4)]
    summed: npt.NDArray[np.uint8] = parts.sum(axis=1, dtype=np.uint8)
    return summed
