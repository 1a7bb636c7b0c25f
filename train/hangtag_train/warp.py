"""Where each pixel of the input comes from: one drawn geometry, one resampling of the source picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from hangtag.preprocess import Image

Rectangle = tuple[int, int, int, int]
"""x, y, width and height in pixels."""

_LARGEST_STEP = 2.0
"""Source pixels a step of the output may skip before the source is shrunk first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Warp:
    """One drawn geometry; the defaults are the identity.

    Args:
        mirrored: left and right exchanged.
        scale: above 1 sees more than the contract's rectangle, below 1 less.
        aspect: width against height.
        shift_xy: move of the centre, as shares of the rectangle's sides.
        rotation_rad: tilt.
        keystone_xy: perspective: how much nearer the right (lower) edge is than the left (upper), as a share
            of the distance.
    """

    mirrored: bool = False
    scale: float = 1.0
    aspect: float = 1.0
    shift_xy: tuple[float, float] = (0.0, 0.0)
    rotation_rad: float = 0.0
    keystone_xy: tuple[float, float] = (0.0, 0.0)

    def matrix(self, source: Rectangle, size_wh: tuple[int, int]) -> npt.NDArray[np.float64]:
        """Return the 3 x 3 matrix from input pixels to source pixels (both counted at pixel centres).

        The identity gives the half-pixel-centred grid that ``cv2.resize`` samples.
        """
        x, y, width, height = source
        out_w, out_h = size_wh
        step_x = width * self.scale * math.sqrt(self.aspect) / out_w * (-1 if self.mirrored else 1)
        step_y = height * self.scale / math.sqrt(self.aspect) / out_h
        cos, sin = math.cos(self.rotation_rad), math.sin(self.rotation_rad)
        to_middle = np.array([[1, 0, -(out_w - 1) / 2], [0, 1, -(out_h - 1) / 2], [0, 0, 1]])
        tilted = np.eye(3)
        tilted[2, :2] = self.keystone_xy[0] / out_w, self.keystone_xy[1] / out_h
        linear = np.eye(3)
        linear[:2, :2] = np.array([[cos, -sin], [sin, cos]]) @ np.diag([step_x, step_y])
        linear[:2, 2] = (
            x + width * (0.5 + self.shift_xy[0]) - 0.5,
            y + height * (0.5 + self.shift_xy[1]) - 0.5,
        )
        matrix: npt.NDArray[np.float64] = linear @ tilted @ to_middle
        return matrix

    def apply(
        self, image_bgr: Image, source: Rectangle, size_wh: tuple[int, int], background: Image | None
    ) -> Image:
        """Return the BGR picture (height, width, 3) that this geometry sees of ``source`` in a BGR picture.

        Where it sees past the picture's edge there is ``background`` (uint8, the output's shape), or, with
        None, the picture mirrored. A picture that would be sampled coarsely is shrunk first, by averaging, so
        that a garment far away is small and not torn into single pixels.
        """
        image, shrunk = image_bgr, 1.0
        step = max(source[2] / size_wh[0], source[3] / size_wh[1]) * self.scale
        if step > _LARGEST_STEP:
            image = _shrunk(image_bgr, _LARGEST_STEP / step)
            shrunk = image.shape[1] / image_bgr.shape[1]
        matrix = _scaling(shrunk) @ self.matrix(source, size_wh)
        view = cv2.warpPerspective(
            image,
            matrix,
            size_wh,
            dst=None if background is None else background.copy(),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT_101 if background is None else cv2.BORDER_TRANSPARENT,
        )
        return np.asarray(view, np.uint8)


def _shrunk(image: Image, factor: float) -> Image:
    size = (max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _scaling(factor: float) -> npt.NDArray[np.float64]:
    """Source pixels to pixels of the source shrunk by ``factor``, both counted at pixel centres."""
    offset = 0.5 * factor - 0.5
    return np.array([[factor, 0, offset], [0, factor, offset], [0, 0, 1]])
