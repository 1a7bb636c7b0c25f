"""Sinks that have something to say only when what is shown changes."""

from __future__ import annotations

import abc

from hangtag.result import Result
from hangtag.sinks.base import Sink
from hangtag.sinks.patience import Patience
from hangtag.sources.account import Outage


def state_of(item: Result | Outage) -> tuple[bool, str | None]:
    """Return what an item says: whether there is a frame, and its label, None for unknown."""
    if isinstance(item, Outage):
        return False, None
    return True, None if item.prediction.unknown else item.prediction.label


class OnChange(Sink, abc.ABC):
    """Tells the first item, and each that says something else than the one told last.

    Results that the loop drops are no loss: what was told counts, not what changed from frame to frame. Where
    telling fails it is tried again, with waiting times that grow, and with the newest item: an old change is
    no news.
    """

    backlog = 2

    def __init__(self) -> None:
        self._told: tuple[bool, str | None] | None = None
        self._patience = Patience()

    def write(self, result: Result) -> None:
        """Tell a result where it is news."""
        self._take(result)

    def missing(self, outage: Outage) -> None:
        """Tell that there is none where that is news."""
        self._take(outage)

    def _take(self, item: Result | Outage) -> None:
        state = state_of(item)
        if state == self._told and not self._patience.failing:
            return
        with self._patience:
            self.tell(item)
        self._told = state

    @abc.abstractmethod
    def tell(self, item: Result | Outage) -> None:
        """Say it.

        Raises:
            OutputError: it cannot be said now.
        """
