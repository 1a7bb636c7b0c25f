"""A soak run: the camera loop with a camera and a sink that fail all the time.

``python -m hangtag_benchmarks.camera.soak`` runs 30 minutes on the simulated camera: its cable comes loose
every 20 seconds, frames are black, grey, cut off, of other sizes, repeated or frozen in between, and one of
the sinks fails half of the time. The camera marks what it delivers, and results are judged by these marks.
Exit code 1 when something was not as it must be: a crash, a wrong frame classified or a right one refused,
memory that grows, a camera that was back and not noticed.
"""

from __future__ import annotations

import logging
import math
import time
from collections import Counter
from collections.abc import Mapping
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
from hangtag.tally import LoopSummary
from hangtag_benchmarks.camera.faulty_scene import FaultPlan, FaultyScene, Kind, MarkedFrame
from hangtag_benchmarks.machine.memory import resident_mb

MOST_GROWTH_MB = 5.0
MOST_RECONNECT_S = 2.0
SETTLED_S = 60.0
"""Until then the loop and the simulated camera may take the memory that they will go on to hold."""

_MOST_AGE_S = 1.0
_MEMORY_EVERY_S = 1.0
_MOST_UNCOUNTED = 3
"""Frames that were delivered and not judged by the loop: what was under way at its end."""


@dataclass(frozen=True, slots=True)
class SoakReport:
    """What a soak run found.

    Args:
        seconds: how long it ran.
        summary: what the loop did.
        delivered: how many frames of each kind left the camera.
        reconnect_s: for each time that the camera came back, the seconds until a frame of it was classified;
            infinite where none was.
        growth_mb: resident memory at the end (median of the last tenth) less that after it had settled.
        wrong: results that should not have been, by what was wrong with them.
        stale_reports: how often sinks were told of an outage.
    """

    seconds: float
    summary: LoopSummary
    delivered: Mapping[Kind, int]
    reconnect_s: tuple[float, ...]
    growth_mb: float
    wrong: Mapping[str, int]
    stale_reports: int

    @property
    def to_reject(self) -> int:
        """How many frames the loop had to refuse."""
        return sum(count for kind, count in self.delivered.items() if not kind.to_classify)

    def failures(
        self, most_growth_mb: float = MOST_GROWTH_MB, most_reconnect_s: float = MOST_RECONNECT_S
    ) -> list[str]:
        """Return what was not as it must be, one line each."""
        counts = self.summary.counts
        found = [f"{count} results of frames that were {what}" for what, count in self.wrong.items()]
        if abs(counts.rejected - self.to_reject) > _MOST_UNCOUNTED:
            found.append(f"{counts.rejected} frames were refused; {self.to_reject} showed nothing")
        if self.growth_mb > most_growth_mb:
            found.append(f"memory grew by {self.growth_mb:.1f} MB; at most {most_growth_mb:g} wanted")
        late = [wait for wait in self.reconnect_s if wait > most_reconnect_s]
        if late:
            found.append(
                f"{len(late)} of {len(self.reconnect_s)} returns of the camera were not noticed within "
                f"{most_reconnect_s:g} s: {max(late):.2f} s"
            )
        if counts.outages < len(self.reconnect_s):
            found.append(f"{counts.outages} outages were told of; there were {len(self.reconnect_s)} or more")
        missing = [str(kind) for kind in Kind if not self.delivered.get(kind)]
        if missing or not self.reconnect_s:
            found.append(
                f"the run was too short: no {', no '.join([*missing, 'return'][: len(missing) or 1])}"
            )
        return found


class _Witness(Sink):
    """Judges what the loop hands out by the marks of its frames, and ends it when the time is over."""

    name = "witness"
    needs_pictures = False
    backlog = 64

    def __init__(self, seconds: float, plan: FaultPlan, interval_s: float, settled_s: float) -> None:
        self._begun_s = time.monotonic()
        self._until_s = self._begun_s + seconds
        self._settled_s = self._begun_s + settled_s
        self._plan = plan
        self._most_age_s = _MOST_AGE_S + interval_s
        self._memory: list[tuple[float, float]] = []
        self._last_serial = -1
        self._waits_s: list[float] = []
        self.wrong: Counter[str] = Counter()
        self.stale_reports = 0

    def write(self, result: Result) -> None:
        """Judge a result."""
        frame = result.frame
        assert isinstance(frame, MarkedFrame)  # noqa: S101 - there is no other camera
        mark = frame.mark
        classified_s = frame.captured_s + result.age_ms / 1000
        wrong = {
            str(mark.kind): not mark.kind.to_classify,
            "too old": classified_s - mark.delivered_s > self._most_age_s,
            "stamped anew": frame.captured_s != mark.delivered_s,
            "told before, or out of turn": mark.serial <= self._last_serial,
        }
        self.wrong.update(what for what, is_so in wrong.items() if is_so)
        self._last_serial = mark.serial
        self._note_returns(mark.delivered_s, classified_s)
        self._tick()

    def _note_returns(self, delivered_s: float, classified_s: float) -> None:
        """Note which returns of the camera a classified frame belongs to, or shows to have been missed."""
        while delivered_s >= self._plan.return_s(len(self._waits_s)):
            missed = delivered_s >= self._plan.return_s(len(self._waits_s) + 1)
            self._waits_s.append(
                math.inf if missed else classified_s - self._plan.return_s(len(self._waits_s))
            )

    def reconnect_s(self, end_s: float) -> tuple[float, ...]:
        """Return the waits after all returns so long before the end that they must have been noticed."""
        due = 0
        while self._plan.return_s(due) + MOST_RECONNECT_S < end_s:
            due += 1
        return tuple(self._waits_s) + (math.inf,) * (due - len(self._waits_s))

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
        """Return what memory grew by once the loop had settled; nothing where it ended before."""
        settled = [(when, memory) for when, memory in self._memory if when >= self._settled_s]
        if not settled:
            return 0.0
        tenth_s = (settled[-1][0] - self._settled_s) / 10
        first = [memory for when, memory in settled if when <= settled[0][0] + tenth_s]
        last = [memory for when, memory in settled if when >= settled[-1][0] - tenth_s]
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
    classifier: Classifier,
    seconds: float,
    *,
    fps: float = 30.0,
    plan: FaultPlan | None = None,
    size_wh: tuple[int, int] = (640, 480),
    settled_s: float = SETTLED_S,
) -> SoakReport:
    """Run the loop with everything going wrong.

    Args:
        classifier: names what is in the frames.
        seconds: how long.
        fps: frames a second of the camera.
        plan: what goes wrong when.
        size_wh: width and height of its frames, in pixels.
        settled_s: when to begin to hold growing memory against the loop, in seconds from the beginning.

    Raises:
        BaseException: whatever the loop could not cope with: it must not.
    """
    plan = plan or FaultPlan()
    settings = SceneSettings(fps=fps, size_wh=size_wh)
    witness = _Witness(seconds, plan, 1 / fps, settled_s)
    begun = time.monotonic()
    summary = run_loop(
        FaultyScene(settings, plan),
        classifier,
        [witness, _FailingSink()],
        LoopSettings(stale_after_s=0.5),
        reopen=lambda: FaultyScene(settings, plan),
    )
    ended = time.monotonic()
    return SoakReport(
        seconds=ended - begun,
        summary=summary,
        delivered=plan.delivered,
        reconnect_s=witness.reconnect_s(min(ended, begun + seconds)),
        growth_mb=witness.growth_mb(),
        wrong=witness.wrong,
        stale_reports=witness.stale_reports,
    )


@click.command()
@click.option("--minutes", type=click.FloatRange(1.5), default=30.0, show_default=True)
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
        "frames delivered: " + ", ".join(f"{count} {kind}" for kind, count in report.delivered.items()),
        f"frames dropped: {counts.dropped}, rejected: {counts.rejected} of {report.to_reject} to reject",
        f"outages: {counts.outages}, reconnections: {counts.reconnects}",
        f"results that should not have been: {sum(report.wrong.values())}",
        f"stale reports: {report.stale_reports}",
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
