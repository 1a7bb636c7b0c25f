"""What ``hangtag inspect A B`` finds different between two models."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from hangtag.cli.inspect_lines import printable

if TYPE_CHECKING:
    from hangtag.inspection import Inspection

_NOTHING = "-"
_SECTIONS = {
    "contract": "contract",
    "contract.labels": "labels",
    "model.inputs": "input",
    "model.outputs": "output",
    "model.operators": "operators",
    "model.weights_sha256": "weights",
    "metadata": "metadata for phones",
    "embedded_files": "embedded files",
    "golden_cases": "golden cases",
}
"""What is said to be the same where nothing in it differs, by the names in JSON."""

_DIGEST = re.compile(r"[0-9a-f]{64}")


def differences(one: Inspection, other: Inspection) -> dict[str, tuple[Any, Any]]:
    """Return what two models say differently, by dotted name; None where one says nothing."""
    return dict(_differing("", one.as_plain(), other.as_plain()))


def _differing(name: str, one: Any, other: Any) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Go into what both have; what one of them has not is told as a whole."""
    left, right = _parts(one), _parts(other)
    if not left or not right:
        if one != other:
            yield name, (one, other)
        return
    for key in [*left, *(key for key in right if key not in left)]:
        yield from _differing(f"{name}.{key}" if name else key, left.get(key), right.get(key))


def _parts(value: Any) -> dict[str, Any]:
    """Return what a mapping or a list of mappings consists of; nothing for what is compared as one value."""
    if isinstance(value, dict):
        return value
    if isinstance(value, (list, tuple)) and value and all(isinstance(entry, dict) for entry in value):
        return {str(index): entry for index, entry in enumerate(value)}
    return {}


def lines(one: Inspection, other: Inspection) -> list[str]:
    """Return the differences as text, and at the end what is the same."""
    if one.sha256 == other.sha256:
        return [f"same: the files are equal to the byte, sha256 {one.sha256}"]
    found = differences(one, other)
    told = [f"{name}: {text}" for name, values in found.items() for text in _change(name, *values)]
    plain = one.as_plain()
    same = [
        title
        for section, title in _SECTIONS.items()
        if _at(plain, section) and not any(_within(name, section) or _within(section, name) for name in found)
    ]
    rows = [f"a: {one.name}", f"b: {other.name}", *told, f"same: {', '.join(same) or 'nothing'}"]
    return [printable(row) for row in rows]


def _at(plain: Any, name: str) -> Any:
    """Return what stands under a dotted name, None where nothing does."""
    for key in name.split("."):
        plain = None if plain is None else plain.get(key)
    return plain


def _within(name: str, section: str) -> bool:
    return f"{name}.".startswith(f"{section}.")


def _change(name: str, one: Any, other: Any) -> Iterator[str]:
    if name == "contract.labels" and set(one) == set(other):
        yield "the same ones in another order"
    elif name == "contract.labels":
        for side, labels, others in (("a", one, set(other)), ("b", other, set(one))):
            only = [label for label in labels if label not in others]
            if only:
                yield f"only in {side}: {', '.join(only)}"
    else:
        yield f"{_text(one)} -> {_text(other)}"


def _text(value: Any) -> str:
    """Return a value on part of a line: of what has parts their names, of a digest its beginning."""
    if value is None or value in ("", {}, [], ()):
        return _NOTHING
    if isinstance(value, dict) and value.keys() == {"size_bytes", "sha256"}:
        return f"{value['size_bytes']:,} bytes"
    if parts := _parts(value):
        return f"{len(parts)} entries" if isinstance(value, (list, tuple)) else f"({', '.join(parts)})"
    text = str(value)
    return f"{text[:12]}…" if _DIGEST.fullmatch(text) else text
