"""The pieces that trousers and shorts are made of: legs, waistband, fly, pockets, hems."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hangtag.scene import colours
from hangtag.scene.colours import Colour
from hangtag.scene.fabric import Fabric, lining
from hangtag.scene.garments import details
from hangtag.scene.parts import Creases, Disc, Groove, Panel, Part, Ribs, Stitches, Tint
from hangtag.scene.shapes import Points, between, box, curve, mirror, resampled, shifted, symmetric


@dataclass(frozen=True, slots=True, kw_only=True)
class LegCut:
    """The measures of trousers, in garment units; y is 0 at the top of the waistband.

    Attributes:
        waist: half width at the waistband.
        hip: half width at the hip.
        crotch: y of the crotch.
        knee: width of one leg at the knee (or half way down a short leg).
        cuff: width of one leg at its end.
        length: y of the leg's end.
        spread: x of the middle of the leg's end.
        band: height of the waistband.
    """

    waist: float
    hip: float
    crotch: float
    knee: float
    cuff: float
    length: float
    spread: float
    band: float = 0.040

    def outer(self) -> Points:
        """Return the right leg's outer edge, from the waist down."""
        middle = self.crotch + 0.45 * (self.length - self.crotch)
        x_middle = 0.5 * (0.5 * self.hip + self.spread)
        return curve(
            [
                (self.waist, self.band * 0.5),
                (self.hip * 0.985, 0.55 * self.crotch),
                (self.hip, 0.95 * self.crotch),
                (x_middle + 0.5 * self.knee, middle),
                (self.spread + 0.5 * self.cuff, self.length),
            ]
        )

    def inner(self) -> Points:
        """Return the right leg's inner edge, from the crotch down."""
        middle = self.crotch + 0.45 * (self.length - self.crotch)
        x_middle = 0.5 * (0.5 * self.hip + self.spread)
        return curve(
            [
                (0, self.crotch),
                (x_middle - 0.5 * self.knee, middle),
                (self.spread - 0.5 * self.cuff, self.length),
            ]
        )

    def leg(self) -> Points:
        """Return the outline of the right leg with its half of the seat."""
        hem = curve(np.array([self.outer()[-1], (self.spread, self.length + 0.006), self.inner()[-1]]))
        top = np.array([(0, self.band * 0.5)])
        return np.vstack([top, self.outer()[:-1], hem[:-1], self.inner()[::-1][:-1], [(0, self.crotch)]])

    def waistband(self, grow: float = 0.0) -> Points:
        """Return the outline of the waistband's front, dipping in the middle."""
        half = self.waist + grow
        return symmetric(
            [(0, 0.012), (0.6 * half, 0.008), (half - 0.004, 0)],
            [(half - 0.004, 0), (half + 0.004, self.band)],
            [(half + 0.004, self.band), (0.6 * half, self.band + 0.010), (0, self.band + 0.014)],
        )

    def back_band(self) -> Points:
        """Return the outline of the inside of the waistband's back, which looks out above the front."""
        return symmetric(
            [(0, -0.016), (0.6 * self.waist, -0.014), (self.waist - 0.004, -0.002)],
            [(self.waist - 0.004, -0.002), (self.waist - 0.006, 0.03)],
            [(self.waist - 0.006, 0.03), (0, 0.03)],
        )

    def leg_band(self, start: float, end: float) -> Points:
        """Return the outline of the right leg between two shares of its length below the crotch."""
        outer = _below(self.outer(), self.crotch)
        shares = np.linspace(start, end, 10)
        return np.vstack([resampled(outer, shares), resampled(self.inner(), shares)[::-1]])

    def leg_line(self, share: float) -> Points:
        """Return the line across the right leg at a share of its length below the crotch."""
        at = np.array([share])
        return np.vstack([resampled(_below(self.outer(), self.crotch), at), resampled(self.inner(), at)])


def leg_panels(rng: np.random.Generator, cut: LegCut, cloth: Fabric) -> list[Part]:
    """Return the two legs, one a little over the other, with the folds that trousers have."""
    right = cut.leg()
    sides = [right, mirror(right)] if rng.random() < 0.5 else [mirror(right), right]
    lean = 6.0 if cut.length > 0.8 else 0.0
    parts: list[Part] = [
        Panel(
            outline=side,
            cloth=cloth,
            grain_deg=lean if side is not right else -lean,
            loft=0.014,
            roundness=0.03,
            shadow=0.2,
        )
        for side in sides
    ]
    seam = curve([(0, cut.band), (0.002, 0.6 * cut.crotch), (0, cut.crotch + 0.004)])
    parts.append(Groove(paths=[seam], depth=0.004))
    rays = []
    for reach, drop in ((0.55, -0.10), (0.75, 0.0), (0.5, 0.12)):
        path = curve(
            [
                (0.012, cut.crotch - 0.01),
                (0.3 * cut.hip, cut.crotch + 0.4 * drop - 0.005),
                (reach * cut.hip, cut.crotch + drop),
            ]
        )
        rays += [path, mirror(path)]
    parts.append(Creases(paths=rays, height=0.5 * cloth.folds, width=0.010))
    if cut.length > 0.8:
        parts.append(Creases(paths=_knee_folds(rng, cut), height=0.45 * cloth.folds, width=0.010))
    return parts


def _knee_folds(rng: np.random.Generator, cut: LegCut) -> list[Points]:
    folds = []
    for share in (*rng.uniform(0.32, 0.5, 3), *rng.uniform(0.8, 0.97, 4)):
        line = cut.leg_line(float(share))
        sag = [0.0, rng.uniform(0.008, 0.02)]
        fold = curve(
            np.vstack([line[0], line.mean(axis=0) + sag, between(line[:1], line[1:], rng.uniform(0.7, 1.0))])
        )
        folds.append(fold if rng.random() < 0.5 else mirror(fold))
    return folds


def side_seams(cut: LegCut, thread: Colour) -> Part:
    """Return the stitches along the outer seams."""
    outer = cut.outer() - [0.010, 0]
    return Stitches(paths=[outer, mirror(outer)], colour=thread, width=0.0015)


def leg_hems(cut: LegCut, thread: Colour, share: float) -> Part:
    """Return the hems' stitches, at a share of the legs' length."""
    line = cut.leg_line(share)
    return Stitches(paths=[line, mirror(line)], colour=thread, width=0.002)


def fly(cut: LegCut, cloth: Fabric, thread: Colour) -> list[Part]:
    """Return the covered zip: its edge, its J of stitches."""
    end = 0.74 * cut.crotch
    edge = curve([(0.034, cut.band + 0.008), (0.034, 0.75 * end), (0.018, 0.93 * end), (0, end)])
    front = np.array([(0, cut.band + 0.006), (0, end)])
    return [
        Groove(paths=[front], depth=0.006, width=0.004),
        Stitches(paths=[edge, edge - [0.006, 0.002]], colour=thread, width=0.0018),
        Groove(paths=[edge], depth=-0.002, width=0.01, soft=0.004),
        Tint(
            outline=box(-0.003, cut.band, 0.003, end),
            colour=colours.shaded(cloth.colour, 0.4),
            strength=0.35,
            soft=0.003,
        ),
    ]


def scoop_pockets(cut: LegCut, cloth: Fabric, thread: Colour) -> list[Part]:
    """Return the curved front pockets of jeans, with rivets."""
    scoop = curve(
        [
            (0.42 * cut.waist, cut.band + 0.012),
            (0.50 * cut.waist, 0.30 * cut.crotch),
            (0.72 * cut.hip, 0.42 * cut.crotch),
            (0.975 * cut.hip, 0.44 * cut.crotch),
        ]
    )
    paths = [scoop, mirror(scoop)]
    rivets: list[Part] = [
        Disc(at=(s * x, y), radius=0.0055, colour=details.BRASS, holes=0)
        for s in (-1.0, 1.0)
        for x, y in ((0.44 * cut.waist, cut.band + 0.02), (0.94 * cut.hip, 0.445 * cut.crotch))
    ]
    return [
        Groove(paths=paths, depth=0.006, width=0.004),
        Stitches(paths=[shifted(path, 0, 0.007) for path in paths], colour=thread, width=0.0018),
        Tint(
            outline=_pocket_shade(scoop), colour=colours.shaded(cloth.colour, 0.5), strength=0.2, soft=0.012
        ),
        *rivets,
    ]


def _pocket_shade(scoop: Points) -> Points:
    return np.vstack([scoop, scoop[::-1] - [0, 0.014]])


def buttoned_band(cut: LegCut, cloth: Fabric, thread: Colour, *, loops: bool) -> list[Part]:
    """Return the waistband: the inside of its back, its front with stitches, a button, belt loops."""
    front = cut.waistband()
    lines = [
        curve([(-cut.waist + 0.01, y), (0, y + 0.010), (cut.waist - 0.01, y)])
        for y in (0.006, cut.band - 0.006)
    ]
    parts: list[Part] = [
        Panel(outline=cut.back_band(), cloth=lining(cloth), folds=0.2, loft=0.002, shadow=0.2),
        Tint(outline=cut.back_band(), colour=(15, 15, 15), strength=0.3, soft=0.006),
        *details.size_label(0.0, (70, 90, 120)),
        Panel(outline=front, cloth=cloth, grain_deg=90, folds=0.15, loft=0.010, roundness=0.008, shadow=0.4),
        Stitches(paths=lines, colour=thread, width=0.0018),
        Groove(paths=[np.array([(-0.016, 0.012), (-0.016, cut.band + 0.014)])], depth=0.005, width=0.003),
        Disc(at=(0.004, 0.5 * cut.band + 0.012), radius=0.012, colour=details.METAL, holes=0, gloss=0.5),
    ]
    for x in (-0.58, 0.58) if loops else ():
        loop = box(x * cut.waist - 0.007, -0.004, x * cut.waist + 0.007, cut.band + 0.018)
        parts.append(
            Panel(outline=loop, cloth=cloth, folds=0, loft=0.006, roundness=0.004, shadow=0.5, applied=True)
        )
    return parts


def faded(cut: LegCut, pale: Colour) -> list[Part]:
    """Return the worn places of jeans: thighs and knees."""
    shape = cut.leg_band(0.05, 0.52) if cut.length > 0.8 else cut.leg_band(0.0, 0.8)
    middle = shape.mean(axis=0)
    worn = (shape - middle) * [0.42, 0.8] + middle
    return [Tint(outline=side, colour=pale, strength=0.34, soft=0.03) for side in (worn, mirror(worn))]


def turn_ups(cut: LegCut, cloth: Fabric, pale: Colour) -> list[Part]:
    """Return the turned-up ends of short legs: the paler inside of the cloth."""
    band = cut.leg_band(0.76, 1.0)
    parts: list[Part] = []
    for side in (band, mirror(band)):
        parts.append(
            Panel(outline=side, cloth=cloth, grain_deg=90, folds=0.3, loft=0.014, roundness=0.012, shadow=0.5)
        )
        parts.append(Tint(outline=side, colour=pale, strength=0.5, soft=0.002))
    return parts


def pressed_crease(cut: LegCut) -> Part:
    """Return the ironed crease down each leg."""
    line = curve(
        [
            (0.5 * cut.hip, cut.band + 0.03),
            (0.25 * cut.hip + 0.5 * cut.spread, 0.55 * cut.length),
            (cut.spread, cut.length),
        ]
    )
    return Groove(paths=[line, mirror(line)], depth=-0.006, width=0.004, soft=0.004)


def knit_cuffs(cut: LegCut, cloth: Fabric) -> list[Part]:
    """Return the ribbed ends of joggers' legs."""
    band = cut.leg_band(0.93, 1.0)
    parts: list[Part] = []
    for side in (band, mirror(band)):
        parts.append(Panel(outline=side, cloth=cloth, folds=0.1, loft=0.012, roundness=0.01, shadow=0.35))
        parts.append(Ribs(outline=side))
    return parts


def side_stripe(cut: LegCut, colour: Colour) -> list[Part]:
    """Return a stripe down each outer seam."""
    outer = cut.outer()[6:]
    stripe = np.vstack([outer - [0.012, 0], outer[::-1] - [0.034, 0]])
    return [Tint(outline=side, colour=colour, strength=0.85, soft=0.001) for side in (stripe, mirror(stripe))]


def _below(path: Points, y: float) -> Points:
    """Return the part of a downward path below a height."""
    keep = path[path[:, 1] > y]
    x = float(np.interp(y, path[:, 1], path[:, 0]))
    return np.vstack([[(x, y)], keep])
