"""The board that a garment is laid out on: colour, relief, shine and matte, lit in one go at the end.

Parts of a garment (``parts``) paint into these four planes; ``lit`` turns them into a picture. Seams, folds,
buttons and cuffs are all relief, so one light shades them together.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from hangtag.scene.noise import Field
from hangtag.scene.shapes import Points

_SHIFT = 4  # fractional bits of cv2's drawing coordinates


@dataclass(frozen=True, slots=True)
class Light:
    """Where the light comes from.

    Attributes:
        from_deg: direction in the picture, 0 from the right, 90 from the bottom, 225 from the top left.
        slope: how much a slope towards the light brightens it; 0.5 is an overcast room, 1.2 a bare lamp.
    """

    from_deg: float = 235.0
    slope: float = 0.8

    @property
    def towards(self) -> tuple[float, float]:
        """The direction towards the light in the picture: x to the right, y down, length 1."""
        angle = np.deg2rad(self.from_deg)
        return float(np.cos(angle)), float(np.sin(angle))


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of the board and how much of each of its pixels a shape covers (float32, 0 to 1)."""

    where: tuple[slice, slice]
    cover: Field


class Board:
    """Four planes of the same size; ``scale`` pixels are one garment unit."""

    def __init__(self, low: Points, high: Points, scale: float, light: Light) -> None:
        """Make an empty board for garment units from the corner ``low`` to the corner ``high``."""
        width, height = (int(np.ceil(side * scale)) + 1 for side in high - low)
        self.scale = scale
        self.light = light
        self._low = low
        self.shape = (height, width)
        self.colour = np.zeros((height, width, 3), np.float32)  # linear light, premultiplied by the matte
        self.relief = np.zeros((height, width), np.float32)  # garment units above the floor
        self.gloss = np.zeros((height, width), np.float32)
        self.matte = np.zeros((height, width), np.float32)

    def area(self, outline: Points, margin: float = 0.0) -> Area:
        """Return the pixels inside a closed outline, with ``margin`` garment units around them."""
        where, offset = self._window(outline, margin)
        cover = np.zeros(_size(where), np.uint8)
        cv2.fillPoly(cover, [self._fixed_point(outline, offset)], 255, cv2.LINE_AA, _SHIFT)
        return Area(where, _unit(cover))

    def line(self, paths: list[Points], width: float, soft: float = 0.0) -> Area:
        """Return the pixels of open paths drawn ``width`` units wide, blurred by ``soft`` units."""
        where, offset = self._window(np.vstack(paths), width + 3 * soft)
        cover = np.zeros(_size(where), np.uint8)
        width_px = width * self.scale
        points = [self._fixed_point(path, offset) for path in paths]
        cv2.polylines(cover, points, False, 255, max(1, round(width_px)), cv2.LINE_AA, _SHIFT)
        drawn = _unit(cover) * np.float32(min(1.0, max(width_px, 0.35)))
        return Area(where, self.softened(drawn, soft))

    def softened(self, field: Field, units: float) -> Field:
        """Return a field blurred by some garment units."""
        sigma = units * self.scale
        if sigma < 0.3:
            return field
        return cv2.GaussianBlur(field, (0, 0), sigma)  # type: ignore[return-value]

    def cast_shadow(self, area: Area, reach: float, strength: float) -> None:
        """Darken what lies beneath and around a shape that is about to be laid onto the board."""
        soft = self.softened(area.cover, reach)
        x, y = (-0.7 * reach * self.scale * towards for towards in self.light.towards)
        matrix = np.array([[1, 0, x], [0, 1, y]], np.float64)
        moved = cv2.warpAffine(soft, matrix, soft.shape[::-1])
        self.colour[area.where] *= (1 - np.float32(strength) * moved)[..., None]

    def cover(self, area: Area, colour: npt.NDArray[np.float32], gloss: float) -> None:
        """Lay a colour (linear, one pixel or a picture of the area's size) over the board."""
        share = area.cover[..., None]
        self.colour[area.where] += (colour - self.colour[area.where]) * share
        self.gloss[area.where] += (np.float32(gloss) - self.gloss[area.where]) * area.cover
        matte = self.matte[area.where]
        matte += (1 - matte) * area.cover

    def tint(self, area: Area, colour: npt.NDArray[np.float32]) -> None:
        """Colour what is already there (linear): the matte stays as it is."""
        share = area.cover[..., None] * self.matte[area.where][..., None]
        self.colour[area.where] += (
            colour * self.matte[area.where][..., None] - self.colour[area.where]
        ) * share

    def lit(self) -> tuple[npt.NDArray[np.float32], Field]:
        """Return the lit colours (linear, not premultiplied, float32 (h, w, 3)) and the matte (0 to 1)."""
        shade, shine = self._shading()
        colour = self.colour * (shade / np.maximum(self.matte, np.float32(1e-3)))[..., None]
        # Dark cloth would lose its folds: its surface scatters a little light of its own.
        colour += (np.float32(0.022) * np.maximum(shade - 0.55, 0) + 0.6 * self.gloss * shine)[..., None]
        return colour.astype(np.float32, copy=False), self.matte

    def _shading(self) -> tuple[Field, Field]:
        """Return the diffuse factor (about 0.4 to 1.6) and the highlights (0 to 1)."""
        slope_x = cv2.Sobel(self.relief, cv2.CV_32F, 1, 0, ksize=3, scale=self.scale / 8)
        slope_y = cv2.Sobel(self.relief, cv2.CV_32F, 0, 1, ksize=3, scale=self.scale / 8)
        x, y = self.light.towards
        facing = -(slope_x * np.float32(x) + slope_y * np.float32(y))
        steep = 1 / np.sqrt(1 + 0.8 * (slope_x * slope_x + slope_y * slope_y))
        hollow = self.softened(self.relief, 0.03) - self.relief
        occlusion = 1 - np.clip(hollow * 14, -0.12, 0.4)
        shade = (
            np.clip(1 + np.float32(self.light.slope) * facing, 0.35, 1.75) * (0.35 + 0.65 * steep) * occlusion
        )
        tilt = (slope_x + np.float32(0.30 * x)) ** 2 + (slope_y + np.float32(0.30 * y)) ** 2
        return shade, np.exp(-tilt * 22)

    def _window(self, points: Points, margin: float) -> tuple[tuple[slice, slice], Points]:
        low = (points.min(axis=0) - margin - self._low) * self.scale - 2
        high = (points.max(axis=0) + margin - self._low) * self.scale + 3
        left, top = (max(0, int(value)) for value in low)
        right, bottom = (int(np.ceil(value)) for value in high)
        right = max(left + 1, min(self.shape[1], right))
        bottom = max(top + 1, min(self.shape[0], bottom))
        return (slice(top, bottom), slice(left, right)), np.array([left, top], np.float64)

    def _fixed_point(self, points: Points, offset: Points) -> npt.NDArray[np.int32]:
        pixels = (points - self._low) * self.scale - offset
        return np.rint(pixels * (1 << _SHIFT)).astype(np.int32)


def _size(where: tuple[slice, slice]) -> tuple[int, int]:
    return where[0].stop - where[0].start, where[1].stop - where[1].start


def _unit(cover: npt.NDArray[np.uint8]) -> Field:
    unit: Field = cover.astype(np.float32) * np.float32(1 / 255)
    return unit
