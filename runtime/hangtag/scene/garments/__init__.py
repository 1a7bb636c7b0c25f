"""The ten kinds of garments, drawn from scratch: no photo is part of them."""

from __future__ import annotations

import numpy as np

from hangtag.preprocess import Image
from hangtag.scene.board import Light
from hangtag.scene.garments import bottoms, dresses, hats, outwear, shirts, shoes, skirts, tops
from hangtag.scene.garments.render import Matte, render

_MAKERS = {
    "dress": dresses.dress,
    "hat": hats.hat,
    "longsleeve": tops.long_sleeve,
    "outwear": outwear.outwear,
    "pants": bottoms.pants,
    "shirt": shirts.shirt,
    "shoes": shoes.shoes,
    "shorts": bottoms.shorts,
    "skirt": skirts.skirt,
    "t-shirt": tops.t_shirt,
}

_STIFF = frozenset({"hat", "shoes"})

GARMENTS = tuple(sorted(_MAKERS))
"""The labels of the garments that can be rendered, sorted."""


def render_garment(label: str, rng: np.random.Generator, height_px: int = 480) -> tuple[Image, Matte]:
    """Return a new variation of a garment: its picture (BGR) and its alpha matte, both ``height_px`` high.

    Args:
        label: one of ``GARMENTS``.
        rng: where cut, cloth, colours, folds and light come from; the same state gives the same garment.
        height_px: height of the picture in pixels; the width follows.

    Raises:
        ValueError: no such garment, or a height below 8 pixels.
    """
    light = Light(float(rng.uniform(200, 260)), float(rng.uniform(0.6, 0.9)))
    return garment_picture(label, rng, light, (float("inf"), height_px))


def garment_picture(
    label: str, rng: np.random.Generator, light: Light, box_wh: tuple[float, float]
) -> tuple[Image, Matte]:
    """Return a new variation of a garment under a given light, as large as fits a box of pixels."""
    if label not in _MAKERS:
        raise ValueError(f"there is no garment {label!r}; wanted one of {', '.join(GARMENTS)}")
    if min(box_wh) < 8:
        raise ValueError(f"a garment needs at least 8 pixels, got a box of {box_wh[0]} x {box_wh[1]}")
    return render(_MAKERS[label](rng), rng, light, box_wh, sway=0.2 if label in _STIFF else 1.0)
