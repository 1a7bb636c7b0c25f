"""How systemd's unit files write words and lines."""

from __future__ import annotations

import re
from collections.abc import Sequence

_PLAIN = re.compile(r"[A-Za-z0-9_@:=+,./-]+")


def quoted(word: str) -> str:
    """Return a word as it stands among others in a unit file, with ``%`` and all else escaped.

    Variables are not escaped: the line must be one where ``$`` means nothing (``ExecStart=:``, paths).

    Raises:
        ValueError: it holds a NUL, which no word can.
    """
    if "\0" in word:
        raise ValueError(f"{word!r} holds a NUL character, which no command line can")
    if _PLAIN.fullmatch(word):
        return word
    return f'"{"".join(map(_escaped, word))}"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character == "%":
        return "%%"
    if character.isprintable():
        return character
    # Control characters, and bytes of file names that are no text, byte by byte.
    return "".join(f"\\x{byte:02x}" for byte in character.encode(errors="surrogateescape"))


def words(several: Sequence[str]) -> str:
    """Return words as they stand in one line."""
    return " ".join(map(quoted, several))
