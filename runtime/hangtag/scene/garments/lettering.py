"""Lettering for prints and badges: a few capitals as strokes, and words made of them."""

from __future__ import annotations

import numpy as np

from hangtag.scene.colours import Colour
from hangtag.scene.parts import Part, Strokes
from hangtag.scene.shapes import Points, curve

_WORDS = (
    "HANGTAG",
    "NORTH",
    "LAGOON",
    "ATLAS",
    "TONIGHT",
    "OSLO",
    "SALT",
    "HELSINKI",
    "GRAIN",
    "LOST",
    "STAR",
)

_ROUND = [(0.95, 0.22), (0.5, 0.0), (0.05, 0.3), (0.05, 0.7), (0.5, 1.0), (0.95, 0.78)]
_BOW = [(0.0, 0.0), (0.7, 0.02), (0.92, 0.26), (0.7, 0.5), (0.0, 0.52)]

# Strokes in a square from (0, 0) at the top left to (1, 1); three points or more are a smooth curve.
_LETTERS: dict[str, tuple[list[tuple[float, float]], ...]] = {
    "A": ([(0, 1), (0.5, 0)], [(0.5, 0), (1, 1)], [(0.2, 0.64), (0.8, 0.64)]),
    "E": ([(0, 0), (0, 1)], [(0, 0), (0.85, 0)], [(0, 0.5), (0.7, 0.5)], [(0, 1), (0.85, 1)]),
    "G": (_ROUND, [(0.95, 0.78), (0.95, 0.55)], [(0.95, 0.55), (0.55, 0.55)]),
    "H": ([(0, 0), (0, 1)], [(0.95, 0), (0.95, 1)], [(0, 0.5), (0.95, 0.5)]),
    "I": ([(0.45, 0), (0.45, 1)],),
    "K": ([(0, 0), (0, 1)], [(0.9, 0), (0, 0.58)], [(0.3, 0.4), (0.95, 1)]),
    "L": ([(0, 0), (0, 1)], [(0, 1), (0.8, 1)]),
    "N": ([(0, 1), (0, 0)], [(0, 0), (0.95, 1)], [(0.95, 1), (0.95, 0)]),
    "O": ([*_ROUND, (0.98, 0.5), (0.95, 0.22)],),
    "R": ([(0, 0), (0, 1)], _BOW, [(0.45, 0.52), (0.95, 1)]),
    "S": (
        [
            (0.9, 0.14),
            (0.5, 0.0),
            (0.08, 0.2),
            (0.3, 0.45),
            (0.72, 0.55),
            (0.94, 0.8),
            (0.5, 1.0),
            (0.05, 0.86),
        ],
    ),
    "T": ([(0, 0), (0.95, 0)], [(0.48, 0), (0.48, 1)]),
}


def words(
    rng: np.random.Generator, ink: Colour, middle: float, width: float, rows: int | None = None
) -> list[Part]:
    """Return one to three rows of lettering, centred at x 0 and y ``middle``, at most ``width`` wide."""
    count = int(rng.integers(1, 4)) if rows is None else rows
    size = width * rng.uniform(0.13, 0.20)
    weight = rng.uniform(0.12, 0.24)
    parts: list[Part] = []
    for row in range(count):
        word = _WORDS[int(rng.integers(len(_WORDS)))]
        pitch = min(1.05 * size, width / len(word))
        top = middle + (row - 0.5 * count) * 1.45 * size
        left = -0.5 * pitch * len(word)
        paths = [
            path
            for place, letter in enumerate(word)
            for path in _letter(letter, left + place * pitch, top, pitch, size)
        ]
        parts.append(Strokes(paths=paths, colour=ink, width=weight * size))
    return parts


def _letter(letter: str, left: float, top: float, pitch: float, size: float) -> list[Points]:
    scale = np.array([0.72 * pitch, size])
    return [curve(stroke) * scale + [left + 0.12 * pitch, top] for stroke in _LETTERS[letter]]
