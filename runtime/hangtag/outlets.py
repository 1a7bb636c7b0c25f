"""Sinks apart from the loop: one that blocks or fails slows neither inference nor other sinks."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from hangtag.errors import OutputError
from hangtag.result import Result
from hangtag.sinks.base import Losses, Sink
from hangtag.sources.account import Outage

_log = logging.getLogger(__name__)


class Outlet:
    """A sink with a thread and a short queue; when the queue is full, the oldest result gives way.

    Args:
        sink: whose ``write``, ``missing`` and ``close`` are called in one thread.
        on_end: told, from that thread, what should end the loop: :class:`hangtag.sinks.base.StopLoop`, or a
            defect of the sink.
    """

    def __init__(self, sink: Sink, on_end: Callable[[BaseException], None]) -> None:
        self._sink, self._on_end = sink, on_end
        self._waiting: deque[Result | Outage] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._late = self._failed = 0
        self._failing = False
        self._close_error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name=f"hangtag-{sink.name}", daemon=True)
        self._thread.start()

    def give(self, item: Result | Outage) -> None:
        """Leave something to be written; never waits."""
        if isinstance(item, Result) and not self._sink.needs_pictures:
            item = item.without_picture()
        with self._changed:
            if len(self._waiting) >= self._sink.backlog:
                self._late += isinstance(self._waiting.popleft(), Result)
            self._waiting.append(item)
            self._changed.notify()

    def finish(self) -> None:
        """Write what waits, then close the sink; does not wait for it."""
        with self._changed:
            self._closing = True
            self._changed.notify()

    def wait(self, until_s: float) -> BaseException | None:
        """Wait for the end until a moment of ``time.monotonic()``; return what the closing failed with."""
        self._thread.join(timeout=max(0.0, until_s - time.monotonic()))
        if self._thread.is_alive():
            return OutputError(f"{self._sink.name} hangs: what it should have written last is lost")
        return self._close_error

    @property
    def losses(self) -> Losses:
        """What was not written so far."""
        return Losses(self._sink.name, self._late, self._failed)

    def _work(self) -> None:
        try:
            while (item := self._next()) is not None:
                self._write(item)
        # The loop must hear of everything that ends a sink: a request to stop, and any defect.
        except BaseException as error:  # noqa: BLE001
            self._on_end(error)
        finally:
            self._close_error = closing_error(self._sink)

    def _next(self) -> Result | Outage | None:
        with self._changed:
            while not self._waiting and not self._closing:
                self._changed.wait()
            return self._waiting.popleft() if self._waiting else None

    def _write(self, item: Result | Outage) -> None:
        try:
            put(self._sink, item)
        except OutputError as error:
            self._failed += 1
            if not self._failing:
                _log.warning("%s: %s; trying again with every result", self._sink.name, error)
            self._failing = True
        else:
            if self._failing:
                _log.warning("%s works again; %d results were not written", self._sink.name, self._failed)
            self._failing = False


def put(sink: Sink, item: Result | Outage) -> None:
    """Write a result, or that there is none.

    Raises:
        OutputError: it cannot be written; also for whatever the system refuses on the way.
        StopLoop: see :class:`hangtag.sinks.base.Sink`.
    """
    try:
        if isinstance(item, Outage):
            sink.missing(item)
        else:
            sink.write(item)
    except OSError as error:
        raise _refused(sink, error) from error


def closing_error(sink: Sink) -> BaseException | None:
    """Close a sink; return what that failed with."""
    try:
        sink.close()
    except OSError as error:
        return _refused(sink, error)
    except BaseException as error:  # noqa: BLE001 - returned
        return error
    return None


def _refused(sink: Sink, error: OSError) -> OutputError:
    return OutputError(f"cannot write {error.filename or sink.name}: {error.strerror or error}")
