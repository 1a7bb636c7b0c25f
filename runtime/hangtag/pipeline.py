"""The camera loop: frame, tensor, scores, label, and out to every sink."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from hangtag.classifier import Classifier, Prediction
from hangtag.latency import LatencySummary, summarize
from hangtag.sources.base import Frame, Source


@dataclass(frozen=True, slots=True)
class Result:
    """A frame and what the classifier says about it.

    ``prepare_ms`` is crop, resize and colour order into the input tensor; ``infer_ms`` the model and its
    scores; ``age_ms`` the time from the frame's capture to its label.
    """

    frame: Frame
    prediction: Prediction
    prepare_ms: float
    infer_ms: float
    age_ms: float


class Sink(Protocol):
    """Takes results one by one."""

    def write(self, result: Result) -> None:
        """Take one result; raise :class:`StopLoop` to end the loop in good order."""

    def close(self) -> None:
        """Finish files and windows; called once, whatever ended the loop."""


class StopLoop(Exception):  # noqa: N818 - a request, not an error
    """Raised by a sink when the user asked it to stop (closed the window)."""


@dataclass(frozen=True, slots=True)
class LoopSummary:
    """What a loop did. ``right`` of ``labelled`` frames with a known label got it; no frame, no latencies.

    ``dropped`` counts frames of a live source that were never looked at because a newer one was there.
    """

    frames: int
    dropped: int
    seconds: float
    labelled: int
    right: int
    prepare: LatencySummary | None
    infer: LatencySummary | None
    age: LatencySummary | None
    interrupted: bool


def run_loop(
    source: Source,
    classifier: Classifier,
    sinks: Sequence[Sink],
    *,
    max_frames: int | None = None,
    top: int = 3,
) -> LoopSummary:
    """Classify frames until the source ends, ``max_frames`` are done, a sink stops it, or Ctrl-C.

    Sinks are closed however the loop ends, so that files are whole and playable; the source is the caller's.

    Raises:
        SourceError: a live source stopped delivering.
        OutputError: a sink cannot write.
    """
    tally = _Tally()
    begun = time.monotonic()
    interrupted = False
    try:
        with contextlib.ExitStack() as open_sinks:
            for sink in sinks:
                open_sinks.callback(sink.close)
            for result in _results(source, classifier, max_frames, top):
                tally.add(result)
                for sink in sinks:
                    sink.write(result)
    except StopLoop:
        pass
    except KeyboardInterrupt:
        interrupted = True
    return tally.summary(time.monotonic() - begun, interrupted=interrupted)


def _results(source: Source, classifier: Classifier, max_frames: int | None, top: int) -> Iterator[Result]:
    """Yield what is seen, frame by frame, up to ``max_frames``."""
    for done, frame in enumerate(source, start=1):
        yield _classify(classifier, frame, top)
        if done == max_frames:
            return


def _classify(classifier: Classifier, frame: Frame, top: int) -> Result:
    timed = classifier.timed_scores(frame.image_bgr)
    return Result(
        frame=frame,
        prediction=classifier.predict(timed.scores, top=top),
        prepare_ms=timed.prepare_ms,
        infer_ms=timed.infer_ms,
        age_ms=1000 * (time.monotonic() - frame.captured_s),
    )


class _Tally:
    """Counts as the loop goes."""

    def __init__(self) -> None:
        self.prepare: list[float] = []
        self.infer: list[float] = []
        self.age: list[float] = []
        self._labelled = self._right = 0
        self._first: int | None = None
        self._last = 0

    def add(self, result: Result) -> None:
        self.prepare.append(result.prepare_ms)
        self.infer.append(result.infer_ms)
        self.age.append(result.age_ms)
        if result.frame.label is not None:
            self._labelled += 1
            self._right += result.frame.label == result.prediction.label
        self._first = result.frame.number if self._first is None else self._first
        self._last = result.frame.number

    def summary(self, seconds: float, *, interrupted: bool) -> LoopSummary:
        frames = len(self.age)
        seen = 0 if self._first is None else self._last - self._first + 1
        return LoopSummary(
            frames=frames,
            dropped=seen - frames,
            seconds=seconds,
            labelled=self._labelled,
            right=self._right,
            prepare=summarize(self.prepare) if frames else None,
            infer=summarize(self.infer) if frames else None,
            age=summarize(self.age) if frames else None,
            interrupted=interrupted,
        )
