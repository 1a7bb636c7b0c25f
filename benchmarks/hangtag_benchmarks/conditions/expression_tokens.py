"""The words and signs of a condition."""

from __future__ import annotations

import re
from typing import NamedTuple

from hangtag.errors import BenchmarkError, shortened

MOST_CHARACTERS = 1000
MOST_TOKENS = 200
"""A condition that is longer was not written by a person, and could outgrow the stack."""

WORDS = ("and", "or", "not")

_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    (?:\s*(?P<unit>us|ms|s|kB|MB|KiB|MiB|mJ|J|%))?(?![\w.@])
  | (?P<name>(?:'(?P<single>[^']+)'|"(?P<double>[^"]+)"|\w[\w-]*(?:\.\w[\w-]*)*)(?P<rest>(?:[@.][\w-]+)*))
  | (?P<operator><=|>=|==|!=|[-+*/()<>])
    """,
    re.VERBOSE,
)


class Token(NamedTuple):
    """A piece of a condition.

    Args:
        kind: ``number``, ``name``, ``operator`` (words such as ``and`` too) or ``end``.
        text: as written, for a number without its unit.
        place: characters before it.
        unit: of a number; empty where none was written.
        quoted: the part of a name that stood in quotes; None where nothing did.
        rest: what followed the quotes.
    """

    kind: str
    text: str
    place: int
    unit: str = ""
    quoted: str | None = None
    rest: str = ""


def tokens(text: str) -> list[Token]:
    """Split a condition; the last token is its end.

    Raises:
        BenchmarkError: it holds what is no part of a condition, or is too long.
    """
    if len(text) > MOST_CHARACTERS:
        raise BenchmarkError(f"a condition of {len(text)} characters; wanted at most {MOST_CHARACTERS}")
    found: list[Token] = []
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise BenchmarkError(
                f"{shortened(text)}, character {place + 1}: {text[place]!r} is no part of a condition"
                + ("; wanted ==" if text[place] == "=" else "")
            )
        if match["space"] is None:
            found.append(_token(match, place))
        place = match.end()
    if len(found) > MOST_TOKENS:
        raise BenchmarkError(f"a condition of {len(found)} words and signs; wanted at most {MOST_TOKENS}")
    return [*found, Token("end", "", len(text))]


def _token(match: re.Match[str], place: int) -> Token:
    if match["number"] is not None:
        return Token("number", match["number"], place, match["unit"] or "")
    if match["operator"] is not None or match["name"] in WORDS:
        return Token("operator", match[0], place)
    return Token("name", match[0], place, quoted=match["single"] or match["double"], rest=match["rest"])
