"""Sneakers, boots and pumps in profile; toes point to negative x, a shoe is about one unit long."""

from __future__ import annotations

import numpy as np

from hangtag.scene import colours
from hangtag.scene.colours import BRIGHT, DARK, pick
from hangtag.scene.fabric import plain
from hangtag.scene.garments import details
from hangtag.scene.garments.shoes_kit import Maker, Place, insole, leather, overlay, sneaker_cloths, sole
from hangtag.scene.parts import Cord, Groove, Panel, Part, Stitches, Tint
from hangtag.scene.shapes import Points, curve, outline, shifted

# fmt: off
_SNEAKER_SOLE = outline(
    [(-0.495, 0.175), (-0.2, 0.185), (0.15, 0.165), (0.47, 0.15)],
    [(0.47, 0.15), (0.50, 0.22), (0.475, 0.272)],
    [(0.475, 0.272), (0.1, 0.28), (-0.25, 0.28), (-0.44, 0.262)],
    [(-0.44, 0.262), (-0.50, 0.23), (-0.495, 0.175)],
)
_SNEAKER_TOE = outline(
    [(-0.487, 0.195), (-0.478, 0.115), (-0.40, 0.06), (-0.325, 0.052)],
    [(-0.325, 0.052), (-0.285, 0.12), (-0.295, 0.20)],
    [(-0.295, 0.20), (-0.487, 0.195)],
)
_COUNTER = outline(
    [(0.27, 0.18), (0.30, 0.04), (0.425, -0.04)],
    [(0.425, -0.04), (0.452, 0.06), (0.462, 0.17)],
    [(0.462, 0.17), (0.27, 0.18)],
)
_SIDE_STRIPE = np.array([(-0.06, 0.165), (-0.025, 0.165), (0.065, -0.01), (0.03, -0.01)])
_SOLE_LINE = curve([(-0.48, 0.215), (-0.1, 0.232), (0.2, 0.222), (0.485, 0.21)])

_BOOT_SOLE = outline(
    [(-0.48, 0.195), (0.0, 0.20), (0.40, 0.195)],
    [(0.40, 0.195), (0.415, 0.31)],
    [(0.415, 0.31), (0.16, 0.31)],
    [(0.16, 0.31), (0.14, 0.265), (0.0, 0.262), (-0.3, 0.27), (-0.45, 0.262)],
    [(-0.45, 0.262), (-0.495, 0.235), (-0.48, 0.195)],
)
_BOOT_WELT = curve([(-0.475, 0.185), (0, 0.188), (0.40, 0.185)])
_BOOT_TOE = curve([(-0.27, 0.03), (-0.245, 0.11), (-0.29, 0.195)])
_BOOT_HEEL = curve([(0.21, 0.195), (0.23, 0.06), (0.375, -0.03)])

_PUMP = outline(
    [(-0.47, 0.285), (-0.43, 0.215), (-0.31, 0.165), (-0.19, 0.14)],
    [(-0.19, 0.14), (-0.03, 0.155), (0.14, 0.02), (0.30, -0.135), (0.40, -0.19)],
    [(0.40, -0.19), (0.43, -0.10), (0.425, 0.0)],
    [(0.425, 0.0), (0.30, 0.055), (0.12, 0.17), (-0.05, 0.275), (-0.2, 0.30)],
    [(-0.2, 0.30), (-0.38, 0.305), (-0.47, 0.285)],
)
_PUMP_INSIDE = outline(
    [(-0.20, 0.135), (-0.02, 0.10), (0.16, -0.03), (0.33, -0.16)],
    [(0.33, -0.16), (0.40, -0.19)],
    [(0.40, -0.19), (0.30, -0.12), (0.14, 0.04), (-0.03, 0.165)],
    [(-0.03, 0.165), (-0.20, 0.135)],
)
_PUMP_EDGE = curve([(-0.19, 0.148), (-0.03, 0.163), (0.14, 0.028), (0.30, -0.127), (0.395, -0.18)])
# fmt: on


def sneaker_side(rng: np.random.Generator) -> Maker:
    """Return a maker of low or high sneakers."""
    upper, accent, rubber, lace = sneaker_cloths(rng)
    high = rng.uniform(0.03, 0.10) if rng.random() < 0.35 else 0.0

    def make(place: Place) -> list[Part]:
        toe, counter, stay = place(_SNEAKER_TOE), place(_COUNTER), place(_stay(high))
        rim = curve(
            [
                (0.10, -0.165 - high),
                (0.20, -0.095 - 0.7 * high),
                (0.31, -0.10 - 0.8 * high),
                (0.40, -0.165 - high),
            ]
        )
        return [
            Panel(
                outline=place(_tongue(high)), cloth=upper, folds=0.3, loft=0.03, roundness=0.02, shadow=0.3
            ),
            Panel(outline=place(_upper(high)), cloth=upper, folds=0.8, loft=0.08, roundness=0.07, shadow=0.4),
            *(overlay(place(shifted(_SIDE_STRIPE, 0.07 * i, 0)), accent, 0.004) for i in range(3)),
            overlay(counter, accent),
            overlay(toe, accent),
            overlay(stay, accent),
            Stitches(paths=[toe[12:30], stay, counter[:14]], colour=details.thread(accent)),
            Cord(paths=[place(rim)], colour=colours.shaded(upper.colour, 0.75), width=0.028, height=0.014),
            sole(place(_SNEAKER_SOLE), rubber),
            Groove(paths=[place(_SOLE_LINE)], depth=0.006, width=0.006),
            Cord(paths=[place(bar) for bar in _lace_bars(high)], colour=lace, width=0.016, height=0.010),
        ]

    return make


def boot(rng: np.random.Generator) -> Maker:
    """Return a maker of ankle boots, laced or with an elastic gusset."""
    cloth = leather(rng, ("black", "brown", "camel", "tan", "charcoal", "burgundy"))
    rubber = plain(rng, pick(rng, ("black", "brown", "sand")), "rubber")
    elastic = plain(rng, colours.shaded(cloth.colour, 0.6), "rib knit")
    lace, tall = pick(rng, ("black", "cream", "mustard")), rng.uniform(0.38, 0.46)
    laced = bool(rng.random() < 0.6)

    def make(place: Place) -> list[Part]:
        seams = [place(path) for path in (_BOOT_TOE, _BOOT_HEEL)]
        front: Part = Cord(
            paths=[place(bar) for bar in _boot_bars(tall)], colour=lace, width=0.015, height=0.010
        )
        if not laced:
            front = Panel(
                outline=place(_gusset(tall)), cloth=elastic, folds=0, loft=-0.005, roundness=0.006, shadow=0.3
            )
        return [
            Panel(
                outline=place(_shaft(tall)), cloth=cloth, folds=2.0, loft=0.09, roundness=0.08, shadow=0.45
            ),
            Groove(paths=seams, depth=0.005),
            Stitches(paths=[*seams, place(_BOOT_WELT)], colour=details.thread(cloth, 0.4)),
            sole(place(_BOOT_SOLE), rubber),
            front,
        ]

    return make


def pump(rng: np.random.Generator) -> Maker:
    """Return a maker of high-heeled pumps."""
    cloth = leather(rng, DARK, ("red", "sand", "black", "rose"), BRIGHT)
    inside = insole(rng)
    thick = rng.uniform(0.02, 0.05)

    def make(place: Place) -> list[Part]:
        low = 0.395 - 2 * thick
        tip = np.array([(0.402, 0.285), (0.402, 0.305), (low, 0.305), (low, 0.285)])
        return [
            Panel(outline=place(_PUMP_INSIDE), cloth=inside, folds=0.1, loft=0.01, shadow=0.3),
            Panel(outline=place(_heel(thick)), cloth=cloth, folds=0, loft=0.04, roundness=0.02, shadow=0.35),
            Panel(outline=place(_PUMP), cloth=cloth, folds=0.3, loft=0.08, roundness=0.05, shadow=0.4),
            Stitches(paths=[place(_PUMP_EDGE)], colour=details.thread(cloth, 0.3), width=0.002),
            Tint(outline=place(tip), colour=(25, 25, 25), strength=0.9, soft=0.001),
        ]

    return make


def _upper(high: float) -> Points:
    """Return a sneaker's upper; ``high`` is how much higher than a low one its collar is."""
    return outline(
        [
            (-0.485, 0.20),
            (-0.475, 0.115),
            (-0.40, 0.058),
            (-0.28, 0.038),
            (-0.10, -0.055),
            (0.055, -0.165 - high),
        ],
        [(0.055, -0.165 - high), (0.10, -0.17 - high), (0.20, -0.10 - 0.7 * high)],
        [(0.20, -0.10 - 0.7 * high), (0.31, -0.105 - 0.8 * high), (0.40, -0.17 - high)],
        [(0.40, -0.17 - high), (0.435, -0.14 - high), (0.445, 0.0), (0.462, 0.10), (0.455, 0.19)],
        [(0.455, 0.19), (0.0, 0.21), (-0.485, 0.20)],
    )


def _stay(high: float) -> Points:
    return outline(
        [(-0.27, 0.045), (-0.10, -0.055), (0.055, -0.16 - high)],
        [(0.055, -0.16 - high), (0.10, -0.14 - high), (0.07, -0.04)],
        [(0.07, -0.04), (-0.08, 0.045), (-0.22, 0.10)],
        [(-0.22, 0.10), (-0.27, 0.045)],
    )


def _tongue(high: float) -> Points:
    return outline(
        [(-0.10, -0.05), (0.0, -0.15 - high), (0.03, -0.225 - high)],
        [(0.03, -0.225 - high), (0.10, -0.205 - high), (0.12, -0.12 - high)],
        [(0.12, -0.12 - high), (-0.10, -0.05)],
    )


def _lace_bars(high: float) -> list[Points]:
    bar = curve([(-0.215, 0.012), (-0.17, 0.015), (-0.14, 0.05)])
    return [shifted(bar, 0.062 * i, -(0.043 + 0.2 * high) * i) for i in range(5)]


def _shaft(tall: float) -> Points:
    """Return a boot's upper; ``tall`` is how high its shaft reaches."""
    return outline(
        [
            (-0.47, 0.22),
            (-0.475, 0.13),
            (-0.40, 0.055),
            (-0.24, 0.02),
            (-0.07, -0.06),
            (0.0, -0.19),
            (0.015, -tall),
        ],
        [(0.015, -tall), (0.16, -tall + 0.012), (0.345, -tall - 0.01)],
        [(0.345, -tall - 0.01), (0.345, -0.15), (0.385, 0.0), (0.40, 0.12), (0.385, 0.22)],
        [(0.385, 0.22), (0.0, 0.225), (-0.47, 0.22)],
    )


def _gusset(tall: float) -> Points:
    return outline(
        [(0.10, -tall + 0.012), (0.115, -0.16), (0.165, -0.09)],
        [(0.165, -0.09), (0.22, -0.16), (0.235, -tall + 0.01)],
        [(0.235, -tall + 0.01), (0.10, -tall + 0.012)],
    )


def _boot_bars(tall: float) -> list[Points]:
    front = curve([(-0.19, 0.015), (-0.05, -0.06), (0.025, -0.19), (0.04, -tall + 0.04)])
    bar = np.array([(-0.012, -0.012), (0.055, 0.025)])
    return [bar + front[round(share * (len(front) - 1))] for share in np.linspace(0, 1, 7)]


def _heel(thick: float) -> Points:
    return outline(
        [(0.425, -0.01), (0.405, 0.14), (0.40, 0.30)],
        [(0.40, 0.30), (0.40 - 2 * thick, 0.30)],
        [(0.40 - 2 * thick, 0.30), (0.37 - 1.5 * thick, 0.16), (0.28, 0.06)],
        [(0.28, 0.06), (0.425, -0.01)],
    )
