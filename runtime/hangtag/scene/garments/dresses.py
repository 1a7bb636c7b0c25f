"""Dresses: a bodice with straps or sleeves, a waist, and a skirt."""

from __future__ import annotations

import numpy as np

from hangtag.scene.fabric import Fabric, lining
from hangtag.scene.garments import cloths, details
from hangtag.scene.garments.cut import Cut, sleeve_pair, sleeve_parts, underarm_creases
from hangtag.scene.garments.skirts import SkirtCut, flared
from hangtag.scene.parts import Cord, Creases, Groove, Panel, Part
from hangtag.scene.shapes import Points, curve, mirror, shifted, symmetric


def dress(rng: np.random.Generator) -> list[Part]:
    """Return a dress: fitted with a flared skirt, or a straight sheath."""
    sleeved = int(rng.choice(3, p=[0.5, 0.35, 0.15]))  # none, short, long
    cut = _bodice(rng)
    cloth = cloths.dress(rng)
    flare = rng.random() < 0.75
    bottom = rng.uniform(0.92, 1.08)
    hem = cut.waist + rng.uniform(0.13, 0.21) if flare else cut.waist + rng.uniform(0.045, 0.075)
    skirt = SkirtCut(
        top=cut.length - 0.012,
        waist=cut.waist,
        hip=cut.waist + (0.40 if flare else 0.75) * (hem - cut.waist),
        hem=hem,
        bottom=bottom,
        sag=rng.uniform(0.03, 0.06) if flare else 0.01,
    )
    parts: list[Part] = [_back(cut, cloth)]
    if sleeved:
        length, down, cuff = ((0.14, 52.0, 0.13), (0.46, 66.0, 0.075))[sleeved - 1]
        sleeves = sleeve_pair(rng, cut, length=length * rng.uniform(0.9, 1.15), down_deg=down, cuff=cuff)
        parts += sleeve_parts(sleeves, cloth)
        parts += [details.hem_stitch([one.across(0.9)], cloth) for one in sleeves]
    parts += _skirt(rng, skirt, cloth, flare=bool(flare))
    parts += _bodice_parts(rng, cut, cloth, sleeveless=not sleeved)
    return [*parts, *_waist(rng, cut, cloth)]


def _bodice(rng: np.random.Generator) -> Cut:
    chest = rng.uniform(0.165, 0.185)
    waist = chest * rng.uniform(0.76, 0.86)
    return Cut(
        neck=rng.uniform(0.085, 0.105),
        depth=rng.uniform(0.08, 0.15),
        pointed=bool(rng.random() < 0.35),
        shoulder=rng.uniform(0.135, 0.155),
        slope=rng.uniform(0.018, 0.03),
        armpit=rng.uniform(0.18, 0.20),
        chest=chest,
        waist=waist,
        hem=waist,
        length=rng.uniform(0.36, 0.41),
        tail=0.004,
    )


def _bodice_outline(cut: Cut) -> Points:
    middle = 0.55 * cut.armpit + 0.45 * cut.length
    return symmetric(
        cut.neckline(),
        [(cut.neck, 0), (cut.shoulder, cut.slope)],
        [(cut.shoulder, cut.slope), (cut.shoulder - 0.022, 0.6 * cut.armpit), (cut.chest, cut.armpit)],
        [(cut.chest, cut.armpit), (0.5 * (cut.chest + cut.waist) + 0.006, middle), (cut.waist, cut.length)],
        [(cut.waist, cut.length), (0.5 * cut.waist, cut.length + 0.006), (0, cut.length + 0.008)],
    )


def _back(cut: Cut, cloth: Fabric) -> Part:
    shape = symmetric(
        [(0, 0.035), (0.7 * cut.neck, 0.02), (cut.neck, -0.004)],
        [
            (cut.neck, -0.004),
            (cut.shoulder - 0.01, cut.slope),
            (cut.chest - 0.03, cut.armpit - 0.03),
            (0.12, cut.length),
        ],
        [(0.12, cut.length), (0, cut.length)],
    )
    return Panel(outline=shape, cloth=lining(cloth), folds=0.4, loft=0.004, shadow=0)


def _bodice_parts(rng: np.random.Generator, cut: Cut, cloth: Fabric, *, sleeveless: bool) -> list[Part]:
    edge = curve(cut.neckline(deeper=0.012, wider=0.010))
    edges = [edge, mirror(edge)]
    if sleeveless:
        hole = curve(
            [
                (cut.shoulder - 0.012, cut.slope + 0.01),
                (cut.shoulder - 0.034, 0.6 * cut.armpit),
                (cut.chest - 0.012, cut.armpit + 0.012),
            ]
        )
        edges += [hole, mirror(hole)]
    dart = curve([(cut.chest - 0.004, cut.armpit + 0.06), (0.5 * cut.chest, cut.armpit + 0.03)])
    seam = curve([(0.42 * cut.waist, cut.length), (0.5 * cut.chest, cut.armpit + 0.05)])
    pulls = [
        curve(
            [(x * cut.waist, cut.length - 0.01), (x * cut.chest * 0.95, cut.length - rng.uniform(0.06, 0.12))]
        )
        for x in rng.uniform(-0.9, 0.9, 8)
    ]
    return [
        Panel(outline=_bodice_outline(cut), cloth=cloth, loft=0.016, roundness=0.035, shadow=0.3),
        underarm_creases(cut, cloth),
        Groove(paths=[dart, mirror(dart), seam, mirror(seam)], depth=0.0035),
        Creases(paths=pulls, height=0.006, width=0.007),
        *details.size_label(0.052, (225, 225, 225)),
        details.hem_stitch(edges, cloth),
    ]


def _skirt(rng: np.random.Generator, cut: SkirtCut, cloth: Fabric, *, flare: bool) -> list[Part]:
    if flare:
        return flared(rng, cut, cloth, folds=int(rng.integers(6, 10)))
    drapes = [cut.ray(float(share), 0.1, rng.uniform(0.5, 0.9)) for share in rng.uniform(-0.8, 0.8, 6)]
    return [
        Panel(outline=cut.body(), cloth=cloth, loft=0.014, roundness=0.03, shadow=0.2),
        Creases(paths=drapes, height=0.012, width=0.014),
        details.hem_stitch([cut.hem_line(0.02)], cloth),
    ]


def _waist(rng: np.random.Generator, cut: Cut, cloth: Fabric) -> list[Part]:
    """Return a seam, or a belt tied in a bow."""
    line = curve([(-cut.waist, cut.length - 0.004), (0, cut.length + 0.004), (cut.waist, cut.length - 0.004)])
    if rng.random() < 0.55:
        return [
            Groove(paths=[line], depth=0.006, width=0.004),
            details.hem_stitch([shifted(line, 0, 0.008)], cloth),
        ]
    half = 0.019
    band = np.vstack([shifted(line, 0, -half), shifted(line[::-1], 0, half)])
    parts: list[Part] = [
        Panel(outline=band, cloth=cloth, grain_deg=90, folds=0.3, loft=0.010, roundness=0.008, shadow=0.5)
    ]
    if rng.random() < 0.5:
        x, y = 0.35 * cut.waist, cut.length
        ends = [
            curve(
                [(x, y), (x + s * 0.02 + 0.01, y + 0.08), (x + s * 0.035 + 0.01, y + rng.uniform(0.15, 0.22))]
            )
            for s in (-1.0, 1.0)
        ]
        loops = [
            curve(
                [
                    (x, y),
                    (x + s * 0.05, y - 0.025),
                    (x + s * 0.075, y + 0.01),
                    (x + s * 0.04, y + 0.02),
                    (x, y),
                ]
            )
            for s in (-1.0, 1.0)
        ]
        parts.append(Cord(paths=[*ends, *loops], colour=cloth.colour, width=0.017, height=0.008))
    return parts
