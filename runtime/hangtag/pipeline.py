"""The camera loop: newest frame, tensor, scores, a label that stands, and out to every sink.

With files the loop works in step: every frame goes to every sink before the next one is classified, nothing
is lost, and the first error ends it. With a live source capture, inference and each sink have a thread of
their own: what comes too late is dropped and counted, and no sink can hold up the others.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from hangtag.classifier import Classifier
from hangtag.decision import Decider
from hangtag.defaults import HOLD_S, SMOOTHING_S
from hangtag.outlets import Losses, Outlet, put
from hangtag.result import Result
from hangtag.sinks.base import Sink, StopLoop
from hangtag.sources.account import Outage
from hangtag.sources.base import Frame, Source
from hangtag.sources.feed import STALE_AFTER_S, Feed
from hangtag.tally import LoopSummary, Tally
from hangtag.view import View

_log = logging.getLogger(__name__)

_IDLE_S = 0.05
_QUICK_END_S = 0.6
_END_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopSettings:
    """How a loop works.

    Args:
        view: how pictures are turned and cut before inference.
        smoothing_s: see :class:`hangtag.decision.Decider`; without effect on photos, which are unrelated.
        hold_s: likewise.
        top: how many labels a prediction lists.
        max_frames: end after so many results.
        every_frame: classify every frame of a live source, however old they grow.
        stale_after_s: how old the last good frame of a live source may be before sinks are told.
        check_frames: refuse frames of live sources that show nothing; not for screens and slides, which may
            stand still or be black.
    """

    view: View = field(default_factory=View)
    smoothing_s: float = SMOOTHING_S
    hold_s: float = HOLD_S
    top: int = 3
    max_frames: int | None = None
    every_frame: bool = False
    stale_after_s: float = STALE_AFTER_S
    check_frames: bool = True


class ModelSupply(Protocol):
    """Gives the loop another model while it runs."""

    def newer(self) -> Classifier | None:
        """Return a classifier to use from now on, None where there is none."""


def run_loop(
    source: Source,
    classifier: Classifier,
    sinks: Sequence[Sink],
    settings: LoopSettings = LoopSettings(),
    *,
    reopen: Callable[[], Source] | None = None,
    supply: ModelSupply | None = None,
) -> LoopSummary:
    """Classify frames until the source ends, ``max_frames`` are done, a sink stops it, or Ctrl-C.

    Sinks and source are closed however the loop ends, so that files are whole and playable.

    Args:
        source: an open source.
        classifier: names what is in its frames.
        sinks: take the results.
        settings: how the loop works.
        reopen: opens a live source again that was lost; without it, a lost source is an error.
        supply: gives newer models, if any.

    Raises:
        SourceError: the source failed, and there is no ``reopen``.
        OutputError: a sink cannot write (files) or cannot finish what it wrote.
        BaseException: whatever a sink or a thread of the loop failed with.
    """
    feed = Feed(
        source,
        reopen=reopen,
        every_frame=settings.every_frame,
        stale_after_s=settings.stale_after_s,
        check_frames=settings.check_frames,
        fits=settings.view.fits,
    )
    tally = Tally()
    steps = _Steps(feed, source, classifier, settings, supply)
    run = _run_live if source.live else _run_in_step
    begun = time.monotonic()
    interrupted = False
    losses: tuple[Losses, ...] = ()
    try:
        losses = run(_counted(steps.items(), tally), sinks, feed)
    except StopLoop:
        pass
    except _Interrupted as interruption:
        interrupted, losses = True, interruption.losses
    return tally.summary(time.monotonic() - begun, feed.counts(), losses=losses, interrupted=interrupted)


class _Interrupted(Exception):  # noqa: N818 - Ctrl-C is no error
    """Ctrl-C or SIGTERM ended a loop in good order."""

    def __init__(self, losses: tuple[Losses, ...] = ()) -> None:
        super().__init__()
        self.losses = losses


Item = Result | Outage


class _Steps:
    """Frame after frame to result after result."""

    def __init__(
        self,
        feed: Feed,
        source: Source,
        classifier: Classifier,
        settings: LoopSettings,
        supply: ModelSupply | None,
    ) -> None:
        self._feed, self._source, self._settings = feed, source, settings
        self._supply = supply
        self._use(classifier)

    def _use(self, classifier: Classifier) -> None:
        settings, related = self._settings, self._source.continuous
        self._classifier = classifier
        self._decider = Decider(
            classifier,
            smoothing_s=settings.smoothing_s if related else 0,
            hold_s=settings.hold_s if related else 0,
            top=settings.top,
        )

    def items(self) -> Iterator[Item]:
        """Yield a result for each frame taken, and outages, up to ``max_frames`` results."""
        done = 0
        while (item := self._feed.take()) is not None:
            if self._supply is not None and (newer := self._supply.newer()) is not None:
                self._use(newer)
            if isinstance(item, Outage):
                self._decider.reset()
                yield item
                continue
            yield self._classified(item)
            done += 1
            if done == self._settings.max_frames:
                return

    def _classified(self, frame: Frame) -> Result:
        view = self._settings.view
        height, width = frame.image_bgr.shape[:2]
        timed = self._classifier.timed_scores(view.seen(frame.image_bgr))
        alone = self._classifier.predict(timed.scores, top=self._settings.top, energy=timed.energy)
        decision = self._decider.decide(timed.scores, frame.time_s, timed.energy)
        return Result(
            frame=frame,
            scores=timed.scores,
            model=self._classifier.model,
            alone=alone,
            decision=decision,
            prepare_ms=timed.prepare_ms,
            infer_ms=timed.infer_ms,
            age_ms=1000 * (time.monotonic() - frame.captured_s),
            source=self._source.shown,
            view=view,
            seen=view.model_rectangle((width, height), self._classifier.contract.input),
            counts=self._feed.counts(),
        )


def _counted(items: Iterator[Item], tally: Tally) -> Iterator[Item]:
    for item in items:
        if isinstance(item, Result):
            tally.add(item)
        yield item


def _run_in_step(items: Iterator[Item], sinks: Sequence[Sink], feed: Feed) -> tuple[Losses, ...]:
    """Give each item to each sink before the next one is made."""
    patience_s = _END_S
    try:
        with contextlib.ExitStack() as open_sinks:
            for sink in sinks:
                open_sinks.callback(sink.close)
            for item in items:
                for sink in sinks:
                    put(sink, item)
    except KeyboardInterrupt:
        patience_s = _QUICK_END_S
        raise _Interrupted from None
    finally:
        feed.stop(patience_s)
    return ()


def _run_live(items: Iterator[Item], sinks: Sequence[Sink], feed: Feed) -> tuple[Losses, ...]:
    """Infer in a thread, each sink in another one; windows, and Ctrl-C, in this one."""
    events: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
    outlets = [Outlet(sink, events.put) for sink in sinks if not sink.needs_main_thread]
    stage = _Stage([sink for sink in sinks if sink.needs_main_thread])

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
    ending: BaseException | None = None
    try:
        ending = stage.show_until(events)
    except BaseException as error:  # noqa: BLE001 - raised below, when all is closed
        ending = error
    # Whoever asks with Ctrl-C or SIGTERM is answered within a second, whatever hangs.
    interrupted = isinstance(ending, KeyboardInterrupt)
    until_s = time.monotonic() + (_QUICK_END_S if interrupted else _END_S)
    if interrupted:
        # Files take a moment to be finished: they have it while inference ends.
        for outlet in outlets:
            outlet.finish()
    feed.stop(patience_s=0)
    worker.join(timeout=(until_s - time.monotonic()) / 2)
    failed = _closed(outlets, stage, until_s)
    feed.stop(patience_s=max(0.0, until_s - time.monotonic()))
    losses = tuple(outlet.losses for outlet in outlets)
    if interrupted:
        if failed is not None:
            _log.warning("%s", failed)
        raise _Interrupted(losses)
    if ending is not None and not isinstance(ending, StopLoop):
        raise ending
    if failed is not None:
        raise failed
    return losses


def _closed(outlets: Sequence[Outlet], stage: _Stage, until_s: float) -> BaseException | None:
    """Close all sinks side by side; return the first thing that failed."""
    for outlet in outlets:
        outlet.finish()
    errors = [stage.close(), *(outlet.wait(until_s) for outlet in outlets)]
    return next((error for error in errors if error is not None), None)


class _Stage:
    """The sinks that want the main thread; they are shown the newest item only."""

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = sinks
        self._newest: queue.Queue[Item] = queue.Queue(maxsize=1)

    def give(self, item: Item) -> None:
        """Leave an item to be shown; what was not shown yet gives way."""
        if not self._sinks:
            return
        with contextlib.suppress(queue.Empty):
            self._newest.get_nowait()
        self._newest.put_nowait(item)

    def show_until(self, events: queue.SimpleQueue[BaseException | None]) -> BaseException | None:
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
        errors = [_closing_error(sink) for sink in self._sinks]
        return next((error for error in errors if error is not None), None)


def _closing_error(sink: Sink) -> BaseException | None:
    try:
        sink.close()
    except BaseException as error:  # noqa: BLE001 - returned
        return error
    return None
