"""The camera's part in a picture: exposure, colour temperature, shading towards the corners, blur, noise."""

from __future__ import annotations

import cv2
import numpy as np

from hangtag.preprocess import Image
from hangtag.scene.noise import Drift

_TILE_PX = 256


class Camera:
    """Makes photographs of what is in front of the lens; mild and indoors, by smooth functions of time."""

    def __init__(self, seed: int, size_wh: tuple[int, int]) -> None:
        """Draw the drifts and the noise that this camera will have."""
        rng = np.random.default_rng([seed, 1])
        self._seed = seed
        self._shading = _vignette(size_wh, float(rng.uniform(0.10, 0.22)))
        self._noise = _noise_plane(rng, size_wh, float(rng.uniform(1.4, 2.8)))
        self._exposure, self._warmth, self._tint = (Drift(rng, period) for period in (7.0, 11.0, 17.0))
        self._focus, self._shake_x, self._shake_y = (Drift(rng, period) for period in (3.1, 2.3, 1.9))
        self._unit = min(size_wh) / 480

    def sway_px(self, time_s: float) -> tuple[float, float]:
        """Return how far the hand that holds the camera has moved the picture, in pixels."""
        reach = 3.0 * self._unit
        return reach * self._shake_x(time_s), reach * self._shake_y(time_s)

    def photograph(self, scene_bgr: Image, number: int, time_s: float) -> Image:
        """Return the scene as this camera records it."""
        image = cv2.multiply(scene_bgr, self._shading, scale=1 / 255)
        blur = max(0.0, self._focus(time_s) - 0.8) * 2.4 * self._unit
        if blur > 0.25:
            image = cv2.GaussianBlur(image, (0, 0), blur)
        image = cv2.LUT(image, self._response(time_s))
        return self._noisy(image, number)  # type: ignore[arg-type]

    def _response(self, time_s: float) -> Image:
        """Return the table from light to pixel of each channel."""
        exposure = 1.03 + 0.10 * self._exposure(time_s)
        warmth, tint = 0.045 * self._warmth(time_s), 0.008 * self._tint(time_s)
        gains = exposure * np.array([1 - warmth, 1 + tint, 1 + warmth])
        light = np.arange(256)[:, None] / 255 * gains
        # Highlights roll off instead of clipping, as phones' tone curves do.
        curve = np.where(light < 0.8, light, 0.8 + 0.2 * np.tanh((light - 0.8) / 0.2))
        table: Image = np.rint(curve * 255)[None].astype(np.uint8)
        return table

    def _noisy(self, image: Image, number: int) -> Image:
        x, y = np.random.default_rng([self._seed, 2, number]).integers(0, _TILE_PX, 2)
        height, width = image.shape[:2]
        grain = self._noise[:, y : y + height, x : x + width]
        # Two unsigned planes: saturating byte arithmetic is several times as fast as signed.
        return cv2.subtract(cv2.add(image, grain[0]), grain[1])  # type: ignore[return-value]


def _vignette(size_wh: tuple[int, int], strength: float) -> Image:
    width, height = size_wh
    x = (np.arange(width, dtype=np.float32) - width / 2) / (width / 2)
    y = (np.arange(height, dtype=np.float32) - height / 2) / (height / 2)
    radius = (x[None, :] ** 2 + y[:, None] ** 2) / 2
    shade = np.rint(255 * (1 - np.float32(strength) * radius)).astype(np.uint8)
    return np.repeat(shade[..., None], 3, axis=2)


def _noise_plane(rng: np.random.Generator, size_wh: tuple[int, int], sigma: float) -> Image:
    """Return what noise adds and what it takes away: uint8, shape (2, height + tile, width + tile, 3)."""
    shared = rng.normal(0, 0.8 * sigma, (_TILE_PX, _TILE_PX, 1))
    grain = np.rint(shared + rng.normal(0, 0.6 * sigma, (_TILE_PX, _TILE_PX, 3)))
    both = np.stack([np.maximum(grain, 0), np.maximum(-grain, 0)]).astype(np.uint8)
    repeats = (1, -(-size_wh[1] // _TILE_PX) + 1, -(-size_wh[0] // _TILE_PX) + 1, 1)
    return np.tile(both, repeats)
