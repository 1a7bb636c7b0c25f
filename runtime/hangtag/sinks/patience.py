"""How a sink that failed tries again: not at every frame."""

from __future__ import annotations

import time
from types import TracebackType

from hangtag.errors import OutputError
from hangtag.sources.backoff import Backoff


class Patience:
    """A block that writes; after it failed, the next ones fail alike at once until a waiting time is over.

    Args:
        backoff: the waiting times; they begin anew when a block ends well.
    """

    def __init__(self, backoff: Backoff | None = None) -> None:
        self._backoff = backoff or Backoff(first_s=1.0, most_s=30.0)
        self._error: OutputError | None = None
        self._next_s = 0.0

    @property
    def failing(self) -> bool:
        """True when the last attempt failed."""
        return self._error is not None

    def __enter__(self) -> None:
        if self._error is not None and time.monotonic() < self._next_s:
            raise OutputError(str(self._error))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._error = None
            self._backoff.reset()
        elif isinstance(error, OutputError):
            self._error = error
            self._next_s = time.monotonic() + self._backoff.next_s()
