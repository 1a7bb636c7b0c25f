"""Which rows are worth having: nothing else is at once as accurate, as fast and as small."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hangtag_benchmarks.records import Row


@dataclass(frozen=True, slots=True)
class Point:
    """A ranked row with an accuracy: its place in the result, and the median that it is compared by."""

    place: int
    p50_ms: float
    top1: float
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Frontier:
    """Rows by what they cost and what they are worth.

    Args:
        kind: ``invoke``, or ``end_to_end`` where more rows have that: the two are never mixed.
        points: the rows that have it and an accuracy.
        front: places of those that no other beats.
    """

    kind: str
    points: tuple[Point, ...]
    front: frozenset[int]


def frontier(rows: Sequence[Row]) -> Frontier:
    """Find the rows on the Pareto front of accuracy, latency and size."""
    kinds = {kind: _points(rows, kind) for kind in ("invoke", "end_to_end")}
    kind = max(kinds, key=lambda name: len(kinds[name]))
    points = kinds[kind]
    costs = [(point.p50_ms, -point.top1, float(point.size_bytes)) for point in points]
    return Frontier(kind, points, frozenset(points[index].place for index in pareto(costs)))


def pareto(costs: Sequence[Sequence[float]]) -> list[int]:
    """Return the places of what nothing else beats: is as small in everything and smaller in something."""
    return [
        index
        for index, cost in enumerate(costs)
        if not any(
            other != cost and all(one <= another for one, another in zip(other, cost, strict=True))
            for other in costs
        )
    ]


def _points(rows: Sequence[Row], kind: str) -> tuple[Point, ...]:
    return tuple(
        Point(place, latency.summary.p50_ms, row.accuracy.top1, row.model.size_bytes)
        for place, row in enumerate(rows)
        if row.ranked and row.accuracy is not None and (latency := getattr(row, kind)) is not None
    )
