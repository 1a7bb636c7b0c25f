"""Batches in which photos are blended with one another: mixup and cutmix."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]


def mix(
    tensors: FloatArray, targets: FloatArray, *, mixup: float, cutmix: float, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Return a batch whose photos and targets are each blended with those of another photo of the batch.

    Args:
        tensors: (n, height, width, channels).
        targets: (n, labels), rows adding up to 1.
        mixup: parameter of the symmetric Beta distribution of the share (Zhang et al. 2018); 0 is off.
        cutmix: the same for a pasted rectangle (Yun et al. 2019); 0 is off.
        rng: draws everything.
    """
    ways = [(alpha, way) for alpha, way in ((mixup, _blended), (cutmix, _pasted)) if alpha > 0]
    if not ways or len(tensors) < 2:
        return tensors, targets
    alpha, way = ways[int(rng.integers(len(ways)))]
    partner = rng.permutation(len(tensors))
    mixed, share = way(tensors, tensors[partner], float(rng.beta(alpha, alpha)), rng)
    kept = np.float32(share)
    return mixed, kept * targets + (1 - kept) * targets[partner]


def _blended(
    own: FloatArray, other: FloatArray, share: float, rng: np.random.Generator
) -> tuple[FloatArray, float]:
    del rng
    return np.float32(share) * own + np.float32(1 - share) * other, share


def _pasted(
    own: FloatArray, other: FloatArray, share: float, rng: np.random.Generator
) -> tuple[FloatArray, float]:
    """Paste one rectangle of the other photos; the share that is left is counted in whole pixels."""
    height, width = own.shape[1:3]
    side = math.sqrt(1 - share)
    middle_y, middle_x = int(rng.integers(height)), int(rng.integers(width))
    half_h, half_w = round(height * side / 2), round(width * side / 2)
    top, bottom = max(0, middle_y - half_h), min(height, middle_y + half_h)
    left, right = max(0, middle_x - half_w), min(width, middle_x + half_w)
    mixed = own.copy()
    mixed[:, top:bottom, left:right] = other[:, top:bottom, left:right]
    return mixed, 1 - (bottom - top) * (right - left) / (height * width)
