"""The camera loop: newest frame, tensor, scores, a label that stands, and out to every sink.

With files the loop works in step: every frame goes to every sink before the next one is classified, nothing
is lost, and the first error ends it. With a live source capture, inference and each sink have a thread of
their own: what comes too late is dropped and counted, and no sink can hold up the others.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from hangtag.classifier import Classifier
from hangtag.decision import Decider
from hangtag.defaults import HOLD_S, SMOOTHING_S
from hangtag.live_loop import END_S, QUICK_END_S, Ending, run_live
from hangtag.outlets import closing_error, put
from hangtag.result import Result
from hangtag.sinks.base import Sink, StopLoop
from hangtag.sources.account import Outage
from hangtag.sources.base import Frame, Source
from hangtag.sources.feed import STALE_AFTER_S, Feed
from hangtag.tally import LoopSummary, Tally
from hangtag.view import View


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
    run = run_live if source.live else _run_in_step
    begun = time.monotonic()
    ending = run(_counted(steps.items(), tally), sinks, feed)
    return tally.summary(
        time.monotonic() - begun, feed.counts(), losses=ending.losses, interrupted=ending.interrupted
    )


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


def _run_in_step(items: Iterator[Item], sinks: Sequence[Sink], feed: Feed) -> Ending:
    """Give each item to each sink before the next one is made."""
    patience_s = END_S
    try:
        with contextlib.ExitStack() as open_sinks:
            for sink in sinks:
                open_sinks.callback(_close, sink)
            for item in items:
                for sink in sinks:
                    put(sink, item)
    except StopLoop:
        return Ending()
    except KeyboardInterrupt:
        patience_s = QUICK_END_S
        return Ending(interrupted=True)
    finally:
        feed.stop(patience_s)
    return Ending()


def _close(sink: Sink) -> None:
    error = closing_error(sink)
    if error is not None:
        raise error
