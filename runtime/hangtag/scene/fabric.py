"""What garments are made of: a tileable picture of the cloth, its weave as relief, shine and drape."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np

from hangtag.preprocess import Image
from hangtag.scene.colours import Colour, as_colour, luminance, mixed
from hangtag.scene.noise import TABLE_PX, Field, noise_table

TILE_UNITS = 0.8
"""Garment units that one tile (TABLE_PX square) covers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fabric:
    """A material, ready to be laid onto a panel.

    Attributes:
        tile_bgr: the cloth's colours, tileable, uint8, shape (TABLE_PX, TABLE_PX, 3).
        weave: fine relief, tileable, float32, same height and width; about -1 to 1.
        weave_height: the weave's height in garment units.
        gloss: strength of the highlights, 0 to 1.
        folds: height of the folds in garment units; stiff cloth has less.
        colour: the base colour, for buttons, threads and trims that go with it.
    """

    tile_bgr: Image
    weave: Field
    weave_height: float = 0.0004
    gloss: float = 0.0
    folds: float = 0.016
    colour: Colour


def fabric(tile_bgr: Image, colour: Colour, kind: str = "cotton") -> Fabric:
    """Return cloth of a kind (a key of the table below) with the given tile."""
    weave, weave_height, gloss, folds = _KINDS[kind]
    return Fabric(
        tile_bgr=tile_bgr,
        weave=_WEAVES[weave](),
        weave_height=weave_height,
        gloss=gloss,
        folds=folds,
        colour=colour,
    )


def plain(rng: np.random.Generator, colour: Colour, kind: str = "cotton", mottle: float = 0.02) -> Fabric:
    """Return cloth of one colour; ``mottle`` is how uneven its dye is (0.02: new; 0.08: heather)."""
    return fabric(plain_tile(rng, colour, mottle), colour, kind)


def plain_tile(rng: np.random.Generator, colour: Colour, mottle: float = 0.02) -> Image:
    """Return a tile of one slightly uneven colour."""
    coarse = noise_table(60.0, variant=int(rng.integers(3)))
    fine = noise_table(5.0, variant=int(rng.integers(3)))
    level = 1 + np.float32(mottle) * (0.5 * coarse + fine)
    tile: Image = np.clip(level[..., None] * np.array(colour, np.float32), 0, 255).astype(np.uint8)
    return tile


def lining(outer: Fabric) -> Fabric:
    """Return the inside of a cloth: the same, paler or darker, without the print."""
    grey = 150.0 if luminance(outer.colour) < 90 else 60.0
    inside = mixed(outer.colour, as_colour([grey] * 3), 0.18)
    return replace(outer, tile_bgr=np.full_like(outer.tile_bgr, inside), gloss=0.0, colour=inside)


@lru_cache(maxsize=1)
def _smooth() -> Field:
    return noise_table(7.0)


@lru_cache(maxsize=1)
def _twill() -> Field:
    y, x = np.mgrid[:TABLE_PX, :TABLE_PX].astype(np.float32)
    weave: Field = np.sin(2 * np.pi * (x + y) * 128 / TABLE_PX).astype(np.float32) + 0.6 * noise_table(6.0)
    return weave


@lru_cache(maxsize=1)
def _knit() -> Field:
    """Columns of V stitches."""
    y, x = np.mgrid[:TABLE_PX, :TABLE_PX].astype(np.float32) / TABLE_PX
    column = np.abs((x * 40) % 1 - 0.5)
    stitch = np.sin(2 * np.pi * (y * 48 + column * 1.6))
    weave: Field = (0.9 * stitch * (0.4 + column) - 1.6 * (column < 0.06) + 0.5 * noise_table(8.0)).astype(
        np.float32
    )
    return weave


@lru_cache(maxsize=1)
def _ribbed() -> Field:
    x = np.arange(TABLE_PX, dtype=np.float32)[None, :] / TABLE_PX
    ribs = np.sin(2 * np.pi * 36 * x) + 0.35 * noise_table(9.0)
    weave: Field = ribs.astype(np.float32)
    return weave


@lru_cache(maxsize=1)
def _fluffy() -> Field:
    weave: Field = 0.7 * noise_table(14.0, 0.8) + 0.6 * noise_table(6.0, 0.8)
    return weave


@lru_cache(maxsize=1)
def _pebbled() -> Field:
    """Leather: cells with narrow valleys between them."""
    cells = cv2.GaussianBlur(np.exp(-np.abs(noise_table(12.0)) * 3), (0, 0), 0.8)
    weave: Field = -cells.astype(np.float32)
    return weave


_WEAVES = {
    "smooth": _smooth,
    "twill": _twill,
    "knit": _knit,
    "ribbed": _ribbed,
    "fluffy": _fluffy,
    "pebbled": _pebbled,
}

# Kind: weave, its height, gloss, height of the folds (garment units).
_KINDS: dict[str, tuple[str, float, float, float]] = {
    "cotton": ("smooth", 0.00010, 0.0, 0.022),
    "poplin": ("smooth", 0.00007, 0.03, 0.021),
    "jersey": ("smooth", 0.00014, 0.0, 0.018),
    "denim": ("twill", 0.0004, 0.0, 0.015),
    "twill": ("twill", 0.0003, 0.0, 0.014),
    "knit": ("knit", 0.0012, 0.0, 0.012),
    "rib knit": ("ribbed", 0.0016, 0.0, 0.010),
    "fleece": ("fluffy", 0.0012, 0.0, 0.011),
    "wool": ("fluffy", 0.0002, 0.0, 0.014),
    "nylon": ("smooth", 0.00006, 0.20, 0.018),
    "satin": ("smooth", 0.00004, 0.30, 0.022),
    "leather": ("pebbled", 0.0006, 0.30, 0.013),
    "smooth leather": ("pebbled", 0.0003, 0.42, 0.004),
    "suede": ("fluffy", 0.0004, 0.0, 0.004),
    "rubber": ("smooth", 0.0002, 0.10, 0.001),
    "straw": ("knit", 0.0016, 0.05, 0.002),
    "canvas": ("twill", 0.0004, 0.0, 0.006),
}
