"""The camera loop on stamped pictures: what it says of its labels' age, and what the stamps say."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from hangtag.classifier import Classifier, TimedScores, bundled_model
from hangtag.errors import BenchmarkError
from hangtag.pipeline import LoopSettings, run_loop
from hangtag.preprocess import Image
from hangtag.result import Result
from hangtag.scene import timecode
from hangtag.sinks.base import Sink, StopLoop
from hangtag.sources.account import Outage
from hangtag.sources.base import Source
from hangtag_benchmarks.machine.memory import resident_mb

_MEMORY_EVERY_S = 0.5
_SETTLED_SHARE = 0.2


class SteadyClassifier(Classifier):
    """The bundled model as a slower one, with the load that one would be.

    The engine is invoked again as long as the time holds another invocation; what remains is filled with
    short OpenCV work, which like the engine leaves Python's other threads alone.

    Args:
        model_ms: how long one frame takes from the input tensor to its scores; what the bundled model needs
            by itself, if that is longer.
    """

    def __init__(self, model_ms: float) -> None:
        super().__init__(bundled_model())
        self._model_ms = model_ms
        self._filling = np.zeros((60, 60), np.float32)

    def timed_scores(self, image_bgr: Image) -> TimedScores:
        """Return the scores of a frame after the time that the model is to take."""
        timed = super().timed_scores(image_bgr)
        end_s = time.perf_counter() + (self._model_ms - timed.infer_ms) / 1000
        begun = time.perf_counter()
        while end_s - time.perf_counter() > timed.infer_ms / 1000:
            self.interpreter.invoke()
        while time.perf_counter() < end_s:
            cv2.GaussianBlur(self._filling, (5, 5), 0)
        more_ms = 1000 * (time.perf_counter() - begun)
        return dataclasses.replace(timed, infer_ms=timed.infer_ms + more_ms)


@dataclass(slots=True)
class AgeLog(Sink):
    """Notes the age of every label when it comes out of the loop, as a sink of its own thread.

    Args:
        seconds: after which the loop is ended; None to leave its end to the source.
    """

    name = "age log"
    backlog = 256

    seconds: float | None = None
    begun_s: float = field(default_factory=time.monotonic)
    at_s: list[float] = field(default_factory=list)
    told_ms: list[float] = field(default_factory=list)
    true_ms: list[float] = field(default_factory=list)
    infer_ms: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    unread: int = 0
    outages: int = 0

    def write(self, result: Result) -> None:
        """Note the ages of a result."""
        now = time.monotonic()
        true_ms = timecode.age_ms(result.frame.image_bgr, now)
        if true_ms is None:
            self.unread += 1
            true_ms = float("nan")
        self.at_s.append(now - self.begun_s)
        self.told_ms.append(result.age_ms)
        self.true_ms.append(true_ms)
        self.infer_ms.append(result.infer_ms)
        self._tick(now)

    def missing(self, _: Outage) -> None:
        """Count an outage."""
        self.outages += 1
        self._tick(time.monotonic())

    def _tick(self, now: float) -> None:
        passed_s = now - self.begun_s
        if passed_s >= _MEMORY_EVERY_S * len(self.memory_mb):
            self.memory_mb.append(resident_mb() or 0.0)
        if self.seconds is not None and passed_s >= self.seconds:
            raise StopLoop


@dataclass(frozen=True, slots=True)
class AgedRun:
    """What a run of the loop showed.

    Args:
        log: age by age.
        dropped: frames that nobody classified.
    """

    log: AgeLog
    dropped: int

    @property
    def classified(self) -> int:
        """How many frames got a label."""
        return len(self.log.at_s)

    @property
    def classified_percent(self) -> float:
        """Of the frames that were due."""
        return 100 * self.classified / max(1, self.classified + self.dropped)

    def told(self, percentile: float) -> float:
        """Return a percentile of the ages that the loop tells (capture to label), in milliseconds."""
        return float(np.percentile(self.log.told_ms, percentile))

    def true(self, percentile: float) -> float:
        """Return a percentile of the true ages (stamp to a sink's thread), in milliseconds."""
        return float(np.nanpercentile(self.log.true_ms, percentile))

    @property
    def growth_mb(self) -> float:
        """What memory grew by after the first fifth of the run."""
        memory = self.log.memory_mb[int(_SETTLED_SHARE * len(self.log.memory_mb)) :]
        tenth = max(1, len(memory) // 10)
        return float(np.median(memory[-tenth:]) - np.median(memory[:tenth]))

    @property
    def growing_ms(self) -> float:
        """How much older labels are in the last third of the run than in the first, by their medians."""
        third = max(1, self.classified // 3)
        true_ms = self.log.true_ms
        return float(np.nanmedian(true_ms[-third:]) - np.nanmedian(true_ms[:third]))

    @property
    def slope_ms_a_s(self) -> float:
        """Milliseconds that the true age grows by each second, by least squares."""
        at_s, true_ms = np.array(self.log.at_s), np.array(self.log.true_ms)
        read = np.isfinite(true_ms)
        return float(np.polyfit(at_s[read], true_ms[read], 1)[0])

    def row(self, name: str) -> tuple[str, ...]:
        """Return the run as a row of a table with :data:`COLUMNS`."""
        infer_ms = float(np.median(self.log.infer_ms))
        return (
            name,
            f"{infer_ms:.1f}",
            f"{self.classified} ({self.classified_percent:.1f} %)",
            *(f"{self.told(percentile):.1f}" for percentile in (50, 95)),
            *(f"{self.true(percentile):.1f}" for percentile in (50, 95)),
            f"{self.slope_ms_a_s:+.2f}",
            f"{self.growth_mb:+.1f}",
        )


COLUMNS = (
    "source", "model ms", "classified",
    "age p50", "age p95", "true p50", "true p95", "true ms/s", "memory MB",
)  # fmt: skip
"""What :meth:`AgedRun.row` gives; ages in milliseconds."""


def run_aged(
    source: Source,
    model_ms: float,
    *,
    seconds: float | None = None,
    reopen: Callable[[], Source] | None = None,
) -> AgedRun:
    """Run the loop on a source of stamped pictures.

    Args:
        source: it is closed at the end.
        model_ms: how long the model is to take.
        seconds: after which to end; None for when the source ends.
        reopen: as for :func:`hangtag.pipeline.run_loop`.

    Raises:
        BenchmarkError: no frame was classified, or no stamp could be read.
    """
    classifier = SteadyClassifier(model_ms)
    log = AgeLog(seconds)
    summary = run_loop(source, classifier, [log], LoopSettings(), reopen=reopen)
    if not log.at_s or log.unread > len(log.at_s) // 2:
        raise BenchmarkError(
            f"{len(log.at_s)} frames were classified, the stamps of {log.unread} cannot be read"
        )
    return AgedRun(log, summary.counts.dropped)


@dataclass(frozen=True, slots=True)
class Target:
    """Something measured that must not exceed, or not fall below, a limit."""

    name: str
    value: float
    limit: float
    unit: str
    at_most: bool = True

    @property
    def reached(self) -> bool:
        """True where the value is on the right side of the limit."""
        return self.value <= self.limit if self.at_most else self.value >= self.limit

    def line(self) -> str:
        """Return the value and its verdict."""
        wanted = f"wanted {'at most' if self.at_most else 'at least'} {self.limit:g} {self.unit}"
        verdict = "reached" if self.reached else "MISSED"
        return f"{self.name}: {self.value:.1f} {self.unit}, {wanted}: {verdict}"


def missed(targets: Sequence[Target]) -> bool:
    """Return whether any target is missed."""
    return not all(target.reached for target in targets)
