"""Baseball caps, from the front and from the side."""

from __future__ import annotations

import numpy as np

from hangtag.scene import colours, patterns
from hangtag.scene.colours import BRIGHT, DARK, DENIM, EARTH, NEUTRAL, Colour, pick
from hangtag.scene.fabric import Fabric, plain
from hangtag.scene.garments import details
from hangtag.scene.garments.lettering import words
from hangtag.scene.parts import Disc, Groove, Panel, Part, Stitches, Tint
from hangtag.scene.shapes import (
    Points,
    between,
    both,
    curve,
    ellipse,
    mirror,
    outline,
    shifted,
    symmetric,
    whole,
)

# fmt: off
# From the front, x in half widths of the crown; y of the crown in its heights, of the bill in its depths.
_CROWN = symmetric(
    [(0, 0), (0.45, 0.035), (0.82, 0.30), (1.0, 0.70), (1.01, 1.02)],
    [(1.01, 1.02), (0.5, 0.93), (0, 0.89)],
)
_MIDDLE_SEAM = curve([(0, 0.05), (0.006, 0.5), (0, 0.89)])
_SIDE_SEAM = curve([(0.09, 0.04), (0.42, 0.25), (0.66, 0.6), (0.74, 0.96)])
_BILL_TOP = [(0, -0.20), (0.5, -0.15), (0.96, -0.02)]
_BILL = symmetric(
    _BILL_TOP,
    [(0.96, -0.02), (1.07, 0.40), (0.93, 0.80), (0.5, 1.04), (0, 1.10)],
    [(0, 1.10), (0, 1.10)],
)
_BILL_EDGE = [(0, 1.06), (0.5, 1.0), (0.92, 0.74)]

# From the side, bill to the left; y in heights of the crown.
_SIDE_CROWN = outline(
    [(-0.20, 1.0), (-0.215, 0.62), (-0.13, 0.18), (0.06, 0.0), (0.26, 0.14), (0.365, 0.55), (0.385, 1.02)],
    [(0.385, 1.02), (0.1, 1.05), (-0.20, 1.0)],
)
_SIDE_BILL = outline(
    [(-0.10, 0.90), (-0.22, 0.84), (-0.40, 0.94), (-0.53, 1.13)],
    [(-0.53, 1.13), (-0.50, 1.20), (-0.35, 1.14), (-0.10, 1.08), (0.0, 1.05)],
    [(0.0, 1.05), (-0.10, 0.90)],
)
_SIDE_SEAMS = (
    curve([(0.06, 0.03), (-0.04, 0.4), (-0.03, 1.02)]),
    curve([(0.06, 0.03), (0.2, 0.4), (0.225, 1.03)]),
)
_SIDE_BAND = curve([(-0.19, 0.93), (0.1, 0.98), (0.38, 0.95)])
_SIDE_ROWS = (
    curve([(-0.10, 0.92), (-0.3, 0.96), (-0.5, 1.14)]),
    curve([(-0.03, 1.06), (-0.3, 1.11), (-0.5, 1.17)]),
)
# fmt: on


def cap_front(rng: np.random.Generator) -> list[Part]:
    """Return a baseball cap seen from the front and a little from above."""
    size = np.array([rng.uniform(0.33, 0.37), rng.uniform(0.36, 0.43)])
    cloth, bill_cloth = _cloths(rng)
    reach = np.array([size[0], rng.uniform(0.23, 0.31)])
    bill = shifted(_BILL * reach, 0, size[1])
    rows = [
        whole(between(np.array(_BILL_TOP), np.array(_BILL_EDGE), share)) for share in (0.32, 0.5, 0.68, 0.86)
    ]
    joint = whole(_BILL_TOP)
    under = shifted(np.vstack([joint, shifted(joint[::-1], 0, 0.05)]) * reach, 0, size[1])
    threads = details.thread(bill_cloth, 0.3)
    return [
        Panel(outline=_CROWN * size, cloth=cloth, loft=0.10, roundness=0.14, folds=0.5, shadow=0.2),
        *_crown_details(size, details.thread(cloth, 0.3)),
        *_badge(rng, cloth, 0.50 * float(size[1])),
        Panel(outline=bill, cloth=bill_cloth, loft=0.03, roundness=0.03, folds=0.05, shadow=0.8),
        Stitches(paths=[shifted(row * reach, 0, size[1]) for row in rows], colour=threads, width=0.0022),
        Tint(outline=under, colour=(10, 10, 10), strength=0.45, soft=0.016),
        _top_button(0.0, bill_cloth),
    ]


def cap_side(rng: np.random.Generator) -> list[Part]:
    """Return a baseball cap seen from the side, its bill to the left or right."""
    cloth, bill_cloth = _cloths(rng)
    size = np.array([1.0 if rng.random() < 0.5 else -1.0, rng.uniform(0.36, 0.42)])
    seams = [seam * size for seam in _SIDE_SEAMS]
    beside = [shifted(seam, dx, 0) for seam in seams for dx in (-0.010, 0.010)]
    rows = [between(*_SIDE_ROWS, share) * size for share in (0.35, 0.65)]
    thread = details.thread(cloth, 0.3)
    return [
        Panel(outline=_SIDE_CROWN * size, cloth=cloth, loft=0.10, roundness=0.13, folds=0.5, shadow=0.2),
        Groove(paths=seams, depth=0.006),
        Stitches(paths=[*beside, _SIDE_BAND * size], colour=thread, width=0.0018),
        Panel(outline=_SIDE_BILL * size, cloth=bill_cloth, loft=0.03, roundness=0.03, folds=0.05, shadow=0.7),
        Stitches(paths=rows, colour=details.thread(bill_cloth, 0.3), width=0.002),
        _top_button(0.06 * float(size[0]), bill_cloth),
    ]


def _cloths(rng: np.random.Generator) -> tuple[Fabric, Fabric]:
    """Return the cloth of the crown and of the bill."""
    cloth = plain(rng, pick(rng, DARK, BRIGHT, NEUTRAL, EARTH), "canvas", 0.03)
    choice = rng.random()
    if choice < 0.12:
        cloth = patterns.denim(rng, pick(rng, DENIM))
    elif choice < 0.24:
        cloth = patterns.camouflage(rng, "canvas")
    if rng.random() < 0.3:
        return cloth, plain(rng, colours.contrasting(rng, cloth.colour), "canvas", 0.03)
    return cloth, cloth


def _top_button(x: float, cloth: Fabric) -> Part:
    return Disc(at=(x, 0.012), radius=0.021, colour=cloth.colour, holes=0, gloss=0, height=0.02)


def _crown_details(size: Points, thread: Colour) -> list[Part]:
    seams = [_MIDDLE_SEAM * size, *both(_SIDE_SEAM * size)]
    beside = [shifted(seam, dx, 0) for seam in seams for dx in (-0.010, 0.010)]
    x, y = 0.28 * float(size[0]), 0.24 * float(size[1])
    eyelets = [
        Disc(at=(side * x, y), radius=0.011, colour=thread, height=-0.004, holes=0, gloss=0)
        for side in (-1.0, 1.0)
    ]
    return [Groove(paths=seams, depth=0.006), Stitches(paths=beside, colour=thread, width=0.0018), *eyelets]


def _badge(rng: np.random.Generator, cloth: Fabric, y: float) -> list[Part]:
    """Return an embroidered badge or lettering on the crown's front."""
    ink = colours.contrasting(rng, cloth.colour)
    if rng.random() < 0.5:
        return words(rng, ink, y, 0.36)
    half = rng.uniform(0.07, 0.10)
    shape = ellipse(0, y, half * 1.25, half)
    if rng.random() < 0.5:
        right = [(half, y - half), (half, y + 0.2 * half), (0, y + half)]
        shape = outline([(-half, y - half), (half, y - half)], right, mirror(right)[::-1])
    patch = plain(rng, ink, "canvas")
    return [
        Panel(outline=shape, cloth=patch, folds=0, loft=0.006, roundness=0.006, shadow=0.3, applied=True),
        *words(rng, cloth.colour, y, half * 1.5, rows=1),
    ]
