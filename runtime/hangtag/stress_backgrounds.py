"""What stands around a garment in a stressed picture: rendered, for measuring alone.

Nothing here may be used to train: a model that has met these backgrounds would be measured on what it
learned. The simulated camera and augmentation have generators of their own.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from hangtag.preprocess import Image

_Field = npt.NDArray[np.float32]

_WALLS = (
    (214, 222, 226),
    (232, 232, 230),
    (196, 208, 202),
    (188, 196, 214),
    (170, 176, 180),
    (214, 206, 196),
)
_WOODS = ((92, 132, 176), (60, 92, 136), (128, 164, 198), (44, 62, 92), (150, 170, 184))
_CLOTHS = ((190, 184, 176), (128, 84, 58), (84, 96, 150), (112, 140, 108), (72, 70, 74), (206, 214, 222))
"""BGR colours, 0 to 255, that walls, wood and cloth are painted in."""


def draw_background(rng: np.random.Generator, size_wh: tuple[int, int]) -> Image:
    """Return one of the kinds of background, by chance: uint8, shape (height, width, 3), BGR.

    A shaded wall, creased cloth, wood grain, a chequered floor or a room out of focus, equally often, with
    light that falls off across the picture.
    """
    painter = _PAINTERS[int(rng.integers(len(_PAINTERS)))]
    picture = painter(rng, size_wh) * _falloff(rng, size_wh)[..., None]
    return np.asarray(np.clip(np.rint(picture), 0, 255), np.uint8)


def _wall(rng: np.random.Generator, size_wh: tuple[int, int]) -> _Field:
    """Return plaster: one colour, faint stains and a fine roughness."""
    rough = _smooth_noise(rng, size_wh, 3.0) * 0.012 + _smooth_noise(rng, size_wh, 160.0) * 0.03
    return _tinted(_one_of(rng, _WALLS), 1 + rough)


def _cloth(rng: np.random.Generator, size_wh: tuple[int, int]) -> _Field:
    """Return a hung or laid cloth: broad folds along one direction, a weave across it."""
    along = _turned_ramp(rng, size_wh) + 14 * _smooth_noise(rng, size_wh, 120.0)
    folds = np.sin(along / rng.uniform(9, 26)) + 0.5 * np.sin(along / rng.uniform(5, 8) + 1.3)
    weave = _smooth_noise(rng, size_wh, 2.0)
    return _tinted(_one_of(rng, _CLOTHS), 1 + 0.09 * folds + 0.03 * weave)


def _wood(rng: np.random.Generator, size_wh: tuple[int, int]) -> _Field:
    """Return grain: uneven stripes along planks, with a dark seam between two of them."""
    across = _turned_ramp(rng, size_wh, right_angled=True)
    stripes = np.sin((across + 7 * _smooth_noise(rng, size_wh, 90.0)) / rng.uniform(1.6, 4.0))
    pores = _smooth_noise(rng, size_wh, 2.5)
    plank = rng.uniform(55, 130)
    seam = np.exp(-np.square((across % plank - plank / 2) / 1.3))
    return _tinted(_one_of(rng, _WOODS), 1 + 0.06 * stripes + 0.03 * pores - 0.5 * seam)


def _checker(rng: np.random.Generator, size_wh: tuple[int, int]) -> _Field:
    """Return square flags in two tones of one colour, turned a little."""
    width, height = size_wh
    turn = rng.uniform(-0.5, 0.5)
    rows, columns = np.indices((height, width), np.float32)
    first = columns * np.cos(turn) + rows * np.sin(turn)
    second = rows * np.cos(turn) - columns * np.sin(turn)
    side = rng.uniform(28, 80)
    # A steep sine product in place of a step: its edges are as soft as a lens makes them.
    pattern = np.tanh(12 * np.sin(np.pi * first / side) * np.sin(np.pi * second / side))
    contrast = rng.uniform(0.06, 0.3)
    return _tinted(_one_of(rng, _WALLS), 0.85 + contrast * pattern.astype(np.float32))


def _clutter(rng: np.random.Generator, size_wh: tuple[int, int]) -> _Field:
    """Return a room out of focus: boxes, poles and lamps of many colours behind a strong blur."""
    width, height = size_wh
    picture = _tinted(_one_of(rng, _WALLS), np.full((height, width), 0.9, np.float32))
    for _ in range(int(rng.integers(14, 30))):
        # Rooms are greyer than random numbers: most of a colour is its brightness.
        colour = tuple(float(value) for value in rng.uniform(40, 215) + rng.uniform(-35, 35, 3))
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        reach = (int(rng.integers(8, width // 5)), int(rng.integers(8, height // 3)))
        if rng.random() < 0.7:
            low = (centre[0] - reach[0], centre[1] - reach[1])
            cv2.rectangle(picture, low, (centre[0] + reach[0], centre[1] + reach[1]), colour, -1)
        else:
            cv2.ellipse(picture, centre, reach, float(rng.uniform(0, 180)), 0, 360, colour, -1)
    return _f32(cv2.GaussianBlur(picture, (0, 0), rng.uniform(6, 14)))


_PAINTERS: tuple[Callable[[np.random.Generator, tuple[int, int]], _Field], ...] = (
    _wall,
    _cloth,
    _wood,
    _checker,
    _clutter,
)


def _falloff(rng: np.random.Generator, size_wh: tuple[int, int]) -> _Field:
    """Return light that is stronger on one side: a ramp of up to a fifth around 1, shape (height, width)."""
    ramp = _turned_ramp(rng, size_wh)
    ramp = (ramp - ramp.min()) / max(float(np.ptp(ramp)), 1.0) - 0.5
    return _f32(1 + rng.uniform(0.05, 0.4) * ramp)


def _turned_ramp(rng: np.random.Generator, size_wh: tuple[int, int], *, right_angled: bool = False) -> _Field:
    """Return each pixel's distance in px along a random direction (or nearly along x or y)."""
    rows, columns = np.indices((size_wh[1], size_wh[0]), np.float32)
    turn = np.pi / 2 * rng.integers(4) + rng.normal(0, 0.05) if right_angled else rng.uniform(0, 2 * np.pi)
    return _f32(columns * np.cos(turn) + rows * np.sin(turn) + rng.uniform(0, 500))


def _smooth_noise(rng: np.random.Generator, size_wh: tuple[int, int], grain_px: float) -> _Field:
    """Return noise of standard deviation about 1 whose blotches are about ``grain_px`` wide."""
    width, height = (max(2, round(side / grain_px)) for side in size_wh)
    coarse = rng.standard_normal((height, width)).astype(np.float32)
    return _f32(cv2.resize(coarse, size_wh, interpolation=cv2.INTER_CUBIC))


def _tinted(colour_bgr: tuple[int, int, int], level: npt.NDArray[np.floating]) -> _Field:
    """Return one colour times a level around 1: shape (height, width, 3)."""
    return _f32(level[..., None] * np.array(colour_bgr, np.float32))


def _one_of(rng: np.random.Generator, colours_bgr: tuple[tuple[int, int, int], ...]) -> tuple[int, int, int]:
    return colours_bgr[int(rng.integers(len(colours_bgr)))]


def _f32(values: object) -> _Field:
    return np.asarray(values, np.float32)
