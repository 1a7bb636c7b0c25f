"""Shoes, always a pair: side by side from above, or in profile, one behind the other."""

from __future__ import annotations

import numpy as np

from hangtag.scene.garments.shoes_above import flat, loafer, sneaker_above
from hangtag.scene.garments.shoes_kit import Maker, Place
from hangtag.scene.garments.shoes_side import boot, pump, sneaker_side
from hangtag.scene.parts import Part
from hangtag.scene.shapes import moved

_ABOVE = (sneaker_above, sneaker_above, flat, loafer)
_SIDE = (sneaker_side, sneaker_side, boot, pump)


def shoes(rng: np.random.Generator) -> list[Part]:
    """Return a pair of sneakers, flats, loafers, boots or pumps."""
    if rng.random() < 0.5:
        return _side_by_side(rng, _ABOVE[int(rng.integers(len(_ABOVE)))](rng))
    return _in_profile(rng, _SIDE[int(rng.integers(len(_SIDE)))](rng))


def _side_by_side(rng: np.random.Generator, maker: Maker) -> list[Part]:
    up = 1.0 if rng.random() < 0.3 else -1.0
    gap, spread_deg = rng.uniform(0.20, 0.235), rng.uniform(2, 9)
    parts: list[Part] = []
    for side in (-1.0, 1.0):
        turn_deg = (side * spread_deg + rng.normal(0, 2)) * up
        parts += maker(_placed(side * gap, rng.normal(0, 0.012), turn_deg, flip=(side, up)))
    return parts


def _in_profile(rng: np.random.Generator, maker: Maker) -> list[Part]:
    way = 1.0 if rng.random() < 0.5 else -1.0
    turn_deg = rng.normal(0, 4)
    x, y = rng.uniform(0.03, 0.12) * way, -rng.uniform(0.19, 0.24)
    far = _placed(x, y, turn_deg + rng.normal(0, 5), flip=(way, 1.0))
    return [*maker(far), *maker(_placed(0, 0, turn_deg, flip=(way, 1.0)))]


def _placed(x: float, y: float, turn_deg: float, flip: tuple[float, float]) -> Place:
    return lambda points: moved(np.asarray(points, np.float64) * np.array(flip), x, y, turn_deg)
