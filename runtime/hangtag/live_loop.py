"""A loop over a live source: inference in a thread, each sink in another, windows and Ctrl-C in the main."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hangtag.outlets import Outlet
from hangtag.result import Result
from hangtag.sinks.base import Losses, Sink, StopLoop
from hangtag.sources.account import Outage
from hangtag.sources.feed import Feed
from hangtag.stage import Events, Stage

_log = logging.getLogger(__name__)

QUICK_END_S = 0.6
"""How long closing may take after Ctrl-C or SIGTERM, which are answered within a second whatever hangs."""

END_S = 5.0
"""How long it may take otherwise."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a loop ended: what its sinks did not write, and whether Ctrl-C or SIGTERM ended it."""

    losses: tuple[Losses, ...] = ()
    interrupted: bool = False


def run_live(items: Iterator[Result | Outage], sinks: Sequence[Sink], feed: Feed) -> Ending:
    """Give items to sinks that work apart until something ends it; close all.

    Raises:
        BaseException: what ended it, if it was neither the source's end, a sink's wish nor Ctrl-C; or else
            what a sink's closing failed with.
    """
    events: Events = queue.SimpleQueue()
    outlets = [Outlet(sink, events.put) for sink in sinks if not sink.needs_main_thread]
    stage = Stage([sink for sink in sinks if sink.needs_main_thread])
    for sink in sinks:
        sink.watch_losses(lambda: _losses(outlets))
    worker = _inferring(items, outlets, stage, events)
    ending: BaseException | None = None
    try:
        ending = stage.show_until(events)
    except BaseException as error:  # noqa: BLE001 - raised below, when all is closed
        ending = error
    interrupted = isinstance(ending, KeyboardInterrupt)
    failed = _ended(outlets, stage, worker, feed, hurried=interrupted)
    if not (ending is None or interrupted or isinstance(ending, StopLoop)):
        raise ending
    if failed is not None and not interrupted:
        raise failed
    if failed is not None:
        _log.warning("%s", failed)
    return Ending(_losses(outlets), interrupted)


def _losses(outlets: Sequence[Outlet]) -> tuple[Losses, ...]:
    return tuple(outlet.losses for outlet in outlets)


def _inferring(
    items: Iterator[Result | Outage], outlets: Sequence[Outlet], stage: Stage, events: Events
) -> threading.Thread:
    """Start the thread that makes items and gives them away."""

    def infer() -> None:
        try:
            for item in items:
                for outlet in outlets:
                    outlet.give(item)
                stage.give(item)
        # Whatever ends the inference is raised again in the thread that waits for its end.
        except BaseException as error:  # noqa: BLE001
            events.put(error)
        else:
            events.put(None)

    worker = threading.Thread(target=infer, name="hangtag-infer", daemon=True)
    worker.start()
    return worker


def _ended(
    outlets: Sequence[Outlet], stage: Stage, worker: threading.Thread, feed: Feed, *, hurried: bool
) -> BaseException | None:
    """End all threads, side by side; return the first thing that a sink's closing failed with."""
    until_s = time.monotonic() + (QUICK_END_S if hurried else END_S)
    if hurried:
        # Files take a moment to be finished: they have it while inference ends.
        for outlet in outlets:
            outlet.finish()
    feed.stop(patience_s=0)
    worker.join(timeout=(until_s - time.monotonic()) / 2)
    for outlet in outlets:
        outlet.finish()
    errors = [stage.close(), *(outlet.wait(until_s) for outlet in outlets)]
    feed.stop(patience_s=max(0.0, until_s - time.monotonic()))
    return next((error for error in errors if error is not None), None)
