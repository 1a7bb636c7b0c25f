"""The pieces that every top is cut from: body, sleeves, neck."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hangtag.scene.colours import Colour
from hangtag.scene.fabric import Fabric
from hangtag.scene.garments import details
from hangtag.scene.parts import Creases, Groove, Panel, Part
from hangtag.scene.shapes import Curve, Points, both, curve, mirror, resampled, symmetric, whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """The measures of a top's body, in garment units; widths are halves, y is 0 at the neck's top.

    Attributes:
        neck: half width of the neckline.
        depth: depth of the front neckline.
        pointed: True for a V-neck.
        shoulder: x of the shoulder's tip.
        slope: y of the shoulder's tip.
        armpit: y of the armpit.
        chest: half width at the armpit.
        waist: half width half way down.
        hem: half width at the hem.
        length: y of the hem at the side.
        tail: how much lower the hem is in the middle (or, negative, higher).
    """

    neck: float
    depth: float
    pointed: bool = False
    shoulder: float
    slope: float
    armpit: float
    chest: float
    waist: float
    hem: float
    length: float
    tail: float = 0.012

    def neckline(self, deeper: float = 0.0, wider: float = 0.0) -> Curve:
        """Return the right half of the front neckline, from the middle up to the shoulder."""
        depth, neck = self.depth + deeper, self.neck + wider
        if self.pointed:
            return [(0, depth), (0.006, depth - 0.012), (0.55 * neck, 0.52 * depth), (neck, 0)]
        return [(0, depth), (0.55 * neck, 0.84 * depth), (0.92 * neck, 0.38 * depth), (neck, 0)]

    def body(self) -> Points:
        """Return the outline of the body."""
        middle = 0.5 * (self.armpit + self.length)
        return symmetric(
            self.neckline(),
            [(self.neck, 0), (self.shoulder, self.slope)],
            [
                (self.shoulder, self.slope),
                (self.shoulder - 0.012, 0.5 * (self.slope + self.armpit)),
                (self.chest, self.armpit),
            ],
            [(self.chest, self.armpit), (self.waist, middle), (self.hem, self.length)],
            [
                (self.hem, self.length),
                (0.55 * self.hem, self.length + self.tail),
                (0, self.length + self.tail),
            ],
        )

    def hem_band(self, height: float) -> Points:
        """Return the outline of a band along the hem."""
        low = self.length + self.tail
        return symmetric(
            [(0, low - height), (0.55 * self.hem, low - height), (self.hem + 0.001, self.length - height)],
            [(self.hem + 0.001, self.length - height), (self.hem, self.length)],
            [(self.hem, self.length), (0.55 * self.hem, low), (0, low)],
        )

    def hem_line(self, above: float) -> Points:
        """Return a line from side to side, ``above`` the hem."""
        low = self.length + self.tail - above
        return whole([(0, low), (0.55 * self.hem, low), (self.hem, self.length - above)])

    def back_neck(self) -> Points:
        """Return the outline of the back's inside, which the front neckline leaves open."""
        return symmetric(
            [(0, 0.012), (0.7 * self.neck, 0.006), (self.neck, -0.006)],
            [(self.neck, -0.006), (self.neck + 0.02, 0.03), (0.5 * self.neck, self.depth + 0.03)],
            [(0.5 * self.neck, self.depth + 0.03), (0, self.depth + 0.03)],
        )


@dataclass(frozen=True, slots=True)
class Sleeve:
    """A sleeve between its upper edge, from the shoulder, and its lower edge, from the armpit."""

    upper: Points
    lower: Points

    def band(self, start: float, end: float) -> Points:
        """Return the outline of the part between two shares of its length."""
        shares = np.linspace(start, end, 12)
        return np.vstack([resampled(self.upper, shares), resampled(self.lower, shares)[::-1]])

    def across(self, share: float) -> Points:
        """Return the line across the sleeve at a share of its length."""
        at = np.array([share])
        return np.vstack([resampled(self.upper, at), resampled(self.lower, at)])

    @property
    def turn_deg(self) -> float:
        """How far its length is turned clockwise from upright."""
        along = self.across(1.0).mean(axis=0) - self.across(0.5).mean(axis=0)
        return float(np.degrees(np.arctan2(-along[0], along[1])))

    def mirrored(self) -> Sleeve:
        """Return the sleeve of the other side."""
        return Sleeve(mirror(self.upper), mirror(self.lower))


def sleeve(
    cut: Cut, *, length: float, down_deg: float, cuff: float, bend: float = 0.0, ease: float = 0.0
) -> Sleeve:
    """Return the right sleeve.

    Args:
        cut: the body that it belongs to.
        length: from the shoulder to the cuff.
        down_deg: its direction: 0 straight out, 90 straight down.
        cuff: width of the opening.
        bend: how far the elbow is off the straight line, outwards positive.
        ease: extra width at the elbow.
    """
    shoulder, armpit = np.array([cut.shoulder, cut.slope]), np.array([cut.chest, cut.armpit])
    angle = np.deg2rad(down_deg)
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([along[1], -along[0]])
    start = 0.5 * (shoulder + armpit)
    wide = float(np.hypot(*(shoulder - armpit)))
    elbow = start + 0.52 * length * along + bend * across
    half_elbow = 0.5 * (0.45 * wide + 0.55 * cuff) + ease
    end = start + length * along
    first = start + 0.2 * length * along + 0.5 * bend * across
    half_first = 0.5 * (0.78 * wide + 0.22 * cuff) + 0.5 * ease
    upper = [
        shoulder - np.array([0.035, 0.012]),
        shoulder + 0.004,
        first + half_first * across,
        elbow + half_elbow * across,
        end + 0.5 * cuff * across,
    ]
    lower = [
        armpit - np.array([0.03, 0.0]),
        first - half_first * across * 0.92,
        elbow - half_elbow * across,
        end - 0.5 * cuff * across,
    ]
    return Sleeve(curve(np.array(upper)), curve(np.array(lower)))


def sleeve_pair(rng: np.random.Generator, cut: Cut, **measures: float) -> tuple[Sleeve, Sleeve]:
    """Return the right and the left sleeve, laid down not quite alike."""
    pair = []
    for _ in range(2):
        own = dict(measures)
        own["down_deg"] += float(rng.normal(0, 2.5))
        own["bend"] = own.get("bend", 0.0) + float(rng.normal(0, 0.010))
        pair.append(sleeve(cut, **own))
    return pair[0], pair[1].mirrored()


def sleeve_parts(sleeves: tuple[Sleeve, Sleeve], cloth: Fabric, *, loft: float = 0.012) -> list[Part]:
    """Return the panels of two sleeves with folds along their length and at the armhole."""
    parts: list[Part] = []
    for one in sleeves:
        parts.append(
            Panel(outline=one.band(0, 1), cloth=cloth, grain_deg=one.turn_deg, loft=loft, roundness=0.025)
        )
        bends = [
            curve([_lerp(one, 0.10, 0.7), _lerp(one, 0.22, 0.45), _lerp(one, 0.30, 0.15)]),
            curve([_lerp(one, 0.16, 0.9), _lerp(one, 0.38, 0.6), _lerp(one, 0.5, 0.3)]),
        ]
        parts.append(Creases(paths=bends, height=0.35 * cloth.folds, width=0.012))
    return parts


def _lerp(one: Sleeve, along: float, across: float) -> tuple[float, float]:
    line = one.across(along)
    x, y = line[0] + (line[1] - line[0]) * across
    return float(x), float(y)


def underarm_creases(cut: Cut, cloth: Fabric) -> Creases:
    """Return the folds that run from the armpits and the shoulders across the chest."""
    reach = cut.armpit + 0.3 * (cut.length - cut.armpit)
    chest, waist, shoulder = cut.chest, cut.waist, cut.shoulder
    right = (
        [(chest - 0.01, cut.armpit + 0.01), (0.7 * chest, cut.armpit + 0.06), (0.45 * chest, reach)],
        [(shoulder - 0.05, cut.slope + 0.05), (0.7 * shoulder, cut.armpit), (0.5 * chest, reach)],
        [(waist - 0.02, 0.6 * cut.length), (0.5 * waist, 0.68 * cut.length), (0.1, 0.7 * cut.length)],
    )
    paths = [path for knots in right for path in both(curve(knots))]
    return Creases(paths=paths, height=0.45 * cloth.folds, width=0.014)


def neck_parts(cut: Cut, *, band: float, trim: Fabric, label: Colour) -> list[Part]:
    """Return the back neck with its size label and the band along the front (drawn after the body)."""
    edge = whole(cut.neckline(deeper=band, wider=0.85 * band))
    ring = np.vstack([edge, whole(cut.neckline())[::-1]])
    back_low = whole([(0, 0.012 + band), (0.7 * cut.neck, 0.006 + band), (cut.neck, -0.004 + band)])
    back_top = whole([(0, 0.010), (0.7 * cut.neck, 0.004), (cut.neck, -0.008)])
    back = np.vstack([back_low, back_top[::-1]])
    return [
        Panel(outline=back, cloth=trim, folds=0, loft=0.004, roundness=0.008, shadow=0.2),
        *details.size_label(0.03 + band, label),
        Panel(outline=ring, cloth=trim, folds=0, loft=0.005, roundness=0.006, shadow=0.5),
        Groove(paths=[edge], depth=0.003, width=0.003, soft=0.002),
    ]
