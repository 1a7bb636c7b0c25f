"""Labels as text in pictures: no mathematics, and every character readable.

Matplotlib takes "$" for mathematics and draws an empty box for a character that its own font lacks. Labels
are what users call their folders, so both would happen.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

_OWN_FAMILY = "DejaVu Sans"
"""Matplotlib ships it."""


def written(text: str, longest: int | None = None) -> str:
    """Return ``text`` as it can be drawn.

    Control characters, and characters that no installed font has, become their code point in angle
    brackets; what is longer than ``longest`` characters is cut, with an ellipsis.
    """
    if longest is not None and len(text) > longest:
        text = text[: longest - 1] + "…"
    return "".join(
        character if _family_of(character) is not None else f"<U+{ord(character):04X}>" for character in text
    )


def style(texts: Sequence[str]) -> dict[str, Any]:
    """Return the properties with which Matplotlib draws :func:`written` texts, in fonts that have them."""
    families = {_family_of(character) or _OWN_FAMILY for text in texts for character in set(text)}
    return {"parse_math": False, "family": [_OWN_FAMILY, *sorted(families - {_OWN_FAMILY})]}


@functools.cache
def _family_of(character: str) -> str | None:
    """Return a font family that has ``character``; our own first, None where no font does."""
    if not character.isprintable():
        return None
    if ord(character) in _characters(font_manager.findfont(_OWN_FAMILY)):
        return _OWN_FAMILY
    for font in sorted(font_manager.fontManager.ttflist, key=lambda font: (font.weight != 400, font.name)):
        if ord(character) in _characters(font.fname):
            return str(font.name)
    return None


@functools.cache
def _characters(path: str) -> frozenset[int]:
    """Return the code points that a font file can draw; none where it cannot be used."""
    try:
        font = FT2Font(path)
    except (OSError, RuntimeError):
        return frozenset()
    # Fonts of coloured bitmaps (emoji) have characters that Matplotlib cannot draw.
    return frozenset(font.get_charmap()) if font.scalable else frozenset()
