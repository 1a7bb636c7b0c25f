"""Button-up shirts: collar, placket, buttons, yoke, cuffs."""

from __future__ import annotations

import numpy as np

from hangtag.scene import colours
from hangtag.scene.fabric import Fabric
from hangtag.scene.garments import cloths, details
from hangtag.scene.garments.collars import collar_parts, placket_parts
from hangtag.scene.garments.cut import Cut, Sleeve, sleeve_pair, sleeve_parts, underarm_creases
from hangtag.scene.parts import Disc, Groove, Panel, Part, Stitches
from hangtag.scene.shapes import both, curve, shifted


def shirt(rng: np.random.Generator) -> list[Part]:
    """Return a buttoned shirt with long or short sleeves."""
    long = bool(rng.random() < 0.5)
    cut = _shirt_cut(rng)
    cloth = cloths.shirting(rng)
    if long:
        sleeves = sleeve_pair(
            rng,
            cut,
            length=rng.uniform(0.52, 0.60),
            down_deg=rng.uniform(64, 77),
            cuff=rng.uniform(0.10, 0.12),
            bend=rng.uniform(0.0, 0.03),
            ease=0.008,
        )
    else:
        sleeves = sleeve_pair(
            rng,
            cut,
            length=rng.uniform(0.21, 0.26),
            down_deg=rng.uniform(46, 60),
            cuff=rng.uniform(0.18, 0.205),
        )
    parts: list[Part] = sleeve_parts(sleeves, cloth)
    for one in sleeves:
        parts += _long_cuff(one, cloth) if long else [details.hem_stitch([one.across(0.86)], cloth)]
    bottom = cut.length + cut.tail
    pearl = (215.0, 222.0, 225.0)
    dark = colours.shaded(cloth.colour, 0.5)
    parts += [
        Panel(outline=cut.body(), cloth=cloth, loft=0.013, roundness=0.025, shadow=0.3),
        underarm_creases(cut, cloth),
        *_yoke(cut, cloth),
        details.hem_stitch([cut.hem_line(0.016)], cloth),
        *placket_parts(
            cut.depth - 0.008, bottom - 0.002, cloth, buttons=7, colour=pearl if rng.random() < 0.65 else dark
        ),
        *collar_parts(cut, cloth, point=(rng.uniform(0.085, 0.115), cut.depth + rng.uniform(0.07, 0.10))),
        Disc(at=(0.0, cut.depth + 0.004), radius=0.0085, colour=pearl),
    ]
    if rng.random() < 0.75:
        flap = bool(rng.random() < 0.12)
        place, width = cut.armpit - 0.03, rng.uniform(0.095, 0.11)
        parts += details.chest_pocket(0.48 * cut.chest, place, width, cloth, flap=flap)
        if flap or rng.random() < 0.25:
            parts += details.chest_pocket(-0.48 * cut.chest, place, width, cloth, flap=flap)
    return parts


def _shirt_cut(rng: np.random.Generator) -> Cut:
    chest = rng.uniform(0.255, 0.29)
    return Cut(
        neck=rng.uniform(0.078, 0.090),
        depth=rng.uniform(0.075, 0.095),
        shoulder=chest - rng.uniform(0.0, 0.02),
        slope=rng.uniform(0.055, 0.075),
        armpit=rng.uniform(0.25, 0.28),
        chest=chest,
        waist=chest * rng.uniform(0.94, 0.99),
        hem=chest * rng.uniform(0.97, 1.02),
        length=rng.uniform(0.73, 0.82),
        tail=rng.uniform(0.015, 0.055),
    )


def _long_cuff(one: Sleeve, cloth: Fabric) -> list[Part]:
    band = one.band(0.885, 1)
    line = one.across(0.94)
    button = line[0] + 0.3 * (line[1] - line[0])
    return [
        Panel(
            outline=band,
            cloth=cloth,
            grain_deg=one.turn_deg,
            folds=0.1,
            loft=0.010,
            roundness=0.008,
            shadow=0.35,
        ),
        Stitches(
            paths=[one.across(0.90), one.across(0.985)], colour=details.thread(cloth, 0.25), width=0.0016
        ),
        Disc(at=(float(button[0]), float(button[1])), radius=0.008, colour=(215, 222, 225)),
    ]


def _yoke(cut: Cut, cloth: Fabric) -> list[Part]:
    middle = (0.5 * (cut.neck + cut.shoulder), 0.5 * cut.slope + 0.05)
    seams = both(curve([(0.99 * cut.neck, 0.045), middle, (cut.shoulder - 0.006, cut.slope + 0.055)]))
    stitched = [shifted(seam, 0, 0.006) for seam in seams]
    return [
        Groove(paths=seams, depth=0.003),
        Stitches(paths=stitched, colour=details.thread(cloth, 0.25), width=0.0016),
    ]
