"""What light, lens, sensor and codec do to a picture of the model's size."""

from __future__ import annotations

import math

import cv2
import numpy as np

from hangtag.preprocess import Image

_MIDDLE_GREY = 110.0
"""About the mean grey of a photo, so that contrast alone keeps its brightness."""


def relit(image_bgr: Image, gains_bgr: tuple[float, float, float], contrast: float) -> Image:
    """Return a BGR picture with each channel multiplied and the contrast around a middle grey changed."""
    if contrast == 1.0 and gains_bgr == (1.0, 1.0, 1.0):
        return image_bgr
    levels = np.arange(256, dtype=np.float64)[:, None] * np.array(gains_bgr)
    # The pivot moves with the exposure: what was middle grey stays where the light put it.
    pivot = _MIDDLE_GREY * min(1.0, float(np.mean(gains_bgr)))
    table = np.clip((levels - pivot) * contrast + pivot, 0, 255)
    return np.asarray(cv2.LUT(image_bgr, np.rint(table).astype(np.uint8)[None]), np.uint8)


def defocused(image_bgr: Image, sigma_px: float) -> Image:
    """Return a BGR picture under a Gaussian blur."""
    return np.asarray(cv2.GaussianBlur(image_bgr, (0, 0), max(sigma_px, 0.1)), np.uint8)


def smeared(image_bgr: Image, length_px: float, angle_rad: float) -> Image:
    """Return a BGR picture averaged along a line, as a moving camera sees it."""
    size = 2 * math.ceil(length_px / 2) + 1
    kernel = np.zeros((size, size), np.float32)
    middle = size // 2
    reach = np.array([math.cos(angle_rad), math.sin(angle_rad)]) * length_px / 2
    # Sixteenths of a pixel, so that short smears have their true length and angle.
    ends = [tuple(round(16 * (middle + sign * part)) for part in reach) for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_AA, shift=4)
    kernel[middle, middle] = max(kernel[middle, middle], 1e-3)
    return np.asarray(cv2.filter2D(image_bgr, -1, kernel / kernel.sum()), np.uint8)


def grainy(image_bgr: Image, sigma: float, rng: np.random.Generator) -> Image:
    """Return a BGR picture with Gaussian noise, ``sigma`` in grey levels."""
    grain = rng.standard_normal(image_bgr.shape, np.float32) * np.float32(sigma)
    noisy: Image = np.clip(np.rint(image_bgr + grain), 0, 255).astype(np.uint8)
    return noisy


def compressed(image_bgr: Image, quality: int) -> Image:
    """Return a BGR picture after JPEG at ``quality`` (0 to 100)."""
    _, data = cv2.imencode(".jpg", image_bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def covered(image_bgr: Image, share: float, rng: np.random.Generator) -> Image:
    """Return a BGR picture with ``share`` of its area under a patch of one colour or of noise."""
    height, width = image_bgr.shape[:2]
    aspect = math.exp(rng.uniform(-1, 1))
    patch_w = min(width, max(1, round(width * math.sqrt(share * aspect))))
    patch_h = min(height, max(1, round(height * math.sqrt(share / aspect))))
    x, y = int(rng.integers(width - patch_w + 1)), int(rng.integers(height - patch_h + 1))
    image: Image = image_bgr.copy()
    patch = rng.integers(0, 256, (patch_h, patch_w, 3) if rng.random() < 0.3 else 3)
    image[y : y + patch_h, x : x + patch_w] = patch
    return image
