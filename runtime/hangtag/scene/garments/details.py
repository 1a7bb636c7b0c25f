"""Details that several garments share: labels, hems, pockets, buttons, zips, prints."""

from __future__ import annotations

import numpy as np

from hangtag.scene import colours
from hangtag.scene.colours import Colour
from hangtag.scene.fabric import Fabric
from hangtag.scene.garments.lettering import words
from hangtag.scene.parts import Cord, Disc, Groove, Panel, Part, Stitches, Tint
from hangtag.scene.shapes import Points, blob, box, curve, ellipse, outline, resampled, shifted

METAL: Colour = (150.0, 155.0, 160.0)
BRASS: Colour = (70.0, 125.0, 165.0)


def thread(cloth: Fabric, contrast: float = 0.35) -> Colour:
    """Return the colour of thread on a cloth: a little lighter on dark cloth, darker on light cloth."""
    light = colours.luminance(cloth.colour) < 110
    return colours.mixed(cloth.colour, (225, 225, 225) if light else (40, 40, 40), contrast)


def hem_stitch(paths: list[Points], cloth: Fabric) -> Part:
    """Return the stitches along a hem."""
    return Stitches(paths=paths, colour=thread(cloth, 0.22), width=0.002, length=0.005)


def size_label(top: float, colour: Colour) -> list[Part]:
    """Return the woven label inside a neck."""
    ink = (60.0, 60.0, 60.0) if colours.luminance(colour) > 120 else (220.0, 220.0, 220.0)
    return [
        Tint(outline=box(-0.022, top - 0.012, 0.022, top + 0.012), colour=colour, strength=0.95, soft=0.001),
        Tint(outline=box(-0.014, top - 0.003, 0.014, top + 0.003), colour=ink, strength=0.7, soft=0.001),
    ]


def buttons(path: Points, count: int, radius: float, colour: Colour) -> list[Part]:
    """Return buttons spread evenly over a path, with a little dent around each."""
    places = resampled(path, np.linspace(0, 1, count))
    return [Disc(at=(float(x), float(y)), radius=radius, colour=colour) for x, y in places]


def zip_parts(path: Points, cloth: Fabric, metal: Colour, *, width: float = 0.026) -> list[Part]:
    """Return a zip: its tape, its teeth, its slider."""
    top = path[0]
    return [
        Groove(paths=[path], depth=0.008, width=width, soft=0.003),
        Cord(
            paths=[path],
            colour=colours.shaded(cloth.colour, 0.62),
            width=width * 0.55,
            height=0.001,
            shadow=0.2,
        ),
        Stitches(paths=[path], colour=metal, width=width * 0.26, length=0.005),
        Disc(at=(float(top[0]), float(top[1]) + 0.012), radius=0.007, colour=metal, holes=0, gloss=0.6),
        Cord(paths=[top + np.array([[0, 0.014], [0.002, 0.045]])], colour=metal, width=0.007, gloss=0.6),
    ]


def chest_pocket(x: float, y: float, width: float, cloth: Fabric, *, flap: bool = False) -> list[Part]:
    """Return a patch pocket whose middle top is at (x, y)."""
    half, height = 0.5 * width, 1.12 * width
    shape = outline(
        [(x - half, y), (x + half, y)],
        [(x + half, y), (x + half, y + 0.8 * height)],
        [(x + half, y + 0.8 * height), (x, y + height)],
        [(x, y + height), (x - half, y + 0.8 * height)],
        [(x - half, y + 0.8 * height), (x - half, y)],
    )
    inset = (shape - [x, y + 0.5 * height]) * 0.90 + [x, y + 0.5 * height]
    parts: list[Part] = [
        Panel(outline=shape, cloth=cloth, folds=0.15, loft=0.004, roundness=0.004, shadow=0.3, applied=True),
        Stitches(paths=[np.vstack([inset, inset[:1]])], colour=thread(cloth), width=0.0018, length=0.005),
    ]
    if flap:
        top = outline(
            [(x - half - 0.004, y - 0.012), (x + half + 0.004, y - 0.012)],
            [(x + half + 0.004, y - 0.012), (x + half + 0.004, y + 0.028), (x, y + 0.05)],
            [(x, y + 0.05), (x - half - 0.004, y + 0.028), (x - half - 0.004, y - 0.012)],
        )
        parts.append(Panel(outline=top, cloth=cloth, folds=0.1, loft=0.006, roundness=0.005, applied=True))
        parts.append(Disc(at=(x, y + 0.03), radius=0.008, colour=thread(cloth, 0.5)))
    else:
        line = np.array([(x - half, y + 0.018), (x + half, y + 0.018)])
        parts.append(Stitches(paths=[line], colour=thread(cloth), width=0.0018, length=0.005))
    return parts


def slit_pocket(path: Points, cloth: Fabric) -> list[Part]:
    """Return a pocket's opening: a dark slit with a stitched welt."""
    return [
        Groove(paths=[path], depth=0.010, width=0.008, soft=0.003),
        Cord(paths=[path], colour=colours.shaded(cloth.colour, 0.45), width=0.005, height=-0.002, shadow=0.3),
        Stitches(paths=[shifted(path, 0.012, 0.004)], colour=thread(cloth), width=0.0018),
    ]


def chest_print(rng: np.random.Generator, cloth: Fabric, *, middle: float, width: float) -> list[Part]:
    """Return a printed motif on a chest: lettering, a disc with stripes, or a mountain."""
    ink = colours.contrasting(rng, cloth.colour)
    second = colours.pick(rng, colours.BRIGHT, colours.SOFT)
    kind = int(rng.integers(4))
    if kind == 0:
        return words(rng, ink, middle, width)
    if kind == 1:
        return [
            *_sun(ink, second, middle, 0.36 * width),
            *words(rng, ink, middle + 0.46 * width, 0.7 * width, rows=1),
        ]
    if kind == 2:
        return [
            *_mountain(ink, second, middle, 0.55 * width),
            *words(rng, ink, middle + 0.28 * width, 0.8 * width, rows=1),
        ]
    return words(rng, ink, middle - 0.05, 0.42 * width)


def _sun(ink: Colour, second: Colour, middle: float, radius: float) -> list[Part]:
    parts: list[Part] = [
        Tint(outline=ellipse(0, middle, radius, radius), colour=second, strength=0.9, soft=0.001)
    ]
    for band in (0.25, 0.5, 0.75):
        half = radius * np.sqrt(1 - band**2)
        y = middle + band * radius
        bar = box(-half, y - 0.05 * radius, half, y + 0.05 * radius)
        parts.append(Tint(outline=bar, colour=ink, strength=0.9, soft=0.001))
    return parts


def _mountain(ink: Colour, second: Colour, middle: float, half: float) -> list[Part]:
    range_ = np.array(
        [(-1, 0.3), (-0.45, -0.25), (-0.2, -0.02), (0.15, -0.5), (0.6, 0.0), (0.75, -0.1), (1, 0.3)]
    )
    snow = np.array([(-0.02, -0.27), (0.15, -0.5), (0.33, -0.3), (0.2, -0.22), (0.13, -0.32), (0.05, -0.2)])
    return [
        Tint(outline=range_ * half + [0, middle], colour=second, strength=0.9, soft=0.001),
        Tint(outline=snow * half + [0, middle], colour=ink, strength=0.9, soft=0.001),
    ]


def drawstring(x: float, y: float, length: float, colour: Colour, rng: np.random.Generator) -> list[Part]:
    """Return two loose string ends and a bow that hang from (x, y)."""
    parts: list[Part] = []
    for side in (-1.0, 1.0):
        swing = rng.uniform(0.01, 0.04) * side
        end = curve(
            [(x + 0.008 * side, y), (x + swing + 0.01 * side, y + 0.5 * length), (x + swing, y + length)]
        )
        parts.append(Cord(paths=[end], colour=colour, width=0.009, height=0.006))
        parts.append(Disc(at=(x + 0.022 * side, y), radius=0.006, colour=METAL, holes=0))
    loops = [
        blob(
            [(x, y + 0.005), (x + 0.02 * s, y - 0.006), (x + 0.042 * s, y + 0.014), (x + 0.02 * s, y + 0.018)]
        )
        for s in (-1.0, 1.0)
    ]
    parts.append(Cord(paths=[np.vstack([loop, loop[:1]]) for loop in loops], colour=colour, width=0.008))
    return parts


def worn(outline_: Points, pale: Colour) -> Part:
    """Return the paler middle of washed denim."""
    middle = outline_.mean(axis=0)
    return Tint(outline=(outline_ - middle) * [0.6, 0.5] + middle, colour=pale, strength=0.3, soft=0.05)
