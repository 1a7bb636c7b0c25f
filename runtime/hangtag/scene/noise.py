"""Noise: tileable tables for cloth and floors, made once, and smooth functions of time for the camera.

The tables never change; what varies from garment to garment is the place, turn and stretch at which they are
sampled. That keeps the set-up of a visit cheap.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]
"""A scalar picture: float32, shape (height, width)."""

TABLE_PX = 512


@lru_cache(maxsize=48)
def noise_table(wavelength_px: float, spread: float = 0.5, stretch: float = 1.0, variant: int = 0) -> Field:
    """Return tileable noise, mean 0 and standard deviation 1, shape (TABLE_PX, TABLE_PX); do not write to it.

    Args:
        wavelength_px: the dominant distance from crest to crest.
        spread: width of the band of wavelengths, as a share of the dominant frequency.
        stretch: how much longer features are along y than along x.
        variant: another table with the same statistics.
    """
    rng = np.random.default_rng([round(16 * wavelength_px), variant])
    white = rng.standard_normal((TABLE_PX, TABLE_PX))
    frequency_y = np.fft.fftfreq(TABLE_PX)[:, None] * stretch
    frequency_x = np.fft.rfftfreq(TABLE_PX)[None, :]
    frequency = np.hypot(frequency_x, frequency_y) * wavelength_px
    band = np.exp(-0.5 * ((frequency - 1) / spread) ** 2)
    band[0, 0] = 0
    field = np.fft.irfft2(np.fft.rfft2(white) * band, s=white.shape)
    table: Field = (field / field.std()).astype(np.float32)
    return table


@lru_cache(maxsize=4)
def wrinkle_table(variant: int = 0) -> Field:
    """Return tileable wrinkles along y: sharp crests, wide valleys, in places; heights about 0 to 1."""
    make = noise_table.__wrapped__  # what these are made from is not needed again
    total = np.zeros((TABLE_PX, TABLE_PX), np.float32)
    for octave, (wavelength, height) in enumerate(((170.0, 1.0), (90.0, 0.55), (48.0, 0.28))):
        wave = make(wavelength, 0.45, 1.9, 10 * variant + octave)
        # The zero line of smooth noise wanders like a crease; its neighbourhood becomes the crest.
        crest = np.exp(-np.sqrt(wave * wave + 0.02) * 2.2)
        presence = np.clip(make(220.0, 0.6, 1.0, 10 * variant + octave + 5) * 0.5 + 0.45, 0, 1)
        total += np.float32(height) * crest * presence
    margin = 16
    wrapped = np.pad(total, margin, mode="wrap")
    soft = cv2.GaussianBlur(wrapped, (0, 0), 1.5)[margin:-margin, margin:-margin]
    return soft.astype(np.float32)


def sampled(
    table: npt.NDArray[np.float32] | npt.NDArray[np.uint8],
    shape: tuple[int, ...],
    table_px_per_px: float | tuple[float, float],
    turn_deg: float,
    offset_px: tuple[float, float],
) -> npt.NDArray[np.float32]:
    """Return a piece of a tileable table, of the given (height, width), turned, scaled, shifted: float32.

    Args:
        table: any tileable picture.
        shape: height and width of the result.
        table_px_per_px: how many table pixels one result pixel advances; one number, or one across and one
            along the grain.
        turn_deg: clockwise turn of the table's vertical in the result.
        offset_px: table position that lands in the result's top left corner.
    """
    across, along = np.broadcast_to(table_px_per_px, 2)
    angle = np.deg2rad(turn_deg)
    cos, sin = np.cos(angle), np.sin(angle)
    x, y = offset_px
    matrix = np.array([[cos * across, sin * across, x], [-sin * along, cos * along, y]], np.float64)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    piece = cv2.warpAffine(table, matrix, (shape[1], shape[0]), flags=flags, borderMode=cv2.BORDER_WRAP)
    return piece.astype(np.float32, copy=False)


def random_offset(rng: np.random.Generator) -> tuple[float, float]:
    """Return a random position in a noise table, in pixels."""
    x, y = rng.uniform(0, TABLE_PX, 2)
    return float(x), float(y)


class Drift:
    """A smooth random function of time with mean 0 and values mostly within -1 to 1."""

    def __init__(self, rng: np.random.Generator, period_s: float) -> None:
        """Make one whose typical wave lasts ``period_s``."""
        self._rates = 2 * np.pi / (period_s * rng.uniform([0.6, 0.9, 1.5], [0.9, 1.5, 2.6]))
        self._phases = rng.uniform(0, 2 * np.pi, 3)

    def __call__(self, time_s: float) -> float:
        """Return the value at a time."""
        return float(np.sin(self._rates * time_s + self._phases).sum()) / 2
