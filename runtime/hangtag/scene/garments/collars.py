"""Collars, plackets, lapels and hoods, for shirts and outerwear."""

from __future__ import annotations

import numpy as np

from hangtag.scene.colours import Colour
from hangtag.scene.fabric import Fabric, lining
from hangtag.scene.garments import details
from hangtag.scene.garments.cut import Cut
from hangtag.scene.parts import Groove, Panel, Part, Ribs, Stitches, Tint
from hangtag.scene.shapes import Points, both, box, curve, mirror, outline, symmetric


def collar_parts(cut: Cut, cloth: Fabric, *, point: tuple[float, float], spread: float = 0.0) -> list[Part]:
    """Return a turned-down collar: the inside of its back, and two leaves (drawn after the body).

    Args:
        cut: the body; its neckline's depth is where the leaves meet.
        cloth: what it is made of.
        point: x and y of the right leaf's tip.
        spread: how far the leaves stay apart in the middle.
    """
    neck, depth = cut.neck, cut.depth
    inside = lining(cloth)
    back = symmetric(
        [(0, -0.034), (0.7 * neck, -0.036), (neck + 0.012, -0.014)],
        [(neck + 0.012, -0.014), (0.85 * neck, 0.35 * depth), (spread + 0.004, depth)],
        [(spread + 0.004, depth), (0, depth)],
    )
    fold = curve([(-neck, 0.004), (-0.5 * neck, 0.024), (0, 0.030), (0.5 * neck, 0.024), (neck, 0.004)])
    leaf = outline(
        [(spread, depth), (0.62 * neck, 0.42 * depth), (neck, -0.016)],
        [(neck, -0.016), (neck + 0.030, 0.004), (neck + 0.038, 0.040)],
        [(neck + 0.038, 0.040), (0.5 * (neck + 0.038 + point[0]) + 0.004, 0.5 * (0.04 + point[1])), point],
        [point, (0.5 * (point[0] + spread), 0.5 * (point[1] + depth) - 0.004), (spread, depth)],
    )
    edge = np.vstack(
        [
            curve([(neck + 0.032, 0.036), (point[0] - 0.004, point[1] - 0.010)]),
            [(spread + 0.004, depth - 0.006)],
        ]
    )
    parts: list[Part] = [
        Panel(outline=back, cloth=inside, folds=0.2, loft=0.002, shadow=0.15),
        Tint(outline=back, colour=(20, 20, 20), strength=0.16, soft=0.012),
        Groove(paths=[fold], depth=0.004, width=0.003),
        *details.size_label(0.0, (225, 225, 225)),
    ]
    for side, turn in ((leaf, -35.0), (mirror(leaf), 35.0)):
        parts.append(
            Panel(
                outline=side, cloth=cloth, grain_deg=turn, folds=0.15, loft=0.010, roundness=0.010, shadow=0.6
            )
        )
    stitches = [edge, mirror(edge)]
    parts.append(Stitches(paths=stitches, colour=details.thread(cloth, 0.25), width=0.0016, length=0.005))
    return parts


def placket_parts(
    top: float,
    bottom: float,
    cloth: Fabric,
    *,
    buttons: int,
    colour: Colour,
    width: float = 0.034,
    radius: float = 0.0085,
) -> list[Part]:
    """Return the buttoned strip down a front."""
    half = 0.5 * width
    strip = box(-half, top, half, bottom)
    seams = [np.array([(x, top + 0.004), (x, bottom)]) for x in (-half + 0.006, half - 0.006)]
    column = np.array([(0, top + 0.012), (0.0, bottom - 0.06)])
    return [
        Panel(outline=strip, cloth=cloth, folds=0.12, loft=0.007, roundness=0.004, shadow=0.6, applied=True),
        Stitches(paths=seams, colour=details.thread(cloth, 0.22), width=0.0016, length=0.005),
        *details.buttons(column, buttons, radius, colour),
    ]


def lapel_parts(cut: Cut, cloth: Fabric, *, width: float) -> list[Part]:
    """Return two lapels with notches that fold back from a deep neckline, and the collar behind them."""
    neck, depth = cut.neck, cut.depth
    notch_y = 0.30 * depth
    tip = (neck + width, notch_y + 0.012)
    lapel = outline(
        [(0.004, depth), (0.45 * neck, 0.55 * depth), (0.93 * neck, 0.10 * depth)],
        [(0.93 * neck, 0.10 * depth), (neck + 0.55 * width, notch_y - 0.004)],
        [(neck + 0.55 * width, notch_y - 0.004), tip],
        [tip, (neck + 0.55 * width, 0.62 * depth), (0.004, depth)],
    )
    collar = outline(
        [(0.95 * neck, 0.16 * depth), (neck, -0.018)],
        [(neck, -0.018), (neck + 0.035, 0.0), (neck + 0.75 * width, 0.12 * depth)],
        [(neck + 0.75 * width, 0.12 * depth), (neck + 0.62 * width, notch_y - 0.016)],
        [(neck + 0.62 * width, notch_y - 0.016), (0.95 * neck, 0.16 * depth)],
    )
    back = symmetric(
        [(0, -0.036), (0.7 * neck, -0.036), (neck + 0.008, -0.014)],
        [(neck + 0.008, -0.014), (0.9 * neck, 0.03), (0.5 * neck, 0.045)],
        [(0.5 * neck, 0.045), (0, 0.05)],
    )
    parts: list[Part] = [Panel(outline=back, cloth=cloth, folds=0.1, loft=0.010, shadow=0.3)]
    parts += [
        Panel(outline=piece, cloth=cloth, folds=0.15, loft=0.010, roundness=0.010, shadow=0.6)
        for piece in (*both(lapel), *both(collar))
    ]
    return parts


def hood_back(rng: np.random.Generator, cloth: Fabric, neck: float, fur: Fabric | None) -> list[Part]:
    """Return a hood that lies above the shoulders, drawn before the body."""
    height, wide = rng.uniform(0.19, 0.24), neck + rng.uniform(0.035, 0.06)
    outer = _hood(height, wide, neck)
    opening = _hood(0.80 * height, 0.62 * wide, 0.55 * neck)
    parts: list[Part] = []
    if fur is not None:
        parts.append(
            Panel(outline=_hood(height + 0.022, wide + 0.022, neck + 0.01), cloth=fur, loft=0.03, shadow=0)
        )
    parts.append(Panel(outline=outer, cloth=cloth, loft=0.024, roundness=0.04, shadow=0.2))
    parts.append(
        Panel(outline=opening, cloth=lining(cloth), folds=0.8, loft=-0.02, roundness=0.03, shadow=0.3)
    )
    parts.append(Tint(outline=opening, colour=(15, 15, 15), strength=0.35, soft=0.02))
    seam = curve([(0, -height + 0.01), (0.004, -0.9 * height)])
    parts.append(Groove(paths=[seam], depth=0.004))
    return parts


def stand_collar(cut: Cut, cloth: Fabric, *, height: float, ribbed: bool) -> list[Part]:
    """Return an upright collar, seen from the front, open at the zip (drawn after the body)."""
    neck = cut.neck
    inside = symmetric(
        [(0, -0.7 * height), (0.7 * neck, -0.72 * height), (neck - 0.006, -0.85 * height)],
        [(neck - 0.006, -0.85 * height), (neck, 0.02), (0.5 * neck, cut.depth)],
        [(0.5 * neck, cut.depth), (0, cut.depth + 0.01)],
    )
    half = outline(
        [
            (0.004, cut.depth - 0.62 * height),
            (0.6 * neck, 0.55 * cut.depth - 0.8 * height),
            (neck - 0.01, -0.9 * height),
        ],
        [(neck - 0.01, -0.9 * height), (neck + 0.018, 0.010)],
        [(neck + 0.018, 0.010), (0.6 * neck, 0.80 * cut.depth), (0.004, cut.depth + 0.006)],
        [(0.004, cut.depth + 0.006), (0.004, cut.depth - 0.62 * height)],
    )
    parts: list[Part] = [
        Panel(outline=inside, cloth=lining(cloth), folds=0.3, loft=-0.01, shadow=0.2),
        Tint(outline=inside, colour=(15, 15, 15), strength=0.25, soft=0.015),
        *details.size_label(-0.2 * height, (60, 60, 60)),
    ]
    for piece, turn in ((half, -25.0), (mirror(half), 25.0)):
        parts.append(Panel(outline=piece, cloth=cloth, folds=0.25, loft=0.014, roundness=0.014, shadow=0.45))
        if ribbed:
            parts.append(Ribs(outline=piece, turn_deg=turn))
    return parts


def _hood(height: float, wide: float, neck: float) -> Points:
    return symmetric(
        [
            (0, -height),
            (0.55 * wide, -0.94 * height),
            (wide, -0.5 * height),
            (0.98 * wide, -0.12 * height),
            (neck, 0.035),
        ],
        [(neck, 0.035), (0.5 * neck, 0.08), (0, 0.09)],
    )
