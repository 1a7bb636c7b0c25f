"""In which order targets are measured, and when that is enough."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np

from hangtag_benchmarks.plans import Plan
from hangtag_benchmarks.statistics import percentile_interval

_T = TypeVar("_T")


def shuffled(items: Sequence[_T], round_number: int, *, seed: int) -> list[_T]:
    """Return the targets in the order of one round: drawn anew for each, the same for the same seed."""
    order = np.random.default_rng([seed, round_number]).permutation(len(items))
    return [items[index] for index in order]


def is_enough(plan: Plan, rounds: int, latencies: Iterator[Sequence[Sequence[float]]]) -> bool:
    """Return whether a benchmark may end.

    Args:
        plan: the limits.
        rounds: how many were finished.
        latencies: for each target what matters most, by block, in milliseconds.
    """
    if rounds >= plan.rounds:
        return True
    if plan.enough_width is None or rounds < plan.least_rounds:
        return False
    return all(_width(blocks) < plan.enough_width for blocks in latencies)


def _width(blocks: Sequence[Sequence[float]]) -> float:
    """Return how wide the interval of the median is, as a share of the median."""
    interval = percentile_interval(blocks, 50)
    if interval is None:
        return math.inf
    return (interval.high - interval.low) / float(np.median(np.concatenate([*map(np.asarray, blocks)])))
