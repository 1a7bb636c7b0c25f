"""How long to wait between attempts."""

from __future__ import annotations

import random


class Backoff:
    """Waiting times that double up to a limit, each shortened by chance.

    Chance keeps a shop's ten cameras from asking one recorder for their streams in the same moment.

    Args:
        first_s: the first time, in seconds.
        most_s: the longest; it bounds how long a source that is back may go unnoticed.
        rng: where chance comes from.
    """

    def __init__(self, first_s: float = 0.2, most_s: float = 1.0, rng: random.Random | None = None) -> None:
        self._first_s, self._most_s = first_s, most_s
        self._next_s = first_s
        # Nothing secret hangs on it.
        self._rng = rng or random.Random()  # noqa: S311

    def next_s(self) -> float:
        """Return the next waiting time: between a half and the whole of what is due."""
        due_s, self._next_s = self._next_s, min(2 * self._next_s, self._most_s)
        return due_s * self._rng.uniform(0.5, 1.0)

    def reset(self) -> None:
        """Begin again: an attempt succeeded."""
        self._next_s = self._first_s
