"""T-shirts and long-sleeved tops."""

from __future__ import annotations

import numpy as np

from hangtag.scene import colours
from hangtag.scene.fabric import Fabric, lining, plain
from hangtag.scene.garments import cloths, details
from hangtag.scene.garments.cut import Cut, Sleeve, neck_parts, sleeve_pair, sleeve_parts, underarm_creases
from hangtag.scene.parts import Panel, Part, Ribs


def t_shirt(rng: np.random.Generator) -> list[Part]:
    """Return a T-shirt laid flat."""
    fitted = rng.random() < 0.35
    cut = _tee_cut(rng, fitted=bool(fitted))
    cloth = cloths.tee(rng)
    long = rng.uniform(0.12, 0.15) if fitted else rng.uniform(0.16, 0.205)
    sleeves = sleeve_pair(
        rng, cut, length=long, down_deg=rng.uniform(32, 48), cuff=rng.uniform(0.155, 0.18) - 0.03 * fitted
    )
    ringer = plain(rng, colours.contrasting(rng, cloth.colour), "jersey") if rng.random() < 0.2 else cloth
    parts: list[Part] = [Panel(outline=cut.back_neck(), cloth=lining(cloth), folds=0.3, shadow=0)]
    parts += sleeve_parts(sleeves, cloth)
    for one in sleeves:
        if ringer is not cloth:
            parts.append(
                Panel(outline=one.band(0.9, 1), cloth=ringer, grain_deg=one.turn_deg, folds=0.2, loft=0.004)
            )
        parts.append(details.hem_stitch([one.across(0.885 if ringer is cloth else 0.9)], cloth))
    parts += [
        Panel(outline=cut.body(), cloth=cloth, loft=0.014, roundness=0.03, shadow=0.25),
        underarm_creases(cut, cloth),
        details.hem_stitch([cut.hem_line(0.025)], cloth),
    ]
    neck = neck_parts(cut, band=rng.uniform(0.018, 0.028), trim=ringer, label=(225, 225, 225))
    parts += neck
    if rng.random() < 0.62:
        parts += details.chest_print(rng, cloth, middle=cut.armpit + 0.08, width=cut.chest * 1.1)
    elif rng.random() < 0.3:
        parts += details.chest_pocket(0.10, cut.armpit - 0.05, 0.10, cloth)
    return parts


def long_sleeve(rng: np.random.Generator) -> list[Part]:
    """Return a long-sleeved top or a pullover, its sleeves beside the body."""
    knitted = bool(rng.random() < 0.55)
    cut = _pullover_cut(rng, knitted=knitted)
    cloth = cloths.pullover(rng) if knitted else cloths.long_tee(rng)
    ease = 0.012 if knitted else 0.0
    sleeves = sleeve_pair(
        rng,
        cut,
        length=rng.uniform(0.52, 0.60),
        down_deg=rng.uniform(62, 76),
        cuff=rng.uniform(0.085, 0.105),
        bend=rng.uniform(0.005, 0.03),
        ease=ease,
    )
    parts: list[Part] = [Panel(outline=cut.back_neck(), cloth=lining(cloth), folds=0.3, shadow=0)]
    parts += sleeve_parts(sleeves, cloth, loft=0.018 if knitted else 0.012)
    parts += [_cuff(one, cloth, knitted=knitted) for one in sleeves]
    parts += [Ribs(outline=one.band(0.89, 1), turn_deg=one.turn_deg) for one in sleeves if knitted]
    parts += [
        Panel(outline=cut.body(), cloth=cloth, loft=0.02 if knitted else 0.014, roundness=0.03, shadow=0.3),
        underarm_creases(cut, cloth),
    ]
    if knitted:
        band = cut.hem_band(0.055)
        parts += [
            Panel(outline=band, cloth=cloth, folds=0.3, loft=0.012, shadow=0.2, applied=False),
            Ribs(outline=band),
        ]
    else:
        parts.append(details.hem_stitch([cut.hem_line(0.025)], cloth))
    width = rng.uniform(0.026, 0.04) if knitted else rng.uniform(0.016, 0.024)
    parts += neck_parts(cut, band=width, trim=cloth, label=(60, 60, 60))
    if not knitted and rng.random() < 0.45:
        parts += details.chest_print(rng, cloth, middle=cut.armpit + 0.08, width=cut.chest)
    return parts


def _cuff(one: Sleeve, cloth: Fabric, *, knitted: bool) -> Part:
    if not knitted:
        return details.hem_stitch([one.across(0.96)], cloth)
    return Panel(
        outline=one.band(0.89, 1), cloth=cloth, grain_deg=one.turn_deg, folds=0.2, loft=0.010, shadow=0.25
    )


def _tee_cut(rng: np.random.Generator, *, fitted: bool) -> Cut:
    chest = rng.uniform(0.220, 0.245) if fitted else rng.uniform(0.255, 0.285)
    return Cut(
        neck=rng.uniform(0.095, 0.125),
        depth=rng.uniform(0.07, 0.11) + (0.03 if fitted else 0.0),
        pointed=bool(rng.random() < 0.2),
        shoulder=chest - rng.uniform(0.0, 0.02),
        slope=rng.uniform(0.05, 0.075),
        armpit=rng.uniform(0.24, 0.27),
        chest=chest,
        waist=chest * (rng.uniform(0.86, 0.93) if fitted else rng.uniform(0.97, 1.0)),
        hem=chest * (rng.uniform(0.96, 1.03) if fitted else rng.uniform(0.98, 1.03)),
        length=rng.uniform(0.74, 0.86),
    )


def _pullover_cut(rng: np.random.Generator, *, knitted: bool) -> Cut:
    chest = rng.uniform(0.255, 0.29) if knitted else rng.uniform(0.23, 0.27)
    return Cut(
        neck=rng.uniform(0.09, 0.12),
        depth=rng.uniform(0.06, 0.09),
        pointed=bool(rng.random() < 0.25),
        shoulder=chest - rng.uniform(0.0, 0.03),
        slope=rng.uniform(0.05, 0.075),
        armpit=rng.uniform(0.24, 0.28),
        chest=chest,
        waist=chest * rng.uniform(0.95, 1.0),
        hem=chest * (rng.uniform(0.9, 0.97) if knitted else rng.uniform(0.97, 1.02)),
        length=rng.uniform(0.66, 0.74),
    )
