"""Trousers and shorts: jeans, chinos, and what has a drawstring: joggers and beach shorts."""

from __future__ import annotations

import numpy as np

from hangtag.scene import colours
from hangtag.scene.colours import Colour
from hangtag.scene.fabric import Fabric, lining
from hangtag.scene.garments import cloths, details, legs
from hangtag.scene.garments.legs import LegCut
from hangtag.scene.parts import Groove, Panel, Part, Ribs, Stitches
from hangtag.scene.shapes import both, curve, shifted

GOLD: Colour = (80.0, 135.0, 185.0)
"""The thread of jeans."""


def pants(rng: np.random.Generator) -> list[Part]:
    """Return jeans, chinos or joggers."""
    hip = rng.uniform(0.185, 0.22)
    kind = int(rng.choice(3, p=[0.5, 0.28, 0.22]))
    slim = rng.uniform(0.0, 1.0)
    cut = LegCut(
        waist=hip * rng.uniform(0.80, 0.88),
        hip=hip,
        crotch=rng.uniform(0.27, 0.31),
        knee=0.125 + 0.035 * slim,
        cuff=(0.085 if kind == 2 else 0.095) + 0.045 * slim,
        length=rng.uniform(0.96, 1.04),
        spread=rng.uniform(0.095, 0.15),
        band=0.05 if kind == 2 else 0.040,
    )
    if kind == 0:
        return _jeans(rng, cut, cloths.jeans(rng))
    return _joggers(rng, cut, cloths.sweats(rng)) if kind == 2 else _chinos(rng, cut, cloths.trousers(rng))


def shorts(rng: np.random.Generator) -> list[Part]:
    """Return denim shorts, chino shorts or beach shorts."""
    hip = rng.uniform(0.30, 0.345)
    crotch = rng.uniform(0.33, 0.38)
    inseam = rng.uniform(0.12, 0.32)
    width = hip * rng.uniform(0.92, 1.0)
    cut = LegCut(
        waist=hip * rng.uniform(0.82, 0.9),
        hip=hip,
        crotch=crotch,
        knee=width * 1.0,
        cuff=width * rng.uniform(0.96, 1.04),
        length=crotch + inseam,
        spread=0.5 * hip + 0.022 + 0.07 * inseam,
        band=0.058,
    )
    kind = int(rng.integers(3))
    if kind == 0:
        return _jeans(rng, cut, cloths.jeans(rng))
    return _joggers(rng, cut, cloths.swim(rng)) if kind == 2 else _chinos(rng, cut, cloths.trousers(rng))


def _jeans(rng: np.random.Generator, cut: LegCut, cloth: Fabric) -> list[Part]:
    parts = legs.leg_panels(rng, cut, cloth)
    pale = colours.mixed(cloth.colour, (225, 215, 205), 0.55)
    if rng.random() < 0.7:
        parts += legs.faded(cut, pale)
    parts += [legs.side_seams(cut, GOLD), *legs.fly(cut, cloth, GOLD), *legs.scoop_pockets(cut, cloth, GOLD)]
    parts += legs.buttoned_band(cut, cloth, GOLD, loops=True)
    if cut.length < 0.8 and rng.random() < 0.6:
        parts += legs.turn_ups(cut, cloth, pale)
    else:
        parts.append(legs.leg_hems(cut, GOLD, 0.96))
    return parts


def _chinos(rng: np.random.Generator, cut: LegCut, cloth: Fabric) -> list[Part]:
    parts = legs.leg_panels(rng, cut, cloth)
    thread = details.thread(cloth, 0.2)
    slanted = both([(0.62 * cut.waist, cut.band + 0.012), (0.985 * cut.hip, 0.55 * cut.crotch)])
    if cut.length > 0.8 and rng.random() < 0.5:
        parts.append(legs.pressed_crease(cut))
    parts += [
        legs.side_seams(cut, thread),
        *legs.fly(cut, cloth, thread),
        Groove(paths=slanted, depth=0.006),
        Stitches(paths=[shifted(path, 0, 0.007) for path in slanted], colour=thread, width=0.0018),
    ]
    return [*parts, *legs.buttoned_band(cut, cloth, thread, loops=True), legs.leg_hems(cut, thread, 0.95)]


def _joggers(rng: np.random.Generator, cut: LegCut, cloth: Fabric) -> list[Part]:
    """Return trousers or shorts with an elastic waist and a drawstring."""
    parts = legs.leg_panels(rng, cut, cloth)
    thread = details.thread(cloth, 0.2)
    band = cut.waistband(0.004)
    gathers = [
        curve([(x, cut.band + 0.005), (x * 1.03, cut.band + rng.uniform(0.03, 0.09))])
        for x in rng.uniform(-0.95, 0.95, 26) * cut.waist
    ]
    pockets = both([(0.93 * cut.waist, cut.band + 0.02), (0.90 * cut.hip, 0.75 * cut.crotch)])
    parts += [
        legs.side_seams(cut, thread),
        Groove(paths=gathers, depth=0.005, width=0.006, soft=0.004),
        Groove(paths=pockets, depth=0.005),
        Panel(outline=cut.back_band(), cloth=lining(cloth), folds=0.2, loft=0.002, shadow=0.2),
        Panel(outline=band, cloth=cloth, folds=0.2, loft=0.014, roundness=0.012, shadow=0.4),
        Ribs(outline=band, pitch=0.016, height=0.003),
        *details.drawstring(0, cut.band * 0.7, rng.uniform(0.11, 0.17), _string(cloth), rng),
    ]
    if cut.length > 0.8:
        parts += legs.knit_cuffs(cut, cloth)
    else:
        parts.append(legs.leg_hems(cut, thread, 0.92))
    if rng.random() < 0.3:
        parts += legs.side_stripe(cut, colours.contrasting(rng, cloth.colour))
    return parts


def _string(cloth: Fabric) -> Colour:
    return (225.0, 228.0, 230.0) if colours.luminance(cloth.colour) < 150 else (70.0, 66.0, 64.0)
