"""What all plots of a benchmark share: colours by day and by night, and text that is nothing but text."""

from __future__ import annotations

import functools
import io
from dataclasses import dataclass
from typing import Any

from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from PIL import Image

from hangtag.page_style import TRAINING_COLOUR, VALIDATION_COLOUR

_FAMILY = "DejaVu Sans"
"""Matplotlib ships it."""

WIDTH_IN = 4.4
"""As wide as a phone, so that text is as large as the page's there."""

_DPI, _COLOURS = 220, 48


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours of the ground, of text, of less important text, of lines, and two that stand out."""

    ground: str
    ink: str
    soft: str
    line: str
    first: str
    second: str


DAY = Theme("#ffffff", "#1a1d21", "#5a6370", "#cdd3da", VALIDATION_COLOUR, TRAINING_COLOUR)
NIGHT = Theme("#14171a", "#e8ebee", "#a3adb8", "#3a424b", "#56b4e9", "#f0a060")
"""Those of the pages' style sheet."""


def figure(height_in: float, theme: Theme) -> Figure:
    """Return an empty figure; it needs no screen."""
    return Figure(figsize=(WIDTH_IN, height_in), layout="constrained", facecolor=theme.ground)


def dress(axes: Axes, theme: Theme) -> None:
    """Give axes the theme's colours, a grid, and no box around them."""
    axes.set_facecolor(theme.ground)
    axes.tick_params(colors=theme.soft, labelsize=8, length=0, which="both")
    axes.xaxis.label.set(color=theme.soft, size=8)
    axes.yaxis.label.set(color=theme.soft, size=8)
    axes.grid(visible=True, color=theme.line, linewidth=0.5)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_visible(False)


def png(drawn: Figure) -> bytes:
    """Return a figure as a PNG file of few colours: a tenth of the size, and no difference to be seen."""
    file, small = io.BytesIO(), io.BytesIO()
    drawn.savefig(file, format="png", dpi=_DPI)
    Image.open(file).convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).save(
        small, "PNG", optimize=True
    )
    return small.getvalue()


def write(axes: Axes, x: float, y: float, text: str, **style: Any) -> None:
    """Write text that may come from outside: no mathematics, and no character that the font lacks."""
    axes.text(x, y, drawable(text), parse_math=False, family=_FAMILY, in_layout=False, **style)


def entitle(drawn: Figure, text: str, colour: str) -> None:
    """Write a title above everything."""
    title = drawn.suptitle(drawable(text), color=colour, size=9, family=_FAMILY)
    title.set_parse_math(False)


def drawable(text: str, longest: int = 64) -> str:
    """Return text that can be drawn: what the font lacks as its code point, the end cut."""
    shown = "".join(
        one if one.isprintable() and ord(one) in _characters() else f"<U+{ord(one):04X}>" for one in text
    )
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


@functools.cache
def _characters() -> frozenset[int]:
    return frozenset(FT2Font(font_manager.findfont(_FAMILY)).get_charmap())
