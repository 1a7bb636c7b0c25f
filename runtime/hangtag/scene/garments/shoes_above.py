"""Sneakers, flats and loafers from above; toes point to negative y, a shoe is about one unit long."""

from __future__ import annotations

import numpy as np

from hangtag.scene import colours
from hangtag.scene.colours import BRIGHT, DARK, SOFT, Colour, pick
from hangtag.scene.fabric import plain
from hangtag.scene.garments import details
from hangtag.scene.garments.shoes_kit import Maker, Place, eyelet, insole, overlay, sneaker_cloths, sole
from hangtag.scene.parts import Cord, Disc, Groove, Panel, Part, Stitches, Tint
from hangtag.scene.shapes import Points, blob, box, curve, mirror, outline, shifted, symmetric

# fmt: off
_FOOT = (
    (-0.03, -0.49), (0.07, -0.46), (0.135, -0.36), (0.158, -0.22), (0.150, -0.05), (0.132, 0.12),
    (0.135, 0.30), (0.105, 0.44), (0.0, 0.49), (-0.105, 0.44), (-0.130, 0.30), (-0.122, 0.12),
    (-0.138, -0.08), (-0.152, -0.24), (-0.138, -0.38), (-0.09, -0.465),
)
_TOE_CAP = blob([
    (0.0, -0.46), (0.10, -0.42), (0.125, -0.31), (0.05, -0.27),
    (-0.05, -0.27), (-0.115, -0.31), (-0.09, -0.42),
])
_HEEL = symmetric(
    [(0, 0.345), (0.07, 0.332), (0.118, 0.30)],
    [(0.118, 0.30), (0.10, 0.43), (0, 0.465)],
)
_TONGUE = symmetric(
    [(0, -0.225), (0.045, -0.217), (0.075, -0.20)],
    [(0.075, -0.20), (0.088, 0.05), (0.07, 0.08)],
    [(0.07, 0.08), (0.04, 0.10), (0, 0.105)],
)
_MOUTH = blob([
    (0, 0.05), (0.085, 0.09), (0.10, 0.24), (0.075, 0.36),
    (0, 0.395), (-0.075, 0.36), (-0.10, 0.24), (-0.085, 0.09),
])
_EYESTAY = outline(
    [(0.048, -0.22), (0.06, -0.06), (0.078, 0.07)],
    [(0.078, 0.07), (0.125, 0.075), (0.118, -0.06), (0.09, -0.20)],
    [(0.09, -0.20), (0.048, -0.22)],
)
_LOAFER_MOUTH = blob([
    (0.0, -0.045), (0.08, 0.0), (0.098, 0.13), (0.09, 0.30), (0.055, 0.41),
    (0, 0.435), (-0.055, 0.41), (-0.088, 0.30), (-0.094, 0.13), (-0.078, 0.0),
])
_APRON = curve([
    (0.082, -0.12), (0.085, -0.24), (0.05, -0.36), (0, -0.385),
    (-0.05, -0.36), (-0.08, -0.24), (-0.082, -0.12),
])
_STRAP = symmetric(
    [(0, -0.145), (0.07, -0.135), (0.128, -0.11)],
    [(0.128, -0.11), (0.126, -0.045)],
    [(0.126, -0.045), (0.07, -0.068), (0, -0.075)],
)
# fmt: on


def sneaker_above(rng: np.random.Generator) -> Maker:
    """Return a maker of laced sneakers."""
    upper, accent, rubber, lace = sneaker_cloths(rng)
    dark = plain(rng, colours.mixed(upper.colour, (70, 70, 70), 0.6), "jersey")

    def make(place: Place) -> list[Part]:
        mouth, toe = place(_MOUTH), place(_TOE_CAP)
        return [
            sole(place(_foot(0.0)), rubber),
            Panel(outline=place(_foot(0.022)), cloth=upper, folds=0.8, loft=0.10, roundness=0.08, shadow=0.5),
            overlay(toe, accent),
            Stitches(paths=[toe], colour=details.thread(accent)),
            overlay(place(_HEEL), accent),
            Panel(outline=mouth, cloth=dark, folds=0.3, loft=-0.08, roundness=0.05, shadow=0.4),
            Tint(outline=mouth, colour=(8, 8, 8), strength=0.55, soft=0.02),
            Panel(outline=place(_TONGUE), cloth=upper, folds=0.4, loft=0.02, roundness=0.02, shadow=0.5),
            overlay(place(_EYESTAY), accent),
            overlay(place(mirror(_EYESTAY)), accent),
            *_laces(place, lace),
        ]

    return make


def flat(rng: np.random.Generator) -> Maker:
    """Return a maker of ballet flats."""
    cloth = plain(
        rng, pick(rng, DARK, BRIGHT, SOFT), ("smooth leather", "suede", "satin")[int(rng.integers(3))]
    )
    inside = insole(rng)
    pointed, vamp, bow = rng.uniform(0.0, 0.05), rng.uniform(-0.26, -0.18), bool(rng.random() < 0.5)

    def make(place: Place) -> list[Part]:
        mouth = place(_flat_mouth(vamp))
        rim = np.vstack([mouth, mouth[:1]])
        body = place(_foot(0.004, slim=0.84, pointed=pointed))
        deep = place(shifted(_TOE_CAP * [0.75, 0.8], 0.0, vamp + 0.34))
        parts: list[Part] = [
            Panel(outline=body, cloth=cloth, folds=0.3, loft=0.09, roundness=0.05, shadow=0.35),
            Panel(outline=mouth, cloth=inside, folds=0.1, loft=-0.03, roundness=0.03, shadow=0.3),
            Tint(outline=deep, colour=(15, 20, 25), strength=0.45, soft=0.025),
            Tint(
                outline=place(box(-0.028, 0.27, 0.028, 0.31)),
                colour=colours.shaded(inside.colour, 0.5),
                strength=0.6,
                soft=0.003,
            ),
            Cord(
                paths=[rim], colour=colours.shaded(cloth.colour, 0.85), width=0.012, height=0.008, shadow=0.4
            ),
        ]
        return [*parts, *_bow(place, cloth.colour, vamp)] if bow else parts

    return make


def loafer(rng: np.random.Generator) -> Maker:
    """Return a maker of slip-ons with an apron and a strap."""
    hides = ("brown", "black", "camel", "navy", "burgundy", "tan")
    cloth = plain(rng, pick(rng, hides), "smooth leather", 0.03)
    inside = insole(rng)
    rubber = plain(rng, pick(rng, ("black", "brown", "sand")), "rubber")

    def make(place: Place) -> list[Part]:
        apron, strap, mouth = place(_APRON), place(_STRAP), place(_LOAFER_MOUTH)
        body = place(_foot(0.012, slim=0.95))
        return [
            sole(place(_foot(0.0, slim=0.95)), rubber),
            Panel(outline=body, cloth=cloth, folds=0.5, loft=0.11, roundness=0.06, shadow=0.5),
            Groove(paths=[apron], depth=-0.012, width=0.012, soft=0.004),
            Stitches(paths=[apron], colour=details.thread(cloth, 0.4), width=0.003),
            Panel(outline=mouth, cloth=inside, folds=0.2, loft=-0.06, roundness=0.04, shadow=0.4),
            Tint(outline=mouth, colour=(10, 12, 15), strength=0.4, soft=0.025),
            Panel(outline=strap, cloth=cloth, folds=0.1, loft=0.014, roundness=0.01, shadow=0.6),
            Stitches(paths=[strap], colour=details.thread(cloth, 0.4), width=0.0025),
        ]

    return make


def _foot(inset: float, slim: float = 1.0, pointed: float = 0.0) -> Points:
    """Return a right foot's outline, moved inwards by ``inset``."""
    knots = np.array(_FOOT) * [slim, 1.0]
    knots[0, 1] -= pointed
    length = np.hypot(knots[:, 0], knots[:, 1])[:, None]
    return blob(knots * (1 - inset / length))


def _flat_mouth(vamp: float) -> Points:
    right = [(0.088, vamp + 0.09), (0.094, 0.05), (0.088, 0.28), (0.06, 0.42)]
    left = [(-0.06, 0.42), (-0.086, 0.28), (-0.088, 0.05), (-0.08, vamp + 0.09)]
    return blob([(0.004, vamp), *right, (0, 0.455), *left])


def _laces(place: Place, colour: Colour) -> list[Part]:
    bars: list[Points] = []
    eyelets: list[Part] = []
    for row in range(5):
        y, half = -0.185 + row * 0.056, 0.066 + 0.007 * row
        bars.append(place(curve([(-half, y), (0, y - 0.012), (half, y + 0.004)])))
        bars.append(place(curve([(-half, y + 0.03), (0, y + 0.004), (half, y - 0.022)])))
        eyelets += [eyelet(place([(side * half, y)])[0]) for side in (-1.0, 1.0)]
    loop = curve([(0, 0.05), (0.06, 0.02), (0.125, 0.075), (0.06, 0.095), (0, 0.055)])
    end = curve([(0, 0.055), (0.04, 0.0), (0.10, -0.03), (0.14, -0.10)])
    bow = [place(piece) for piece in (loop, mirror(loop), end, mirror(end))]
    return [
        *eyelets,
        Cord(paths=bars, colour=colour, width=0.017, height=0.010),
        Cord(paths=bow, colour=colour, width=0.015, height=0.012),
    ]


def _bow(place: Place, colour: Colour, vamp: float) -> list[Part]:
    loop = curve([(0, vamp - 0.037), (0.05, vamp - 0.065), (0.062, vamp - 0.03), (0, vamp - 0.035)])
    knot = place([(0, vamp - 0.037)])[0]
    return [
        Cord(paths=[place(loop), place(mirror(loop))], colour=colour, width=0.018, height=0.012),
        Disc(at=(float(knot[0]), float(knot[1])), radius=0.014, colour=colour, holes=0, gloss=0.1),
    ]
