"""What garments lie on or hang in front of: boards, bedsheets, carpet, tiles, painted walls, stone."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from hangtag.preprocess import Image
from hangtag.scene.board import Light
from hangtag.scene.colours import Colour, pick
from hangtag.scene.noise import Field, noise_table, random_offset, sampled, wrinkle_table

Albedo = npt.NDArray[np.float32]
"""Colours before lighting, as displayed: float32, shape (height, width, 3), 0 to 255, BGR."""

_Painter = Callable[[np.random.Generator, Colour, "_Ground"], tuple[Albedo, Field]]


class _Ground:
    """The size of a background, and noise at its scale."""

    def __init__(self, size_wh: tuple[int, int], rng: np.random.Generator) -> None:
        self.shape = (size_wh[1], size_wh[0])
        self.unit = min(size_wh) / 480  # pixels of this frame per pixel of a 480-line one
        self._rng = rng

    def noise(self, table: Field, stretch: float = 1.0, turn_deg: float = 0.0, zoom: float = 1.0) -> Field:
        """Return a table's noise over the ground: ``zoom`` times as coarse, longer along the turned y."""
        step = 1 / (self.unit * zoom)
        return sampled(table, self.shape, (step, step / stretch), turn_deg, random_offset(self._rng))

    def grid(self, turn_deg: float) -> tuple[Field, Field]:
        """Return x and y (pixels of a 480-line frame), turned and shifted at random."""
        rows, columns = np.indices(self.shape, np.float32) / np.float32(self.unit)
        angle = np.deg2rad(turn_deg)
        cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        shift = self._rng.uniform(0, 4000, 2).astype(np.float32)
        return columns * cos + rows * sin + shift[0], rows * cos - columns * sin + shift[1]


def background(
    rng: np.random.Generator, size_wh: tuple[int, int], light: Light, garment_colour: Colour
) -> Image:
    """Return a surface that a garment of the given colour stands out from: uint8, BGR."""
    painter, groups = _KINDS[int(rng.integers(len(_KINDS)))]
    choices = [pick(rng, *groups) for _ in range(5)]
    colour = max(choices, key=lambda choice: _distance(choice, garment_colour))
    ground = _Ground(size_wh, rng)
    albedo, relief = painter(rng, colour, ground)
    x, y = (np.float32(towards * light.slope) for towards in light.towards)
    slope_x = cv2.Sobel(relief, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    slope_y = cv2.Sobel(relief, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    shade = np.clip(1 - x * slope_x - y * slope_y, 0.45, 1.35)
    picture: Image = np.clip(albedo * np.sqrt(shade)[..., None], 0, 250).astype(np.uint8)
    return picture


def _distance(one: Colour, other: Colour) -> float:
    return float(np.linalg.norm(np.subtract(one, other)))


def _coloured(colour: Colour, level: Field) -> Albedo:
    """Return one colour times a level around 1."""
    return level[..., None] * np.array(colour, np.float32)


def _boards(rng: np.random.Generator, colour: Colour, ground: _Ground) -> tuple[Albedo, Field]:
    """Wooden floor boards with grain, in staggered lengths."""
    turn = float(rng.choice([0.0, 90.0])) + rng.normal(0, 3)
    x, y = ground.grid(turn)
    width, length = rng.uniform(62, 105), rng.uniform(420, 700)
    bend = ground.noise(noise_table(150.0), 3.0, turn) * 5
    row = np.floor(x / width)
    stagger = (row * 0.618) % 1 * length
    board = row * 57 + np.floor((y + stagger) / length) * 31
    tone = np.sin(board * 12.9898) * 0.5 + np.sin(board * 4.1414) * 0.5
    grain = ground.noise(noise_table(7.0, 0.7), 22.0, turn)
    rings = np.sin((x + bend + 9 * tone) * 0.42 + 3 * tone)
    gap_x = np.abs(x / width - row - 0.5) > 0.5 - 1.4 / width
    along = (y + stagger) / length
    gap_y = np.abs(along - np.floor(along) - 0.5) > 0.5 - 1.4 / length
    gap = cv2.GaussianBlur((gap_x | gap_y).astype(np.float32), (0, 0), 0.9 * ground.unit).astype(np.float32)
    level = 1 + 0.10 * tone + 0.055 * grain + 0.035 * rings * np.clip(ground.noise(noise_table(90.0)), 0, 1)
    albedo = _coloured(colour, level) * (1 - 0.6 * gap[..., None])
    return albedo, -1.2 * gap + 0.15 * grain


def _sheet(rng: np.random.Generator, colour: Colour, ground: _Ground) -> tuple[Albedo, Field]:
    """A bedsheet or throw with soft folds."""
    turn = rng.uniform(0, 180)
    waves = ground.noise(noise_table(150.0, 0.5, 2.0, 4), 1.0, turn, 1.6)
    folds = ground.noise(wrinkle_table(1), 1.0, turn + 20, 1.5)
    weave = ground.noise(noise_table(4.0))
    return _coloured(colour, 1 + 0.012 * weave), waves * 6 * ground.unit + folds * 9 * ground.unit


def _carpet(rng: np.random.Generator, colour: Colour, ground: _Ground) -> tuple[Albedo, Field]:
    """A carpet's pile: tufts, brushed this way and that."""
    tufts = ground.noise(noise_table(6.5, 0.6)) + 0.6 * ground.noise(noise_table(14.0, 0.6))
    brushed = ground.noise(noise_table(170.0, 0.5, 1.0, 2), 1.0, rng.uniform(0, 180))
    level = 1 + 0.06 * tufts + 0.05 * brushed
    return _coloured(colour, level), np.float32(0.32) * tufts


def _tiles(rng: np.random.Generator, colour: Colour, ground: _Ground) -> tuple[Albedo, Field]:
    """Ceramic tiles with joints."""
    x, y = ground.grid(float(rng.normal(0, 4) + rng.choice([0, 45])))
    side, joint = rng.uniform(150, 260), rng.uniform(2.5, 4.5)
    column, row = np.floor(x / side), np.floor(y / side)
    off = np.maximum(np.abs(x / side - column - 0.5), np.abs(y / side - row - 0.5)) * side
    gap = np.clip(off - 0.5 * side + joint, 0, 1).astype(np.float32)
    gap = cv2.GaussianBlur(gap, (0, 0), 0.8 * ground.unit).astype(np.float32)
    tone = np.sin(column * 12.9898 + row * 78.233)
    veins = ground.noise(noise_table(120.0, 0.9), 1.0, 30) + 0.5 * ground.noise(noise_table(26.0, 0.9))
    level = 1 + 0.02 * tone + 0.014 * veins
    grout = np.array(colour, np.float32) * np.float32(rng.choice([0.68, 0.8, 1.12]))
    albedo = _coloured(colour, level)
    return albedo + (grout - albedo) * gap[..., None], -1.5 * gap


def _wall(rng: np.random.Generator, colour: Colour, ground: _Ground) -> tuple[Albedo, Field]:
    """A painted wall with the roller's texture."""
    grain = ground.noise(noise_table(9.0, 0.7)) + 0.7 * ground.noise(noise_table(5.0))
    stains = ground.noise(noise_table(200.0, 0.6), 1.0, rng.uniform(0, 180))
    return _coloured(colour, 1 + 0.012 * stains), np.float32(0.16) * grain


def _stone(rng: np.random.Generator, colour: Colour, ground: _Ground) -> tuple[Albedo, Field]:
    """A polished stone or concrete floor."""
    clouds = ground.noise(noise_table(130.0, 0.9), 1.0, rng.uniform(0, 180))
    specks = ground.noise(noise_table(4.5, 0.7))
    level = (
        1 + 0.022 * clouds + 0.02 * ground.noise(noise_table(36.0, 0.9)) + 0.05 * np.clip(specks - 0.8, 0, 2)
    )
    return _coloured(colour, level), 0.08 * specks


_WOODS = (("oak", "pine", "walnut", "ash", "tan"),)
_CLOTHS = (
    ("white", "cream", "light grey", "sky", "lavender", "sand"),
    ("red", "burgundy", "navy", "rose", "purple"),
)
_PILES = (("grey", "light grey", "sand", "khaki", "cream"), ("camel", "olive", "burgundy", "charcoal"))
_PLAIN = (("white", "cream", "light grey"), ("white", "sand", "grey", "pale denim"))

# Boards and sheets twice: they are what people put clothes on.
_KINDS: tuple[tuple[_Painter, tuple[tuple[str, ...], ...]], ...] = (
    (_boards, _WOODS),
    (_boards, _WOODS),
    (_sheet, _CLOTHS),
    (_sheet, _CLOTHS),
    (_carpet, _PILES),
    (_tiles, _PLAIN),
    (_wall, _PLAIN),
    (_stone, (("light grey", "grey", "sand"),)),
)
