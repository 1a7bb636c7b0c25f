"""Pictures with nothing in them, made from a seed: noise, plain colours, gradients, stripes."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

_SIDE_PX = 480
_COLOURS_BGR = {
    "black": (0, 0, 0),
    "grey": (128, 128, 128),
    "white": (255, 255, 255),
    "red": (40, 40, 200),
    "green": (60, 160, 60),
    "blue": (190, 90, 40),
    "beige": (190, 215, 230),
    "navy": (80, 40, 20),
}
_GRAINS_PX = (1, 4, 16, 64)
_PERIODS_PX = (6, 24, 96)


def surfaces() -> Iterator[tuple[str, bytes]]:
    """Yield name and PNG of each surface: always the same ones."""
    rng = np.random.default_rng(0)
    for name, colour in _COLOURS_BGR.items():
        plain = np.full((_SIDE_PX, _SIDE_PX, 3), colour, np.float64)
        yield f"plain-{name}.png", _png(plain)
        yield f"noisy-{name}.png", _png(plain + rng.normal(0, 12, plain.shape))
    for grain in _GRAINS_PX:
        small = rng.uniform(0, 255, (_SIDE_PX // grain, _SIDE_PX // grain, 3))
        # Cubic, so that coarse grains become clouds rather than tiles.
        noise = np.asarray(cv2.resize(small, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_CUBIC), np.float64)
        yield f"noise-{grain}-px.png", _png(noise)
        yield f"grey-noise-{grain}-px.png", _png(np.repeat(noise[..., :1], 3, axis=2))
    along = np.linspace(0, 1, _SIDE_PX)
    for turned in (False, True):
        way = "down" if turned else "across"
        for first, second in (("black", "white"), ("blue", "beige"), ("red", "green")):
            yield f"gradient-{first}-{second}-{way}.png", _png(_mixed(along, first, second, turned=turned))
        for period in _PERIODS_PX:
            wave = (np.arange(_SIDE_PX) // (period // 2)) % 2
            yield f"stripes-{period}-px-{way}.png", _png(_mixed(wave, "navy", "white", turned=turned))


def _mixed(
    share: npt.NDArray[np.float64] | npt.NDArray[np.int64], first: str, second: str, *, turned: bool
) -> npt.NDArray[np.float64]:
    """Return a square that goes from one colour to another along one side."""
    one, other = np.array(_COLOURS_BGR[first], float), np.array(_COLOURS_BGR[second], float)
    line = one + share[:, None] * (other - one)
    square = np.broadcast_to(line, (_SIDE_PX, _SIDE_PX, 3))
    return square.transpose(1, 0, 2) if turned else square


def _png(values: npt.NDArray[np.float64]) -> bytes:
    picture = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return cv2.imencode(".png", picture)[1].tobytes()
