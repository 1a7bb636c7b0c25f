"""Activation maps and Grad-CAM as pictures, in colours that colour-blind readers can tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from hangtag.contract import ColourOrder, InputSpec
from hangtag.files import whole_file
from hangtag.preprocess import Image, Preprocessor
from hangtag_train.explain import most_active
from hangtag_train.lettering import style, written

if TYPE_CHECKING:
    from matplotlib.figure import SubFigure

    from hangtag_train.explain import Heat, Layer, Maps

_COLUMNS = 8
_ROWS = 2
_LONGEST_TEXT = 60

Pixels = npt.NDArray[np.uint8]
"""The part of a photo that the network sees, at its size: uint8, (height, width, 3), RGB."""


def seen_pixels(image_bgr: Image, spec: InputSpec) -> Pixels:
    """Return what the network sees of a frame, as RGB."""
    pixels = np.empty(spec.shape[1:], np.uint8)
    Preprocessor(spec).write_pixels(image_bgr, pixels)
    if spec.colour_order is ColourOrder.GREY:
        return np.repeat(pixels, 3, axis=2)
    return pixels[..., ::-1] if spec.colour_order is ColourOrder.BGR else pixels


def draw_maps(maps: Sequence[tuple[Layer, Maps]], title: str, path: Path) -> None:
    """Draw the 16 most active maps of each layer as a grid, each scaled by its own range."""
    figure = Figure(figsize=(_COLUMNS, len(maps) * (_ROWS + 0.55) + 0.6), layout="constrained")
    _title(figure, title)
    parts = figure.subfigures(len(maps), 1, squeeze=False)
    for part, (layer, values) in zip(parts.flat, maps, strict=True):
        _draw_layer(part, layer, values)
    _save(figure, path)


def _draw_layer(part: SubFigure, layer: Layer, values: Maps) -> None:
    channels = most_active(values, _ROWS * _COLUMNS)
    shown = f"{len(channels)} most active of {layer.channels}" if layer.channels > len(channels) else "all"
    name = written(
        f"{layer.name}: {layer.height} x {layer.width}, {layer.channels} channels ({shown})",
        _LONGEST_TEXT + 30,
    )
    part.suptitle(name, fontsize="medium", **style([name]))
    for place, axes in enumerate(part.subplots(_ROWS, _COLUMNS).flat):
        axes.set_axis_off()
        if place < len(channels):
            axes.imshow(values[..., channels[place]], cmap="viridis", interpolation="nearest")
            axes.set_title(str(channels[place]), fontsize="xx-small", pad=1)


def draw_heat(pixels: Pixels, heat: Heat, title: str, path: Path) -> None:
    """Draw what the network sees, and beside it the same in grey under the evidence for a label."""
    height, width = pixels.shape[:2]
    panel_h = min(max(4.0 * height / width, 1.5), 10.0)
    figure = Figure(figsize=(9.2, panel_h + 1.0), layout="constrained")
    _title(figure, title)
    seen, under = figure.subplots(1, 2)
    smooth = np.clip(cv2.resize(heat.values, (width, height), interpolation=cv2.INTER_CUBIC), 0, 1)
    seen.imshow(pixels)
    seen.set_title("what the network sees", fontsize="medium")
    under.imshow(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), cmap="gray", vmin=0, vmax=255)
    scale = Normalize(0, 1)
    # Where there is no evidence the photo shows through.
    under.imshow(smooth, cmap="plasma", norm=scale, alpha=0.85 * smooth)
    name = written(f"Grad-CAM on {heat.layer}", _LONGEST_TEXT)
    under.set_title(name, fontsize="medium", **style([name]))
    for axes in (seen, under):
        axes.set_axis_off()
    bar = figure.colorbar(ScalarMappable(scale, "plasma"), ax=under, ticks=[0, 0.5, 1])
    strongest = "evidence for the label (1: strongest here)"
    bar.set_label(strongest if heat.values.any() else "no evidence for the label in this photo")
    _save(figure, path)


def _title(figure: Figure, title: str) -> None:
    text = written(title, 2 * _LONGEST_TEXT)
    figure.suptitle(text, fontsize="large", wrap=True, **style([text]))


def _save(figure: Figure, path: Path) -> None:
    with whole_file(path) as temporary:
        figure.savefig(temporary, dpi=110)
