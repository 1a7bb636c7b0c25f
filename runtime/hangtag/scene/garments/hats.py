"""Hats: baseball caps, beanies, bucket hats and, at an angle from above, brimmed hats."""

from __future__ import annotations

import numpy as np

from hangtag.scene import colours, patterns
from hangtag.scene.colours import BRIGHT, DARK, DENIM, EARTH, NEUTRAL, SOFT, Colour, pick
from hangtag.scene.fabric import Fabric, plain
from hangtag.scene.garments import details
from hangtag.scene.garments.caps import cap_front, cap_side
from hangtag.scene.parts import Creases, Disc, Groove, Panel, Part, Ribs, Stitches
from hangtag.scene.shapes import between, box, curve, ellipse, shifted, symmetric, whole


def hat(rng: np.random.Generator) -> list[Part]:
    """Return a hat of one of five kinds."""
    kinds = (cap_front, cap_front, cap_side, _beanie, _beanie, _bucket, _brimmed)
    return kinds[int(rng.integers(len(kinds)))](rng)


def _beanie(rng: np.random.Generator) -> list[Part]:
    """Return a knitted hat with a turned-up cuff, often with a pompom."""
    colour = pick(rng, NEUTRAL, DARK, SOFT, EARTH, BRIGHT)
    cloth = _wool(rng, colour)
    wide, tall, cuff = rng.uniform(0.30, 0.34), rng.uniform(0.52, 0.62), rng.uniform(0.14, 0.18)
    crown = symmetric(
        [(0, 0), (0.35 * wide, 0.025), (0.74 * wide, 0.22 * tall), (0.96 * wide, 0.55 * tall), (wide, tall)],
        [(wide, tall), (0.5 * wide, tall + 0.012), (0, tall + 0.016)],
    )
    band = symmetric(
        [(0, tall - cuff + 0.014), (0.55 * wide, tall - cuff + 0.010), (1.03 * wide, tall - cuff)],
        [(1.03 * wide, tall - cuff), (1.05 * wide, tall - 0.5 * cuff), (1.02 * wide, tall + 0.004)],
        [(1.02 * wide, tall + 0.004), (0.5 * wide, tall + 0.020), (0, tall + 0.024)],
    )
    gathers = [
        curve([(x * 0.18, 0.012), (x * 0.62 * wide, 0.25 * tall), (x * 0.92 * wide, 0.75 * tall)])
        for x in np.linspace(-1, 1, 9)
    ]
    other = plain(rng, colours.contrasting(rng, colour), "rib knit", 0.06)
    parts: list[Part] = [
        Panel(outline=crown, cloth=cloth, loft=0.07, roundness=0.09, folds=0.6, shadow=0.2),
        Groove(paths=gathers, depth=0.006, width=0.006, soft=0.005),
        Panel(
            outline=band,
            cloth=other if rng.random() < 0.2 else cloth,
            loft=0.05,
            roundness=0.045,
            folds=0.3,
            shadow=0.65,
        ),
        Ribs(outline=band, pitch=0.026, height=0.004),
    ]
    if rng.random() < 0.45:
        parts += _pompom(
            rng, colour if rng.random() < 0.5 else pick(rng, ("cream", "white", "grey", "camel"))
        )
    if rng.random() < 0.4:
        y = tall - 0.5 * cuff
        tag = plain(rng, pick(rng, ("camel", "black", "brown")), "suede")
        parts.append(
            Panel(outline=box(-0.05, y - 0.03, 0.05, y + 0.03), cloth=tag, folds=0, loft=0.006, applied=True)
        )
    return parts


def _wool(rng: np.random.Generator, colour: Colour) -> Fabric:
    choice = rng.random()
    if choice < 0.25:
        return patterns.folk(rng, colour, "knit")
    return plain(rng, colour, "rib knit", 0.07) if choice < 0.7 else patterns.heather(rng, colour, "knit")


def _pompom(rng: np.random.Generator, colour: Colour) -> list[Part]:
    angle = np.linspace(0, 2 * np.pi, 70, endpoint=False)
    way = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    ball = shifted(way * 0.085 * (1 + rng.normal(0, 0.05, (70, 1))), 0, -0.045)
    strands = [shifted(np.array([0.02 * to, 0.078 * to]), 0, -0.045) for to in way[::2]]
    fluff = plain(rng, colour, "fleece", 0.16)
    return [
        Panel(outline=ball, cloth=fluff, loft=0.09, roundness=0.06, folds=1.5, shadow=0.5),
        Groove(paths=strands, depth=0.006, width=0.004, soft=0.002),
    ]


def _bucket(rng: np.random.Generator) -> list[Part]:
    """Return a bucket hat from the front."""
    cloth = _canvas(rng)
    top, low = rng.uniform(0.19, 0.22), rng.uniform(0.27, 0.30)
    tall, brim = rng.uniform(0.27, 0.33), rng.uniform(0.17, 0.22)
    crown = symmetric(
        [(0, 0), (0.6 * top, 0.006), (top, 0.035)],
        [(top, 0.035), (0.55 * (top + low), 0.55 * tall), (low, tall)],
        [(low, tall), (0.5 * low, tall + 0.045), (0, tall + 0.055)],
    )
    edge = low + 0.75 * brim
    joint = [(0, tall + 0.045), (0.5 * low, tall + 0.035), (low, tall - 0.012)]
    rim = [(0, tall + 1.22 * brim), (0.55 * edge, tall + 1.12 * brim), (edge, tall + 0.72 * brim)]
    flare = symmetric(
        joint,
        [joint[-1], (0.5 * (low + edge) + 0.015, tall + 0.40 * brim), rim[-1]],
        rim[::-1],
    )
    rows = [whole(between(np.array(joint), np.array(rim), share)) for share in (0.25, 0.5, 0.75, 0.93)]
    crease = whole([(0, 0.068), (0.5 * top, 0.062), (top, 0.04)])
    eyelets = [
        Disc(at=(x, 0.62 * tall), radius=0.011, colour=details.METAL, holes=0)
        for x in (-0.13, -0.08, 0.08, 0.13)
    ]
    return [
        Panel(outline=crown, cloth=cloth, loft=0.07, roundness=0.09, folds=0.7, shadow=0.2),
        Groove(paths=[crease], depth=0.008, width=0.005),
        Stitches(paths=[shifted(crease, 0, 0.01)], colour=details.thread(cloth, 0.25)),
        *eyelets,
        Panel(outline=flare, cloth=cloth, loft=0.035, roundness=0.04, folds=0.8, shadow=0.55),
        Stitches(paths=rows, colour=details.thread(cloth, 0.28), width=0.002),
    ]


def _canvas(rng: np.random.Generator) -> Fabric:
    colour, choice = pick(rng, EARTH, NEUTRAL, SOFT, DARK), rng.random()
    if choice < 0.25:
        return patterns.floral(rng, colour, "canvas")
    return patterns.denim(rng, pick(rng, DENIM)) if choice < 0.45 else plain(rng, colour, "canvas", 0.03)


def _brimmed(rng: np.random.Generator) -> list[Part]:
    """Return a straw or felt hat with a ribbon, seen from above at an angle."""
    straw = bool(rng.random() < 0.6)
    felt = pick(rng, ("charcoal", "camel", "navy", "grey", "brown"))
    cloth = (
        plain(rng, pick(rng, ("sand", "cream", "camel")), "straw", 0.08)
        if straw
        else plain(rng, felt, "wool", 0.05)
    )
    ribbon = plain(rng, pick(rng, ("black", "navy", "burgundy", "brown", "red")), "satin")
    wide, deep = rng.uniform(0.46, 0.50), rng.uniform(0.30, 0.36)
    half, top = rng.uniform(0.235, 0.265), -rng.uniform(0.22, 0.28)
    foot = [(0, 0.125), (0.75 * half, 0.08), (half, -0.02)]
    crown = symmetric(
        [(0, top - 0.05), (0.5 * half, top - 0.035), (0.86 * half, top + 0.05)],
        [(0.86 * half, top + 0.05), (0.97 * half, 0.45 * top), foot[-1]],
        foot[::-1],
    )
    lower = whole(foot)
    band = np.vstack([lower, shifted(lower[::-1] * [0.985, 1.0], 0, -rng.uniform(0.06, 0.085))])
    rings = [ellipse(0, 0, wide * share, deep * share) for share in (0.97, 0.9, 0.83, 0.76, 0.69)]
    dent = curve([(0.0, top - 0.02), (0.01, top + 0.05), (0.0, 0.75 * top)])
    return [
        Panel(
            outline=ellipse(0, 0, wide, deep), cloth=cloth, loft=0.04, roundness=0.05, folds=0.8, shadow=0.2
        ),
        Groove(paths=rings if straw else rings[:1], depth=0.003, width=0.004),
        Panel(outline=crown, cloth=cloth, loft=0.12, roundness=0.12, folds=0.6, shadow=0.9),
        Creases(paths=[dent], height=-0.05, width=0.04),
        Panel(
            outline=band,
            cloth=ribbon,
            grain_deg=90,
            folds=0.1,
            loft=0.008,
            roundness=0.008,
            shadow=0.4,
            applied=True,
        ),
    ]
