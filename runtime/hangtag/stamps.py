"""File names with the time in them that sort by age, whatever the clock does."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable

STAMP = r"\d{8}-\d{6}(?:_\d{6})?"
"""What a stamp looks like, as a regular expression."""

_PARTS = re.compile(r"(\d{8}-\d{6})(?:_(\d{6}))?")
_MOST = 999_999
_LAST_S = 253_402_300_799  # the end of the year 9999


class Stamps:
    """Gives stamps like ``20261121-232400`` (UTC), each of them later than all before it.

    A clock that stands still, jumps back, or begins in 1970 as a Raspberry Pi's does, would mix up names that
    come from it alone: where the time is not later than the last stamp's, that one is counted on:
    ``20261121-232400_000001``.

    Args:
        names: of files that are there, with stamps in them.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        found = (_PARTS.search(name) for name in names)
        self._last = max(((match[1], int(match[2] or 0)) for match in found if match), default=("", 0))

    def next(self, wall_s: float) -> str:
        """Return the stamp of something that begins at ``wall_s`` seconds since 1970.

        The characters that may follow a stamp in a name, ``-`` and ``.``, sort before ``_``.
        """
        whole_s = int(min(max(wall_s, 0), _LAST_S))
        now = time.strftime("%Y%m%d-%H%M%S", time.gmtime(whole_s))
        last, count = self._last
        if now > last:
            self._last = (now, 0)
            return now
        if count == _MOST:
            digits = f"{int(last.replace('-', '')) + 1:014d}"
            last, count = f"{digits[:8]}-{digits[8:]}", 0
        else:
            count += 1
        self._last = (last, count)
        return f"{last}_{count:06d}" if count else last
