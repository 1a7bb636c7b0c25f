"""What all shoes share: where a single shoe stands, its materials, laces."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hangtag.scene import colours
from hangtag.scene.colours import BRIGHT, DARK, EARTH, NEUTRAL, SOFT, Colour, pick
from hangtag.scene.fabric import Fabric, plain
from hangtag.scene.parts import Disc, Panel, Part
from hangtag.scene.shapes import Curve, Points

Place = Callable[[Curve | Points], Points]
"""Puts a single shoe's points where that shoe stands in the pair."""

Maker = Callable[[Place], list[Part]]
"""Makes one shoe of a pair at its place; both are made of the same materials."""


def overlay(outline: Points, cloth: Fabric, loft: float = 0.010) -> Panel:
    """Return a piece that is sewn onto a shoe's upper."""
    return Panel(
        outline=outline, cloth=cloth, folds=0.1, loft=loft, roundness=0.010, shadow=0.3, applied=True
    )


def sole(outline: Points, cloth: Fabric) -> Panel:
    """Return a sole's rim."""
    return Panel(outline=outline, cloth=cloth, folds=0, loft=0.03, roundness=0.018, shadow=0.35)


def eyelet(at: Points) -> Disc:
    """Return the hole that a lace goes through."""
    return Disc(at=(float(at[0]), float(at[1])), radius=0.009, colour=(70, 70, 70), holes=0, height=-0.003)


def sneaker_cloths(rng: np.random.Generator) -> tuple[Fabric, Fabric, Fabric, Colour]:
    """Return the cloth of a sneaker's upper, overlays and sole, and its laces' colour."""
    colour = pick(rng, NEUTRAL, DARK, BRIGHT, SOFT, EARTH)
    upper = plain(rng, colour, ("canvas", "suede", "smooth leather")[int(rng.integers(3))], 0.03)
    other = colours.contrasting(rng, colour) if rng.random() < 0.5 else colours.shaded(colour, 0.8)
    accent = plain(rng, other, ("suede", "smooth leather")[int(rng.integers(2))], 0.03)
    rubber = plain(rng, pick(rng, ("white", "white", "cream", "black", "tan")), "rubber")
    lace = (232.0, 234.0, 235.0) if rng.random() < 0.6 else other
    return upper, accent, rubber, lace


def leather(rng: np.random.Generator, *groups: tuple[str, ...]) -> Fabric:
    """Return smooth leather or suede."""
    return plain(rng, pick(rng, *groups), ("smooth leather", "suede")[int(rng.integers(2))], 0.03)


def insole(rng: np.random.Generator) -> Fabric:
    """Return the natural leather inside a shoe."""
    return plain(rng, pick(rng, ("sand", "tan", "cream")), "suede", 0.03)
