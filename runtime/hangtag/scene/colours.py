"""Colours that clothes have, and how one is picked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Colour = tuple[float, float, float]
"""Blue, green, red, each 0 to 255."""

_HEX = {
    "white": "e9e7e2", "cream": "e4dac4", "light grey": "b9b9ba", "grey": "85868a", "charcoal": "45474b",
    "black": "25262a", "navy": "27304a", "royal": "2f4f9e", "sky": "8db3d6", "denim": "4a678f",
    "dark denim": "2e4060", "pale denim": "9db4cc", "teal": "2c7377", "mint": "a3d1be", "forest": "2f4f3c",
    "olive": "63623f", "khaki": "a39671", "sand": "cdb890", "camel": "b3854f", "brown": "5f4332",
    "rust": "a4522f", "orange": "d9783a", "mustard": "c99a35", "yellow": "e3c653", "red": "b52f32",
    "burgundy": "662434", "rose": "cf8b93", "pink": "e4b4bf", "magenta": "b53a77", "lavender": "a99ac6",
    "purple": "5d4079", "tan": "a37e58", "oak": "bd9466", "pine": "d6b78c", "walnut": "6b4a36",
    "ash": "b5ab9d",
}  # fmt: skip

NEUTRAL = ("white", "cream", "light grey", "grey", "charcoal", "black", "navy")
DARK = ("black", "charcoal", "navy", "burgundy", "forest", "brown", "dark denim")
EARTH = ("olive", "khaki", "sand", "camel", "brown", "rust", "tan")
BRIGHT = ("royal", "teal", "red", "magenta", "mustard", "orange", "purple")
SOFT = ("sky", "mint", "rose", "pink", "lavender", "cream", "pale denim", "sand")
DENIM = ("denim", "denim", "dark denim", "pale denim")


def named(name: str) -> Colour:
    """Return a colour by its name."""
    value = int(_HEX[name], 16)
    return float(value & 255), float(value >> 8 & 255), float(value >> 16)


def pick(rng: np.random.Generator, *groups: Sequence[str]) -> Colour:
    """Return a colour near a random one of the groups' names; every group is as likely as the others."""
    group = groups[int(rng.integers(len(groups)))]
    base = np.array(named(group[int(rng.integers(len(group)))]))
    return as_colour(np.clip(base * rng.uniform(0.88, 1.12) + rng.normal(0, 3, 3), 12, 246))


def as_colour(values: Sequence[float] | np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Colour:
    """Return three numbers as a colour."""
    blue, green, red = (float(value) for value in values)
    return blue, green, red


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """Return ``one`` moved towards ``other`` by a share of 0 to 1."""
    return as_colour([a + (b - a) * share for a, b in zip(one, other, strict=True)])


def shaded(colour: Colour, factor: float) -> Colour:
    """Return a colour made darker (factor below 1) or lighter, at most 250."""
    return as_colour([min(250.0, value * factor) for value in colour])


def luminance(colour: Colour) -> float:
    """Return how light a colour is, 0 to 255."""
    return 0.11 * colour[0] + 0.59 * colour[1] + 0.3 * colour[2]


def contrasting(rng: np.random.Generator, colour: Colour) -> Colour:
    """Return a colour that can be told apart from ``colour``: a pattern's second colour, a print's ink."""
    groups = (DARK, BRIGHT, EARTH) if luminance(colour) > 120 else (SOFT, NEUTRAL[:3], ("mustard", "rose"))
    candidates = [pick(rng, *groups) for _ in range(4)]
    return max(candidates, key=lambda other: abs(luminance(other) - luminance(colour)))
