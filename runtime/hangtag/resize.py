"""A part of a picture brought to another size by one of the contract's kernels, to the byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from hangtag.contract import Kernel

if TYPE_CHECKING:
    from hangtag.preprocess import Image, Rectangle

_CV2_KERNELS = {
    Kernel.LINEAR_EXACT: cv2.INTER_LINEAR_EXACT,
    Kernel.HALVED: cv2.INTER_LINEAR_EXACT,
    Kernel.LINEAR: cv2.INTER_LINEAR,
    Kernel.AREA: cv2.INTER_AREA,
}


class Resampler:
    """Resamples the same rectangle of pictures of one size, again and again.

    ``Kernel.HALVED`` first halves a rectangle that is at least twice the size to be had, both ways: a pixel
    becomes the mean of two by two. Their rows are ``step`` apart, half as many as the rectangle is times
    larger, whole: to read every row of a large frame would cost more than all the rest. What does not divide
    is left out, at both ends alike.

    Not thread-safe: the halved picture is kept in memory of its own.

    Args:
        source: the rectangle, inside the pictures.
        size_wh: what it becomes, in pixels.
        kernel: how.
    """

    def __init__(self, source: Rectangle, size_wh: tuple[int, int], kernel: Kernel) -> None:
        x, y, width, height = source
        self._size_wh, self._interpolation = size_wh, _CV2_KERNELS[kernel]
        self._part = (slice(y, y + height), slice(x, x + width))
        self._halves: Image | None = None
        times = min(width // size_wh[0], height // size_wh[1])
        if kernel is Kernel.HALVED and times >= 2:
            self._halve(source, step=times // 2)

    def _halve(self, source: Rectangle, step: int) -> None:
        x, y, width, height = source
        halves_w, halves_h = width // 2, height // (2 * step)
        left = x + (width - 2 * halves_w) // 2
        top = y + (height - 2 * step * halves_h) // 2 + (step - 1) // 2
        last = top + step * (2 * halves_h - 1)
        self._part = (slice(top, last + 1, step), slice(left, left + 2 * halves_w))
        self._halves = np.empty((halves_h, halves_w, 3), np.uint8)

    def __call__(self, image_bgr: Image, out: Image | None = None) -> Image:
        """Return the rectangle of a picture, (height, width, 3), in ``out`` where that is given."""
        part: Any = image_bgr[self._part]
        # By position, the scales as 0 for "from the size": names cost a microsecond each in a cold cache.
        if self._halves is not None:
            # At exactly a half, OpenCV's area is (a + b + c + d + 2) >> 2 on every CPU.
            height, width = self._halves.shape[:2]
            part = cv2.resize(part, (width, height), self._halves, 0, 0, cv2.INTER_AREA)
        return np.asarray(cv2.resize(part, self._size_wh, out, 0, 0, self._interpolation), np.uint8)
