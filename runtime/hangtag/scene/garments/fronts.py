"""The front of outerwear: zips, closed or undone, coat buttons, hood cords, pockets."""

from __future__ import annotations

import numpy as np

from hangtag.scene import colours, patterns
from hangtag.scene.colours import pick
from hangtag.scene.fabric import Fabric, lining, plain
from hangtag.scene.garments import details
from hangtag.scene.garments.cut import Cut
from hangtag.scene.parts import Cord, Groove, Panel, Part, Stitches, Tint
from hangtag.scene.shapes import Points, curve, mirror, outline


def zipped_front(rng: np.random.Generator, cut: Cut, cloth: Fabric, *, opened: bool) -> list[Part]:
    """Return a zip down the front, closed or undone."""
    metal = details.METAL if rng.random() < 0.7 else details.BRASS
    bottom = cut.length + cut.tail
    if opened:
        edges, parts = _open_front(rng, cut)
        tape = colours.shaded(cloth.colour, 0.62)
        return [
            *parts,
            Cord(paths=edges, colour=tape, width=0.016, height=0.002, shadow=0.6),
            Stitches(paths=edges, colour=metal, width=0.007, length=0.005),
        ]
    wiggle = rng.normal(0, 0.003, 2)
    path = curve([(0, cut.depth - 0.03), (wiggle[0], 0.4 * bottom), (wiggle[1], 0.7 * bottom), (0, bottom)])
    return details.zip_parts(path, cloth, metal)


def open_buttoned_front(rng: np.random.Generator, cut: Cut, cloth: Fabric) -> list[Part]:
    """Return an unbuttoned front with stitched edges, buttons on one of them."""
    edges, parts = _open_front(rng, cut)
    strips = [
        np.vstack([edge, edge[::-1] + np.array([side * 0.034, 0])])
        for edge, side in zip(edges, (1, -1), strict=True)
    ]
    middles = [edge + np.array([side * 0.017, 0]) for edge, side in zip(edges, (1, -1), strict=True)]
    for strip in strips:
        parts.append(
            Panel(
                outline=strip, cloth=cloth, folds=0.1, loft=0.008, roundness=0.005, shadow=0.6, applied=True
            )
        )
    return [*parts, *details.buttons(middles[0], 6, 0.010, details.BRASS)]


def _open_front(rng: np.random.Generator, cut: Cut) -> tuple[list[Points], list[Part]]:
    """Return the two edges of an open front, and the lining that it shows."""
    gap = rng.uniform(0.05, 0.10)
    bottom = cut.length + cut.tail
    right = curve([(rng.uniform(0.02, 0.04), cut.depth - 0.02), (0.55 * gap, 0.55 * bottom), (gap, bottom)])
    left = curve(
        [(-rng.uniform(0.02, 0.04), cut.depth - 0.02), (-0.5 * gap, 0.5 * bottom), (-0.9 * gap, bottom)]
    )
    shape = np.vstack([right, left[::-1]])
    colour = pick(rng, ("grey", "navy", "black", "mustard", "burgundy", "cream"))
    inner = patterns.check(rng, colour, "cotton", 14) if rng.random() < 0.3 else plain(rng, colour, "satin")
    parts: list[Part] = [
        Panel(outline=shape, cloth=inner, loft=-0.014, roundness=0.012, shadow=0),
        Tint(outline=shape, colour=(10, 10, 10), strength=0.35, soft=0.02),
    ]
    return [right, left], parts


def side_pockets(cut: Cut, cloth: Fabric) -> list[Part]:
    """Return two slanted slit pockets."""
    parts: list[Part] = []
    for side in (-1.0, 1.0):
        line = np.array(
            [(side * 0.52 * cut.hem, 0.62 * cut.length), (side * 0.68 * cut.hem, 0.80 * cut.length)]
        )
        parts += details.slit_pocket(line, cloth)
    return parts


def hood_front(cut: Cut, cloth: Fabric, rng: np.random.Generator) -> list[Part]:
    """Return the hood's seam on the neckline and its two cords."""
    edge = curve(cut.neckline(deeper=0.004))
    cord = colours.mixed(cloth.colour, (230, 230, 230), 0.6)
    ends = [
        curve(
            [
                (s * 0.045, cut.depth - 0.005),
                (s * (0.05 + rng.uniform(0, 0.02)), cut.depth + 0.06),
                (s * 0.05, cut.depth + rng.uniform(0.11, 0.15)),
            ]
        )
        for s in (-1.0, 1.0)
    ]
    return [
        Groove(paths=[edge, mirror(edge)], depth=0.006, width=0.005),
        Cord(paths=ends, colour=cord, width=0.009),
    ]


def coat_inside(cut: Cut, cloth: Fabric) -> Panel:
    """Return the lining that a coat's neckline shows."""
    shape = outline(
        [(-cut.neck - 0.02, 0.0), (0, -0.01), (cut.neck + 0.02, 0.0)],
        [(cut.neck + 0.02, 0), (0.03, cut.depth + 0.02)],
        [(0.03, cut.depth + 0.02), (-cut.neck - 0.02, 0.0)],
    )
    return Panel(outline=shape, cloth=lining(cloth), folds=0.6, shadow=0)


def coat_buttons(rng: np.random.Generator, cut: Cut, cloth: Fabric, *, double: bool) -> list[Part]:
    """Return one or two columns of large buttons."""
    dark = colours.shaded(cloth.colour, 0.45)
    count = 2 if cut.length < 0.86 else 3
    low = cut.depth + 0.12 * (count - 1)
    columns = (-0.055, 0.055) if double else (0.0,)
    parts: list[Part] = []
    for x in columns:
        parts += details.buttons(
            np.array([(x, cut.depth + 0.02), (x, low + 0.03)]), count, rng.uniform(0.012, 0.015), dark
        )
    return parts


def _flap(x: float, y: float, width: float) -> Points:
    half = 0.5 * width
    return outline(
        [(x - half, y), (x + half, y)],
        [(x + half, y), (x + half, y + 0.045)],
        [(x + half, y + 0.045), (x, y + 0.05), (x - half, y + 0.045)],
        [(x - half, y + 0.045), (x - half, y)],
    )


def flap_pockets(cut: Cut, cloth: Fabric) -> list[Part]:
    """Return two pockets with flaps at the hips."""
    y = 0.66 * min(cut.length, 0.85)
    return [
        Panel(
            outline=_flap(side * 0.58 * cut.chest, y, 0.14),
            cloth=cloth,
            folds=0.1,
            loft=0.007,
            roundness=0.006,
            applied=True,
        )
        for side in (-1.0, 1.0)
    ]
