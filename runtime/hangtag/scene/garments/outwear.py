"""Outerwear: padded jackets and vests, parkas, coats and blazers, leather, bomber and denim jackets."""

from __future__ import annotations

import numpy as np

from hangtag.scene import colours, patterns
from hangtag.scene.colours import DENIM, pick
from hangtag.scene.fabric import Fabric, plain
from hangtag.scene.garments import cloths, details, fronts
from hangtag.scene.garments.collars import collar_parts, hood_back, lapel_parts, placket_parts, stand_collar
from hangtag.scene.garments.cut import Cut, Sleeve, sleeve_pair, sleeve_parts, underarm_creases
from hangtag.scene.parts import Groove, Panel, Part, Ribs, Stitches
from hangtag.scene.shapes import Points, curve, mirror, resampled, shifted


def outwear(rng: np.random.Generator) -> list[Part]:
    """Return a jacket or coat of one of five kinds."""
    kinds = (_puffer, _puffer, _puffer, _parka, _parka, _parka, _coat, _zipped, _denim_jacket)
    return kinds[int(rng.integers(len(kinds)))](rng)


def _puffer(rng: np.random.Generator) -> list[Part]:
    vest = bool(rng.random() < 0.2)
    hooded = bool(rng.random() < 0.45)
    cut = _cut(rng, length=rng.uniform(0.70, 0.84), depth=0.06)
    cloth = cloths.padding(rng)
    parts: list[Part] = hood_back(rng, cloth, cut.neck, None) if hooded else []
    pitch = rng.uniform(0.080, 0.115)
    if not vest:
        sleeves = _sleeves(rng, cut, cuff=rng.uniform(0.11, 0.13), ease=0.022)
        parts += sleeve_parts(sleeves, cloth, loft=0.04)
        for one in sleeves:
            parts += _quilted_sleeve(rng, one, pitch)
    parts.append(Panel(outline=cut.body(), cloth=cloth, loft=0.045, roundness=0.05, shadow=0.45, folds=0.5))
    parts += _quilted_body(rng, cut, pitch)
    parts += stand_collar(cut, cloth, height=rng.uniform(0.06, 0.08), ribbed=False)
    parts += fronts.zipped_front(rng, cut, cloth, opened=bool(rng.random() < 0.35))
    return [*parts, *fronts.side_pockets(cut, cloth)]


def _parka(rng: np.random.Generator) -> list[Part]:
    cut = _cut(rng, length=rng.uniform(0.74, 0.90), depth=0.075)
    cloth = cloths.shell(rng)
    fur = (
        plain(rng, pick(rng, ("camel", "brown", "cream", "grey")), "fleece", 0.18)
        if rng.random() < 0.4
        else None
    )
    parts: list[Part] = hood_back(rng, cloth, cut.neck, fur)
    sleeves = _sleeves(rng, cut, cuff=rng.uniform(0.105, 0.125), ease=0.012)
    parts += sleeve_parts(sleeves, cloth, loft=0.022)
    for one in sleeves:
        tab = one.band(0.9, 0.955)
        parts.append(
            Panel(outline=tab, cloth=cloth, grain_deg=one.turn_deg, folds=0, loft=0.006, applied=True)
        )
    parts.append(Panel(outline=cut.body(), cloth=cloth, loft=0.026, roundness=0.035, shadow=0.4))
    parts.append(underarm_creases(cut, cloth))
    parts += fronts.zipped_front(rng, cut, cloth, opened=False)
    if rng.random() < 0.6:
        bottom = cut.length + cut.tail
        parts += placket_parts(
            cut.depth, bottom - 0.02, cloth, buttons=5, colour=details.METAL, width=0.06, radius=0.010
        )
    for side in (-1.0, 1.0):
        parts += details.chest_pocket(side * 0.56 * cut.chest, 0.62 * cut.length, 0.15, cloth, flap=True)
    waist = _across(cut, 0.53)
    parts += [
        Groove(paths=[waist], depth=0.008, width=0.006, soft=0.004),
        Stitches(paths=[waist], colour=details.thread(cloth)),
    ]
    return [*parts, *fronts.hood_front(cut, cloth, rng)]


def _coat(rng: np.random.Generator) -> list[Part]:
    blazer = bool(rng.random() < 0.3)
    length = rng.uniform(0.74, 0.84) if blazer else rng.uniform(0.88, 1.02)
    cut = _cut(rng, length=length, depth=rng.uniform(0.28, 0.34))
    cloth = cloths.coating(rng)
    sleeves = _sleeves(rng, cut, cuff=rng.uniform(0.105, 0.12), ease=0.006)
    parts: list[Part] = [fronts.coat_inside(cut, cloth), *sleeve_parts(sleeves, cloth, loft=0.018)]
    parts.append(Panel(outline=cut.body(), cloth=cloth, loft=0.02, roundness=0.03, shadow=0.4))
    parts.append(underarm_creases(cut, cloth))
    bottom = cut.length + cut.tail
    edge = curve([(0.02, cut.depth), (0.024, 0.6 * bottom), (0.02, bottom)])
    parts.append(Groove(paths=[edge], depth=0.007, width=0.005, soft=0.003))
    parts += lapel_parts(cut, cloth, width=rng.uniform(0.075, 0.10))
    parts += fronts.coat_buttons(rng, cut, cloth, double=not blazer and bool(rng.random() < 0.5))
    return [*parts, *fronts.flap_pockets(cut, cloth)]


def _zipped(rng: np.random.Generator) -> list[Part]:
    """Return a bomber, leather or fleece jacket: zip, ribbed or plain edges, stand collar."""
    cut = _cut(rng, length=rng.uniform(0.66, 0.74), depth=0.065)
    leather = bool(rng.random() < 0.6)
    cloth = (
        cloths.hide(rng)
        if leather
        else plain(rng, pick(rng, colours.DARK, ("olive", "teal", "grey")), "nylon")
    )
    rib = plain(rng, colours.shaded(cloth.colour, 0.85), "jersey", 0.04)
    sleeves = _sleeves(rng, cut, cuff=rng.uniform(0.10, 0.12), ease=0.014)
    parts: list[Part] = sleeve_parts(sleeves, cloth, loft=0.024)
    for one in sleeves:
        parts += _ribbed_band(one.band(0.9, 1), rib, one.turn_deg)
    parts.append(Panel(outline=cut.body(), cloth=cloth, loft=0.026, roundness=0.035, shadow=0.45, folds=1.2))
    parts.append(underarm_creases(cut, cloth))
    parts += _ribbed_band(cut.hem_band(0.06), rib, 0.0)
    parts += stand_collar(cut, rib if not leather else cloth, height=0.055, ribbed=not leather)
    parts += fronts.zipped_front(rng, cut, cloth, opened=bool(rng.random() < 0.55))
    seam = _across(cut, 0.36)
    parts.append(Groove(paths=[seam], depth=0.004))
    return [*parts, *fronts.side_pockets(cut, cloth)]


def _denim_jacket(rng: np.random.Generator) -> list[Part]:
    cut = _cut(rng, length=rng.uniform(0.66, 0.74), depth=0.085)
    cloth = patterns.denim(rng, pick(rng, DENIM, DENIM, ("black", "cream")))
    gold = (85.0, 140.0, 185.0)
    sleeves = _sleeves(rng, cut, cuff=rng.uniform(0.10, 0.115), ease=0.006)
    parts: list[Part] = sleeve_parts(sleeves, cloth, loft=0.018)
    for one in sleeves:
        cuff = one.band(0.91, 1)
        parts.append(
            Panel(outline=cuff, cloth=cloth, grain_deg=one.turn_deg, folds=0.2, loft=0.012, shadow=0.4)
        )
        parts.append(Stitches(paths=[one.across(0.895), one.across(0.92)], colour=gold))
    parts.append(Panel(outline=cut.body(), cloth=cloth, loft=0.02, roundness=0.03, shadow=0.4))
    yoke = _across(cut, 0.33)
    darts = [
        curve([(x, 0.33 * cut.length), (x + dx, cut.length - 0.05)])
        for x, dx in ((0.19, -0.07), (0.10, -0.03))
    ]
    seams = [yoke, shifted(yoke, 0, 0.008), *darts, *(mirror(dart) for dart in darts)]
    parts += [Groove(paths=seams, depth=0.004), Stitches(paths=seams, colour=gold)]
    for side in (-1.0, 1.0):
        parts += details.chest_pocket(side * 0.145, 0.33 * cut.length + 0.015, 0.105, cloth, flap=True)
    band = cut.hem_band(0.05)
    parts.append(Panel(outline=band, cloth=cloth, grain_deg=90, folds=0.2, loft=0.012, shadow=0.3))
    if rng.random() < 0.5:
        parts += fronts.open_buttoned_front(rng, cut, cloth)
        return [*parts, *collar_parts(cut, cloth, point=(0.125, cut.depth + 0.075), spread=0.03)]
    bottom = cut.length + cut.tail
    parts += placket_parts(
        cut.depth, bottom, cloth, buttons=6, colour=details.BRASS, width=0.045, radius=0.010
    )
    return [*parts, *collar_parts(cut, cloth, point=(0.115, cut.depth + 0.075), spread=0.012)]


def _cut(rng: np.random.Generator, *, length: float, depth: float) -> Cut:
    chest = rng.uniform(0.275, 0.31)
    return Cut(
        neck=rng.uniform(0.088, 0.105),
        depth=depth,
        pointed=depth > 0.2,
        shoulder=chest - rng.uniform(0.0, 0.02),
        slope=rng.uniform(0.055, 0.075),
        armpit=rng.uniform(0.27, 0.30),
        chest=chest,
        waist=chest * rng.uniform(0.94, 1.0),
        hem=chest * rng.uniform(0.96, 1.06),
        length=length,
        tail=0.006,
    )


def _sleeves(rng: np.random.Generator, cut: Cut, *, cuff: float, ease: float) -> tuple[Sleeve, Sleeve]:
    return sleeve_pair(
        rng,
        cut,
        length=rng.uniform(0.54, 0.60),
        down_deg=rng.uniform(70, 81),
        cuff=cuff,
        bend=rng.uniform(0.01, 0.035),
        ease=ease,
    )


def _across(cut: Cut, share: float) -> Points:
    """Return a line across the body at a share of its length."""
    y = share * cut.length
    half = float(
        np.interp(
            y, [cut.armpit, 0.5 * (cut.armpit + cut.length), cut.length], [cut.chest, cut.waist, cut.hem]
        )
    )
    return curve([(-half, y), (0, y + 0.006), (half, y)])


def _quilted_body(rng: np.random.Generator, cut: Cut, pitch: float) -> list[Part]:
    count = int((cut.length - 0.14) / pitch)
    lines = [_across(cut, (cut.length - (row + 1) * pitch) / cut.length) for row in range(count)]
    return _quilting(rng, lines)


def _quilted_sleeve(rng: np.random.Generator, one: Sleeve, pitch: float) -> list[Part]:
    shares = np.arange(0.16, 0.97, pitch / 0.62)
    return _quilting(
        rng,
        [
            curve(np.vstack([line[0], shifted(line.mean(axis=0), 0, 0.008), line[1]]))
            for line in map(one.across, shares)
        ],
    )


def _quilting(rng: np.random.Generator, lines: list[Points]) -> list[Part]:
    """Return quilted seams: a soft valley, a sharp seam, and the puckers beside it."""
    puckers = []
    for line in lines:
        for x, y in resampled(line, rng.uniform(0.03, 0.97, 11)):
            reach = rng.uniform(0.010, 0.024) * rng.choice([-1.0, 1.0])
            puckers.append(
                curve(
                    [
                        (x, y),
                        (x + rng.normal(0, 0.003), y + 0.5 * reach),
                        (x + rng.normal(0, 0.006), y + reach),
                    ]
                )
            )
    return [
        Groove(paths=lines, depth=0.024, width=0.026, soft=0.015),
        Groove(paths=lines, depth=0.006, width=0.004, soft=0.003),
        Groove(paths=puckers, depth=0.004, width=0.004, soft=0.003),
    ]


def _ribbed_band(band: Points, rib: Fabric, turn_deg: float) -> list[Part]:
    return [
        Panel(
            outline=band, cloth=rib, grain_deg=turn_deg, folds=0.2, loft=0.014, roundness=0.012, shadow=0.4
        ),
        Ribs(outline=band, turn_deg=turn_deg),
    ]
