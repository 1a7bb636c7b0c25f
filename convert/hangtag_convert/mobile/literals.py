r"""Texts and numbers of a contract as Kotlin, Swift and Markdown write them.

A contract's texts are written by anyone. In source they become plain ASCII, so that no quote ends a literal,
no ``$`` or ``\(`` starts an expression and no invisible character makes code look like something else.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

_MARKDOWN = frozenset("\\`*_{}[]()#+-.!|~")
_INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cn", "Zl", "Zp"})


def kotlin_string(text: str) -> str:
    """Return a Kotlin string literal, quotes included, in ASCII."""
    return '"' + "".join(_kotlin(character) for character in text) + '"'


def swift_string(text: str) -> str:
    """Return a Swift string literal, quotes included, in ASCII."""
    return '"' + "".join(_swift(character) for character in text) + '"'


def number(value: float | None, nothing: str) -> str:
    """Return a double literal that both languages read as the same number; ``nothing`` for None."""
    return nothing if value is None else repr(float(value))


def numbers(values: Iterable[float]) -> str:
    """Return double literals, separated by commas."""
    return ", ".join(repr(float(value)) for value in values)


def markdown(text: str) -> str:
    """Return text that Markdown shows as it is; invisible characters by their number."""
    return "".join(_markdown(character) for character in text)


def _kotlin(character: str) -> str:
    if character in '"\\$':
        return "\\" + character
    if " " <= character <= "~":
        return character
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _swift(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    return character if " " <= character <= "~" else f"\\u{{{ord(character):x}}}"


def _markdown(character: str) -> str:
    if character in _MARKDOWN:
        return "\\" + character
    if character in "<>&":
        return {"<": "&lt;", ">": "&gt;", "&": "&amp;"}[character]
    if unicodedata.category(character) in _INVISIBLE:
        return f"(U+{ord(character):04X})"
    return character
