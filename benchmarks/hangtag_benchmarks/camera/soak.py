"""A soak run: the camera loop with a camera and a sink that fail all the time.

``python -m hangtag_benchmarks.camera.soak`` runs 30 minutes on the simulated camera: its cable comes loose
every 20 seconds, frames are black, grey, cut off or of other sizes in between, and one of the sinks fails
half of the time. Exit code 1 when something was not as it must be: a crash, a wrong frame classified, memory
that grows, a camera that was back and not noticed.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

import click

from hangtag.classifier import Classifier
from hangtag.cli.leaving import leave
from hangtag.errors import OutputError
from hangtag.pipeline import LoopSettings, run_loop
from hangtag.result import Result
from hangtag.scene import SceneSettings
from hangtag.sinks.base import Sink, StopLoop
from hangtag.sources.account import Outage
from hangtag.sources.frame_check import FrameCheck
from hangtag.tally import LoopSummary
from hangtag_benchmarks.camera.faulty_scene import FaultPlan, FaultyScene
from hangtag_benchmarks.memory import resident_mb

MOST_GROWTH_MB = 5.0
MOST_RECONNECT_S = 2.0
_SETTLED_S = 60.0
_MEMORY_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class SoakReport:
    """What a soak run found.

    Args:
        seconds: how long it ran.
        summary: what the loop did.
        reconnect_s: for each time that the camera came back, the seconds until its next frame was classified.
        growth_mb: resident memory at the end (median of the last tenth) less that after the first minute.
        wrong: results that should not have been: of frames that show nothing, or older than they may be.
        stale_reports: how often sinks were told of an outage.
    """

    seconds: float
    summary: LoopSummary
    reconnect_s: tuple[float, ...]
    growth_mb: float
    wrong: int
    stale_reports: int

    def failures(self) -> list[str]:
        """Return what was not as it must be, one line each."""
        found = []
        if self.wrong:
            found.append(f"{self.wrong} results of frames that show nothing or are too old")
        if self.growth_mb > MOST_GROWTH_MB:
            found.append(f"memory grew by {self.growth_mb:.1f} MB; at most {MOST_GROWTH_MB:g} wanted")
        late = [wait for wait in self.reconnect_s if wait > MOST_RECONNECT_S]
        if late:
            found.append(
                f"{len(late)} reconnections took longer than {MOST_RECONNECT_S:g} s: {max(late):.2f} s"
            )
        if not self.reconnect_s:
            found.append("no reconnection happened: the run was too short")
        return found


class _Witness(Sink):
    """Notes what the loop hands out, and ends it when the time is over."""

    name = "witness"

    def __init__(self, seconds: float, plan: FaultPlan, interval_s: float) -> None:
        self._until_s = time.monotonic() + seconds
        self._begun_s = time.monotonic()
        self._plan = plan
        self._most_age_ms = 1000 * (1.0 + interval_s)
        self._memory: list[tuple[float, float]] = []
        self._seen_returns = 0
        self.reconnect_s: list[float] = []
        self.wrong = self.stale_reports = 0

    def write(self, result: Result) -> None:
        """Judge a result."""
        fault = FrameCheck().fault(result.frame.image_bgr, 0.0)
        self.wrong += fault is not None or result.age_ms > self._most_age_ms
        if len(self._plan.returns_s) > self._seen_returns and time.monotonic() > self._plan.returns_s[-1]:
            self._seen_returns = len(self._plan.returns_s)
            classified_s = result.frame.captured_s + result.age_ms / 1000
            self.reconnect_s.append(classified_s - self._plan.returns_s[-1])
        self._tick()

    def missing(self, _: Outage) -> None:
        """Count an outage."""
        self.stale_reports += 1
        self._tick()

    def _tick(self) -> None:
        now = time.monotonic()
        if not self._memory or now - self._memory[-1][0] >= _MEMORY_EVERY_S:
            self._memory.append((now, resident_mb() or 0.0))
        if now >= self._until_s:
            raise StopLoop

    def growth_mb(self) -> float:
        """Return what memory grew by once the loop had settled."""
        span = self._memory[-1][0] - self._begun_s
        settled_s = self._begun_s + min(_SETTLED_S, span / 3)
        first = [memory for when, memory in self._memory if settled_s <= when <= settled_s + span / 10]
        last = [memory for when, memory in self._memory if when >= self._memory[-1][0] - span / 10]
        return sorted(last)[len(last) // 2] - sorted(first)[len(first) // 2]


class _FailingSink(Sink):
    """Cannot write half of the time, a second at a time, and is slow the other half."""

    name = "failing sink"

    def write(self, _: Result) -> None:
        """Fail or dawdle."""
        if int(time.monotonic()) % 2:
            raise OutputError("no space left on the device (injected)")
        time.sleep(0.1)


def soak(
    classifier: Classifier, seconds: float, *, fps: float = 30.0, plan: FaultPlan | None = None
) -> SoakReport:
    """Run the loop with everything going wrong.

    Raises:
        BaseException: whatever the loop could not cope with: it must not.
    """
    plan = plan or FaultPlan()
    settings = SceneSettings(fps=fps)
    witness = _Witness(seconds, plan, 1 / fps)
    begun = time.monotonic()
    summary = run_loop(
        FaultyScene(settings, plan),
        classifier,
        [witness, _FailingSink()],
        LoopSettings(stale_after_s=0.5),
        reopen=lambda: FaultyScene(settings, plan),
    )
    return SoakReport(
        seconds=time.monotonic() - begun,
        summary=summary,
        reconnect_s=tuple(witness.reconnect_s),
        growth_mb=witness.growth_mb(),
        wrong=witness.wrong,
        stale_reports=witness.stale_reports,
    )


@click.command()
@click.option("--minutes", type=click.FloatRange(0.2), default=30.0, show_default=True)
@click.option("--fps", type=click.FloatRange(1, 120), default=30.0, show_default=True)
def main(minutes: float, fps: float) -> None:
    """Run the camera loop with a camera and a sink that fail all the time."""
    logging.getLogger("hangtag").setLevel(logging.ERROR)
    report = soak(Classifier.bundled(), 60 * minutes, fps=fps)
    for line in _lines(report):
        click.echo(line)
    failures = report.failures()
    for failure in failures:
        click.echo(f"FAILED: {failure}")
    leave(1 if failures else 0)


def _lines(report: SoakReport) -> list[str]:
    counts, age = report.summary.counts, report.summary.age
    waits = sorted(report.reconnect_s)
    lines = [
        f"{report.seconds / 60:.1f} minutes, {report.summary.frames} frames classified",
        f"frames dropped: {counts.dropped}, rejected: {counts.rejected}",
        f"outages: {counts.outages}, reconnections: {counts.reconnects}",
        f"results that should not have been: {report.wrong}; stale reports: {report.stale_reports}",
        f"memory after the first minute and at the end: {report.growth_mb:+.1f} MB",
    ]
    if waits:
        lines.append(f"back within: median {waits[len(waits) // 2]:.2f} s, longest {waits[-1]:.2f} s")
    if age is not None:
        lines.append(
            f"age of the label: p50 {age.p50_ms:.1f}, p95 {age.p95_ms:.1f}, longest {age.max_ms:.1f} ms"
        )
    lines += [f"{loss.name}: {loss.late} too late, {loss.failed} failed" for loss in report.summary.losses]
    return lines


if __name__ == "__main__":
    main()
