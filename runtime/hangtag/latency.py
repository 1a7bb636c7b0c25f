"""Latencies summed up by percentiles; nothing is clipped, nothing is left out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class LatencySummary:
    """Percentiles of one kind of latency, in milliseconds, over ``count`` measurements."""

    count: int
    p50_ms: float
    p90_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    mean_ms: float


def summarize(latencies_ms: Collection[float]) -> LatencySummary:
    """Sum up measurements (percentiles by linear interpolation, as ``numpy.percentile``).

    Raises:
        ValueError: there is no measurement.
    """
    if not latencies_ms:
        raise ValueError("no latency was measured")
    values = np.fromiter(latencies_ms, np.float64, len(latencies_ms))
    p50, p90, p95, p99 = np.percentile(values, [50, 90, 95, 99])
    return LatencySummary(
        count=len(values),
        p50_ms=float(p50),
        p90_ms=float(p90),
        p95_ms=float(p95),
        p99_ms=float(p99),
        max_ms=float(values.max()),
        mean_ms=float(values.mean()),
    )
