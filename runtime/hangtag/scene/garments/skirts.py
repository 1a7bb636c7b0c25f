"""Skirts: A-line, pencil, pleated and denim, each hanging from a waistband."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from hangtag.scene import colours, patterns
from hangtag.scene.colours import DENIM, pick
from hangtag.scene.fabric import Fabric, lining
from hangtag.scene.garments import cloths, details
from hangtag.scene.garments.bottoms import GOLD
from hangtag.scene.parts import Creases, Groove, Panel, Part, Stitches
from hangtag.scene.shapes import Points, between, curve, mirror, shifted, symmetric


@dataclass(frozen=True, slots=True, kw_only=True)
class SkirtCut:
    """The measures of a skirt, in garment units; widths are halves.

    Attributes:
        top: y of the waist.
        waist: half width there.
        hip: half width a third of the way down.
        hem: half width at the hem.
        bottom: y of the hem at the side.
        sag: how much lower the hem is in the middle.
        band: height of the waistband.
    """

    top: float
    waist: float
    hip: float
    hem: float
    bottom: float
    sag: float
    band: float = 0.038

    def side(self) -> Points:
        """Return the right edge from the waist to the hem."""
        third = self.top + 0.33 * (self.bottom - self.top)
        return curve([(self.waist, self.top), (self.hip, third), (self.hem, self.bottom)])

    def hem_line(self, above: float = 0.0) -> Points:
        """Return the hem from left to right."""
        low = self.bottom - above
        right = curve([(0, low + self.sag), (0.6 * self.hem, low + 0.62 * self.sag), (self.hem, low)])
        return np.vstack([mirror(right)[::-1], right[1:]])

    def body(self, waves: Points | None = None) -> Points:
        """Return the outline; ``waves`` replaces the hem line."""
        hem = self.hem_line() if waves is None else waves
        top = curve([(-self.waist, self.top), (0, self.top + 0.008), (self.waist, self.top)])
        return np.vstack([top[:-1], self.side()[:-1], hem[::-1], mirror(self.side())[::-1][1:-1]])

    def ray(self, share: float, start: float = 0.0, end: float = 1.0) -> Points:
        """Return a line from the waist to the hem at a share (-1 to 1) of the half width."""
        low = (share * self.hem, self.bottom + self.sag * (1 - share * share))
        high = (share * self.waist, self.top + 0.01)
        line = np.array([high, low])
        return between(line[:1], line[1:], np.linspace(start, end, 8)[:, None])  # type: ignore[arg-type]


def skirt(rng: np.random.Generator) -> list[Part]:
    """Return a skirt of one of four kinds."""
    kinds = (_a_line, _a_line, _pencil, _pleated, _denim)
    return kinds[int(rng.integers(len(kinds)))](rng)


def flared(rng: np.random.Generator, cut: SkirtCut, cloth: Fabric, *, folds: int) -> list[Part]:
    """Return a skirt's body with folds that fan out from the waist and a hem that waves with them."""
    shares = np.sort(np.linspace(-0.94, 0.94, folds) + rng.normal(0, 0.25 / folds, folds))
    hem = cut.hem_line()
    phase = np.interp(hem[:, 0] / cut.hem, shares, np.arange(folds))
    depth = 0.028 * (cut.hem - cut.waist) / 0.2 * np.cos(2 * np.pi * phase)
    waves = hem + np.stack([np.zeros_like(depth), 0.35 * depth], axis=1)
    crests = [_wavering(rng, cut.ray(float(share), rng.uniform(0.05, 0.35), 1.0)) for share in shares]
    middles = 0.5 * (shares[1:] + shares[:-1])
    valleys = [_wavering(rng, cut.ray(float(share), rng.uniform(0.1, 0.45), 1.0)) for share in middles]
    gathers = [cut.ray(float(share), 0.02, rng.uniform(0.08, 0.22)) for share in rng.uniform(-0.97, 0.97, 24)]
    return [
        Panel(outline=cut.body(waves), cloth=cloth, loft=0.014, roundness=0.03, folds=0.6, shadow=0.2),
        Groove(paths=crests, depth=-0.020, width=0.020, soft=0.014),
        Groove(paths=valleys, depth=0.014, width=0.010, soft=0.010),
        Groove(paths=gathers, depth=0.005, width=0.006, soft=0.004),
        details.hem_stitch([waves - [0, 0.02]], cloth),
    ]


def waistband(cut: SkirtCut, cloth: Fabric, *, loft: float = 0.006) -> list[Part]:
    """Return a waistband with the inside of its back looking out above."""
    half, top, height = cut.waist, cut.top, cut.band
    back = symmetric(
        [(0, top - height - 0.014), (0.6 * half, top - height - 0.012), (half - 0.004, top - height)],
        [(half - 0.004, top - height), (half - 0.006, top)],
        [(half - 0.006, top), (0, top)],
    )
    front = symmetric(
        [(0, top - height + 0.008), (0.6 * half, top - height + 0.005), (half, top - height)],
        [(half, top - height), (half + 0.003, top + 0.004)],
        [(half + 0.003, top + 0.004), (0.6 * half, top + 0.010), (0, top + 0.012)],
    )
    return [
        Panel(outline=back, cloth=lining(cloth), folds=0.2, loft=0.002, shadow=0.1),
        *details.size_label(top - height + 0.002, (225, 225, 225)),
        Panel(outline=front, cloth=cloth, grain_deg=90, folds=0.2, loft=loft, roundness=0.008, shadow=0.35),
    ]


def _a_line(rng: np.random.Generator) -> list[Part]:
    waist = rng.uniform(0.17, 0.205)
    length = rng.uniform(0.60, 0.82)
    hem = waist + length * rng.uniform(0.24, 0.36)
    cut = SkirtCut(
        top=0.038,
        waist=waist,
        hip=waist + 0.42 * (hem - waist),
        hem=hem,
        bottom=length,
        sag=rng.uniform(0.04, 0.08),
    )
    cloth = cloths.skirt(rng)
    return [*flared(rng, cut, cloth, folds=int(rng.integers(6, 10))), *waistband(cut, cloth)]


def _pencil(rng: np.random.Generator) -> list[Part]:
    waist = rng.uniform(0.20, 0.23)
    hip = waist * rng.uniform(1.16, 1.24)
    cut = SkirtCut(
        top=0.038,
        waist=waist,
        hip=hip,
        hem=hip * rng.uniform(0.88, 1.0),
        bottom=rng.uniform(0.66, 0.82),
        sag=0.008,
    )
    cloth = cloths.skirt(rng)
    darts = [cut.ray(share, 0.0, 0.22) for share in (-0.5, 0.5)]
    pulls = [curve([(s * 0.95 * cut.hip, 0.3), (s * 0.4 * cut.hip, 0.34), (0, 0.32)]) for s in (-1.0, 1.0)]
    slit = np.array([(0.0, cut.bottom - 0.13), (0.0, cut.bottom + 0.008)])
    parts: list[Part] = [
        Panel(outline=cut.body(), cloth=cloth, loft=0.014, roundness=0.03, shadow=0.2),
        Groove(paths=darts, depth=0.004),
        Creases(paths=pulls, height=0.4 * cloth.folds, width=0.012),
        details.hem_stitch([cut.hem_line(0.03)], cloth),
    ]
    parts.append(Groove(paths=[slit], depth=0.010, width=0.004))
    return [*parts, *waistband(cut, cloth)]


def _pleated(rng: np.random.Generator) -> list[Part]:
    waist = rng.uniform(0.16, 0.19)
    length = rng.uniform(0.56, 0.76)
    hem = waist + length * rng.uniform(0.26, 0.38)
    cut = SkirtCut(top=0.038, waist=waist, hip=waist + 0.38 * (hem - waist), hem=hem, bottom=length, sag=0.05)
    cloth = cloths.skirt(rng)
    count = int(rng.integers(9, 15))
    shares = np.linspace(-0.97, 0.97, count)
    parts: list[Part] = [
        Panel(outline=cut.body(), cloth=cloth, loft=0.012, roundness=0.02, folds=0.35, shadow=0.2)
    ]
    for low, high in pairwise(shares):
        left, right = cut.ray(float(low)), cut.ray(float(high) + 0.015)
        parts.append(
            Panel(
                outline=np.vstack([left, right[::-1]]),
                cloth=cloth,
                loft=0.005,
                roundness=0.008,
                folds=0.15,
                shadow=0.7,
            )
        )
    return [*parts, details.hem_stitch([cut.hem_line(0.02)], cloth), *waistband(cut, cloth)]


def _denim(rng: np.random.Generator) -> list[Part]:
    waist = rng.uniform(0.23, 0.26)
    length = rng.uniform(0.42, 0.62)
    hem = waist + rng.uniform(0.07, 0.13)
    cut = SkirtCut(top=0.038, waist=waist, hip=0.5 * (waist + hem) + 0.02, hem=hem, bottom=length, sag=0.02)
    cloth = patterns.denim(rng, pick(rng, DENIM, DENIM, ("black",)))
    pale = colours.mixed(cloth.colour, (225, 215, 205), 0.5)
    scoop = curve([(0.42 * waist, 0.06), (0.52 * waist, 0.13), (0.78 * waist, 0.155), (1.06 * waist, 0.15)])
    pockets = [scoop, mirror(scoop)]
    parts: list[Part] = [
        Panel(outline=cut.body(), cloth=cloth, loft=0.014, roundness=0.03, shadow=0.2),
        details.worn(cut.body(), pale),
        Groove(paths=pockets, depth=0.006),
        Stitches(paths=[shifted(path, 0, 0.007) for path in pockets], colour=GOLD, width=0.0018),
        Stitches(paths=[cut.hem_line(0.022)], colour=GOLD, width=0.002),
        Groove(paths=[np.array([(0, 0.05), (0, length + 0.02)])], depth=0.006, width=0.004),
    ]
    if rng.random() < 0.5:
        parts += details.buttons(np.array([(0.014, 0.11), (0.014, length - 0.05)]), 6, 0.011, details.BRASS)
    return [
        *parts,
        *waistband(cut, cloth),
        *details.buttons(np.array([(0.012, 0.034)]), 1, 0.012, details.METAL),
    ]


def _wavering(rng: np.random.Generator, line: Points) -> Points:
    """Return a straight line with a slow sideways wave."""
    knots = line[:: max(1, len(line) // 4)].copy()
    knots[1:-1, 0] += rng.normal(0, 0.008, len(knots) - 2)
    return curve(np.vstack([knots, line[-1:]]) if not np.array_equal(knots[-1], line[-1]) else knots)
