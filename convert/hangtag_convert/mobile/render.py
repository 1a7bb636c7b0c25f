"""Fills templates: every placeholder must have a value, and every value a placeholder somewhere."""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Mapping

_PLACEHOLDER = re.compile(r"@@([A-Z0-9_]+)@@")


class Renderer:
    """The templates of one platform and the values that go into them.

    Args:
        platform: the folder of the templates.
        values: what stands in place of ``@@NAME@@``, by name, written for the language already.
    """

    def __init__(self, platform: str, values: Mapping[str, str]) -> None:
        self._folder = importlib.resources.files("hangtag_convert.mobile") / "templates" / platform
        self._values = dict(values)
        self._unused = set(values)

    def text(self, template: str) -> bytes:
        """Return the template of that name (without ``.in``), filled in, as UTF-8.

        Raises:
            LookupError: it has a placeholder that there is no value for.
        """
        source = (self._folder / f"{template}.in").read_text(encoding="utf-8")

        # In one pass: a value that looks like a placeholder stays as it is.
        def value(match: re.Match[str]) -> str:
            name = match.group(1)
            if name not in self._values:
                raise LookupError(f"{template} has the placeholder {name}, which has no value")
            self._unused.discard(name)
            return self._values[name]

        return _PLACEHOLDER.sub(value, source).encode()

    def check_all_used(self) -> None:
        """Raise where a value went into no template: it was forgotten there.

        Raises:
            LookupError: some values were never used.
        """
        if self._unused:
            raise LookupError(f"no template has a placeholder for {', '.join(sorted(self._unused))}")
