"""Which cloth each kind of garment is likely to be made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from hangtag.scene import patterns
from hangtag.scene.colours import BRIGHT, DARK, DENIM, EARTH, NEUTRAL, SOFT, pick
from hangtag.scene.fabric import Fabric, plain

Maker = Callable[[], Fabric]


def _any(rng: np.random.Generator, makers: Sequence[tuple[float, Maker]]) -> Fabric:
    """Return the cloth of one maker, chosen by weight."""
    weights = np.array([weight for weight, _ in makers])
    return makers[int(rng.choice(len(makers), p=weights / weights.sum()))][1]()


def tee(rng: np.random.Generator) -> Fabric:
    """Return jersey for a T-shirt."""
    colour = pick(rng, NEUTRAL, NEUTRAL, SOFT, BRIGHT, EARTH)
    return _any(
        rng,
        (
            (6, lambda: plain(rng, colour, "jersey")),
            (1, lambda: patterns.heather(rng, colour, "jersey")),
            (1.2, lambda: patterns.stripes(rng, colour, "jersey", int(rng.choice([16, 20, 26])))),
        ),
    )


def long_tee(rng: np.random.Generator) -> Fabric:
    """Return jersey for a long-sleeved top."""
    colour = pick(rng, NEUTRAL, DARK, SOFT, EARTH)
    return _any(
        rng,
        (
            (2, lambda: plain(rng, colour, "jersey")),
            (2, lambda: patterns.heather(rng, colour, "jersey")),
            (3, lambda: patterns.stripes(rng, colour, "jersey", int(rng.choice([12, 16, 20])))),
        ),
    )


def pullover(rng: np.random.Generator) -> Fabric:
    """Return knitted cloth for a pullover."""
    colour = pick(rng, NEUTRAL, DARK, EARTH, SOFT)
    return _any(
        rng,
        (
            (4, lambda: plain(rng, colour, "knit", 0.06)),
            (2, lambda: plain(rng, colour, "rib knit", 0.05)),
            (2, lambda: patterns.heather(rng, colour, "knit")),
            (1.5, lambda: patterns.stripes(rng, colour, "knit", int(rng.choice([8, 12])))),
            (1, lambda: patterns.folk(rng, colour, "knit")),
        ),
    )


def shirting(rng: np.random.Generator) -> Fabric:
    """Return woven cloth for a shirt."""
    colour = pick(rng, ("white", "sky", "cream", "light grey"), SOFT, ("navy", "burgundy", "teal", "khaki"))
    return _any(
        rng,
        (
            (2, lambda: plain(rng, colour, "poplin")),
            (3.5, lambda: patterns.check(rng, colour, "cotton", int(rng.choice([10, 14, 18, 24])))),
            (
                2,
                lambda: patterns.stripes(
                    rng, colour, "poplin", int(rng.choice([32, 40, 52, 64])), upright=True
                ),
            ),
            (0.4, lambda: patterns.denim(rng, pick(rng, DENIM))),
        ),
    )


def dress(rng: np.random.Generator) -> Fabric:
    """Return light cloth for a dress."""
    colour = pick(rng, DARK, BRIGHT, SOFT, NEUTRAL)
    return _any(
        rng,
        (
            (3, lambda: plain(rng, colour, "cotton")),
            (4, lambda: patterns.floral(rng, colour, "poplin")),
            (1.5, lambda: patterns.dots(rng, colour, "poplin")),
            (1, lambda: patterns.stripes(rng, colour, "jersey", int(rng.choice([10, 14])))),
        ),
    )


def skirt(rng: np.random.Generator) -> Fabric:
    """Return cloth for a skirt."""
    colour = pick(rng, DARK, EARTH, SOFT, BRIGHT)
    return _any(
        rng,
        (
            (4, lambda: plain(rng, colour, "twill")),
            (2, lambda: patterns.floral(rng, colour, "poplin")),
            (1, lambda: patterns.check(rng, colour, "wool", 8)),
            (1, lambda: patterns.dots(rng, colour, "poplin")),
            (1, lambda: patterns.folk(rng, colour, "cotton")),
        ),
    )


def jeans(rng: np.random.Generator) -> Fabric:
    """Return denim."""
    return patterns.denim(rng, pick(rng, DENIM))


def trousers(rng: np.random.Generator) -> Fabric:
    """Return cloth for trousers that are not jeans."""
    return plain(rng, pick(rng, EARTH, DARK, NEUTRAL[2:]), "twill", 0.025)


def sweats(rng: np.random.Generator) -> Fabric:
    """Return cloth for joggers."""
    return plain(rng, pick(rng, NEUTRAL[2:], DARK), "jersey", 0.04)


def swim(rng: np.random.Generator) -> Fabric:
    """Return cloth for beach shorts."""
    colour = pick(rng, BRIGHT, SOFT, DARK)
    return _any(
        rng,
        (
            (2, lambda: plain(rng, colour, "nylon")),
            (1.5, lambda: patterns.floral(rng, colour, "poplin")),
            (1, lambda: patterns.check(rng, colour, "cotton", 8)),
            (1, lambda: patterns.camouflage(rng, "twill")),
        ),
    )


def padding(rng: np.random.Generator) -> Fabric:
    """Return shiny cloth for a padded jacket."""
    return plain(rng, pick(rng, DARK, DARK, BRIGHT, ("olive", "teal", "grey")), "nylon")


def coating(rng: np.random.Generator) -> Fabric:
    """Return heavy cloth for a coat or a blazer."""
    return plain(
        rng, pick(rng, ("charcoal", "navy", "black", "camel", "grey", "brown", "forest")), "wool", 0.05
    )


def shell(rng: np.random.Generator) -> Fabric:
    """Return weatherproof cloth for a parka."""
    return plain(
        rng, pick(rng, ("olive", "navy", "khaki", "black", "mustard", "red", "teal", "charcoal")), "twill"
    )


def hide(rng: np.random.Generator) -> Fabric:
    """Return leather for a jacket."""
    return plain(rng, pick(rng, ("black", "black", "brown", "burgundy", "camel")), "leather", 0.03)
