"""Counts what a camera loop does, in a memory that does not grow with the days."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from hangtag.latency import LatencySummary, summarize
from hangtag.result import Result
from hangtag.sinks.base import Losses
from hangtag.sources.account import Counts

REMEMBERED = 10_000
"""Latencies are summed up over the last so many frames."""


@dataclass(frozen=True, slots=True)
class LoopSummary:
    """What a loop did. ``right`` of ``labelled`` frames with a known label got it, each for itself.

    ``changes`` counts how often what is shown changed. Without a frame there are no latencies; they are of
    the last :data:`REMEMBERED` frames.
    """

    frames: int
    seconds: float
    labelled: int
    right: int
    changes: int
    prepare: LatencySummary | None
    infer: LatencySummary | None
    age: LatencySummary | None
    counts: Counts
    losses: tuple[Losses, ...]
    interrupted: bool


class Tally:
    """Counts as the loop goes."""

    def __init__(self) -> None:
        self._latencies: tuple[deque[float], ...] = tuple(deque(maxlen=REMEMBERED) for _ in range(3))
        self._frames = self._labelled = self._right = self._changes = 0

    def add(self, result: Result) -> None:
        """Count a result."""
        for kept, value in zip(
            self._latencies, (result.prepare_ms, result.infer_ms, result.age_ms), strict=True
        ):
            kept.append(value)
        if result.frame.label is not None:
            self._labelled += 1
            self._right += result.frame.label == result.alone.label
        # The first label is no change of one.
        self._changes += result.decision.changed and self._frames > 0
        self._frames += 1

    def summary(
        self, seconds: float, counts: Counts, *, losses: tuple[Losses, ...], interrupted: bool
    ) -> LoopSummary:
        """Return what was counted."""
        prepare, infer, age = (summarize(kept) if kept else None for kept in self._latencies)
        return LoopSummary(
            frames=self._frames,
            seconds=seconds,
            labelled=self._labelled,
            right=self._right,
            changes=self._changes,
            prepare=prepare,
            infer=infer,
            age=age,
            counts=counts,
            losses=losses,
            interrupted=interrupted,
        )
