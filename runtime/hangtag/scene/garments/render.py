"""From a list of parts to a picture with a matte."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from hangtag.preprocess import Image
from hangtag.scene.board import Board, Light
from hangtag.scene.noise import TABLE_PX, Field, noise_table, random_offset, sampled
from hangtag.scene.parts import Part

Matte = npt.NDArray[np.uint8]
"""How opaque each pixel is: uint8, shape (height, width), 0 to 255."""

_MARGIN = 0.04  # garment units around the parts, for the sway of the cloth


def render(
    parts: Sequence[Part],
    rng: np.random.Generator,
    light: Light,
    box_wh: tuple[float, float],
    sway: float,
) -> tuple[Image, Matte]:
    """Return the picture of a garment and its matte.

    Args:
        parts: what it is made of, in the order in which it is laid.
        rng: where its folds come from.
        light: what shades it.
        box_wh: width and height in pixels; the garment fills one of them and keeps within the other.
        sway: how far from its cut it lies, 0 to 1; shoes keep their shape.
    """
    bounds = np.vstack([part.bounds() for part in parts])
    low, high = bounds.min(axis=0) - _MARGIN, bounds.max(axis=0) + _MARGIN
    inner = high - low - 2 * _MARGIN
    scale = min(box_wh[0] / inner[0], box_wh[1] / inner[1])
    board = Board(low, high, scale, light)
    for part in parts:
        part.lay(board, rng)
    colour, matte = _swayed(*board.lit(), rng, scale * sway, scale)
    # The board's light is linear; a picture's values are about its square root.
    picture = (np.sqrt(np.clip(colour, 0, 1)) * np.float32(255)).astype(np.uint8)
    return _fitted(*_cropped(picture, (matte * np.float32(255)).astype(np.uint8)), box_wh)


def _swayed(
    colour: npt.NDArray[np.float32], matte: Field, rng: np.random.Generator, reach: float, scale: float
) -> tuple[npt.NDArray[np.float32], Field]:
    """Return both warped smoothly by a hundredth or so: cloth never lies as it was cut."""
    height, width = matte.shape
    y, x = np.indices((height, width), np.float32)
    x += np.float32(0.006 * reach) * _wave(matte.shape, rng, scale)
    y += np.float32(0.005 * reach) * _wave(matte.shape, rng, scale)
    warped = cv2.remap(colour, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    warped_matte = cv2.remap(matte, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return warped.astype(np.float32), warped_matte.astype(np.float32)


def _wave(shape: tuple[int, ...], rng: np.random.Generator, scale: float) -> Field:
    """Return a slow wave and a weaker, quicker one, about -1 to 1."""
    step = 0.8 * TABLE_PX / scale
    slow, quick = (
        sampled(noise_table(wavelength, 0.4, 1.0, 40), shape, step, 0, random_offset(rng))
        for wavelength in (150.0, 70.0)
    )
    wave: Field = slow + np.float32(0.22) * quick
    return wave


def _cropped(picture: Image, matte: Matte) -> tuple[Image, Matte]:
    """Return both cut to where the matte is not empty."""
    rows = np.flatnonzero(matte.max(axis=1) > 8)
    columns = np.flatnonzero(matte.max(axis=0) > 8)
    where = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    return np.ascontiguousarray(picture[where]), np.ascontiguousarray(matte[where])


def _fitted(picture: Image, matte: Matte, box_wh: tuple[float, float]) -> tuple[Image, Matte]:
    """Return both at exactly the size that fits the box: the sway has changed it a little."""
    height, width = matte.shape
    scale = min(box_wh[0] / width, box_wh[1] / height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    kernel = cv2.INTER_LINEAR_EXACT
    resized = (cv2.resize(plane, size, interpolation=kernel).astype(np.uint8) for plane in (picture, matte))
    return next(resized), next(resized)
