"""The sinks that want the main thread: windows."""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Sequence

from hangtag.outlets import closing_error, put
from hangtag.result import Result
from hangtag.sinks.base import Sink
from hangtag.sources.account import Outage

_IDLE_S = 0.05

Events = queue.SimpleQueue[BaseException | None]
"""What ends a loop, in the order that it happened; None for its own end."""


class Stage:
    """Shows the newest item only, in the thread that called :meth:`show_until`."""

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = sinks
        self._newest: queue.Queue[Result | Outage] = queue.Queue(maxsize=1)

    def give(self, item: Result | Outage) -> None:
        """Leave an item to be shown; what was not shown yet gives way. For one other thread."""
        if not self._sinks:
            return
        with contextlib.suppress(queue.Empty):
            self._newest.get_nowait()
        self._newest.put_nowait(item)

    def show_until(self, events: Events) -> BaseException | None:
        """Show items until something ends the loop; return what, None where it just ended.

        Raises:
            BaseException: a sink's, or Ctrl-C.
        """
        if not self._sinks:
            # Waiting without end would not hear of Ctrl-C on every platform.
            while True:
                with contextlib.suppress(queue.Empty):
                    return events.get(timeout=0.5)
        while True:
            with contextlib.suppress(queue.Empty):
                return events.get_nowait()
            self._show_one()

    def _show_one(self) -> None:
        try:
            item = self._newest.get(timeout=_IDLE_S)
        except queue.Empty:
            for sink in self._sinks:
                sink.idle()
        else:
            for sink in self._sinks:
                put(sink, item)

    def close(self) -> BaseException | None:
        """Close the sinks; return the first thing that failed."""
        errors = [closing_error(sink) for sink in self._sinks]
        return next((error for error in errors if error is not None), None)
