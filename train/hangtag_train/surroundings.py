"""What may lie behind a garment that does not fill the frame: plain, shaded, blotchy or full of things.

The camera stress that models are judged by has backgrounds of its own, drawn by other code: what is learned
here must carry over to walls that were never seen.
"""

from __future__ import annotations

import cv2
import numpy as np

from hangtag.preprocess import Image


def draw_surroundings(size_wh: tuple[int, int], rng: np.random.Generator) -> Image:
    """Return a BGR picture (height, width, 3) to stand behind a garment."""
    painters = (_plain, _shaded, _blotchy, _crowded)
    return painters[int(rng.integers(len(painters)))](size_wh, rng)


def _plain(size_wh: tuple[int, int], rng: np.random.Generator) -> Image:
    canvas = np.empty((size_wh[1], size_wh[0], 3), np.uint8)
    canvas[:] = _colour(rng)
    return canvas


def _shaded(size_wh: tuple[int, int], rng: np.random.Generator) -> Image:
    """Two to four colours, one in each corner, run into each other."""
    return _enlarged(np.stack([_colour(rng) for _ in range(4)]).reshape(2, 2, 3), size_wh)


def _blotchy(size_wh: tuple[int, int], rng: np.random.Generator) -> Image:
    """Patches of light and dark around one colour, of a random fineness."""
    cells = int(rng.integers(3, 24))
    patches = _colour(rng) + rng.normal(0, rng.uniform(5, 50), (cells, cells, 1))
    return _enlarged(np.clip(patches, 0, 255), size_wh)


def _crowded(size_wh: tuple[int, int], rng: np.random.Generator) -> Image:
    """Boxes, discs and lines over one another."""
    canvas = _shaded(size_wh, rng)
    side = min(size_wh)
    for _ in range(int(rng.integers(3, 12))):
        colour = [int(value) for value in _colour(rng)]
        centre = (int(rng.integers(size_wh[0])), int(rng.integers(size_wh[1])))
        reach = int(rng.integers(max(2, side // 16), max(3, side // 2)))
        shape = rng.integers(3)
        if shape == 0:
            end = (centre[0] + int(rng.integers(-reach, reach + 1)), centre[1] + reach)
            cv2.rectangle(canvas, centre, end, colour, cv2.FILLED)
        elif shape == 1:
            cv2.circle(canvas, centre, reach // 2, colour, cv2.FILLED, cv2.LINE_AA)
        else:
            end = (int(rng.integers(size_wh[0])), int(rng.integers(size_wh[1])))
            cv2.line(canvas, centre, end, colour, 1 + reach // 12, cv2.LINE_AA)
    return canvas


def _colour(rng: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Draw a BGR colour: mostly near grey, as rooms are, from black to white."""
    grey = rng.uniform(0, 255)
    return np.clip(grey + rng.normal(0, rng.choice([4.0, 20.0, 60.0]), 3), 0, 255)


def _enlarged(cells: np.ndarray[tuple[int, ...], np.dtype[np.float64]], size_wh: tuple[int, int]) -> Image:
    canvas = cv2.resize(cells.astype(np.float32), size_wh, interpolation=cv2.INTER_CUBIC)
    # One colour channel comes back without its axis.
    image: Image = np.clip(np.rint(canvas), 0, 255).astype(np.uint8)
    return image
