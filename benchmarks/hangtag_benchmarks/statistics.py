"""Intervals for latencies, which neither repeat exactly nor are independent of each other.

What is independent, as far as anything on a machine is, are blocks: processes of their own, started at
different times. So all intervals are about blocks; runs within one only make its median exact.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from hangtag.metrics import Interval

Values = npt.NDArray[np.float64]

CONFIDENCE = 0.95
RESAMPLES = 2000
LEAST_PAIRS = 6
"""With fewer pairs no signed-rank test can be sure to 95 %: the rarest outcome of five has 2/32 = 6 %.

With fewer blocks no interval can either: all five lie on one side of their median that often.
"""

_LEAST_FOR_STRETCHES = 8
_MOST_VALUES = 100_000
"""Between the medians of blocks; more of them are told apart by nobody."""

_NORMAL = NormalDist()
_Z = _NORMAL.inv_cdf(0.5 + CONFIDENCE / 2)


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times as large one thing is as another, with its 95 % interval over ``pairs`` of blocks.

    ``interval`` is None where there are too few pairs to know anything.
    """

    value: float
    interval: Interval | None
    pairs: int

    @property
    def is_different(self) -> bool:
        """True where the interval leaves out 1."""
        return self.interval is not None and not self.interval.low <= 1.0 <= self.interval.high


def percentile_interval(
    blocks: Sequence[Sequence[float]], percentile: float, *, seed: int = 0
) -> Interval | None:
    """Return the 95 % interval of a percentile over all runs, by a moving-block bootstrap over blocks.

    Neighbouring blocks share a machine's mood, so that blocks are drawn in stretches of the cube root of
    their number (Künsch 1989; Hall, Horowitz & Jing 1995 for the length), around the end to the beginning.
    So few stretches scatter less than what they were drawn from, and their own scatter is a guess: the
    quantiles of the draws that bound the interval lie further out for it, as Student's do (Hesterberg 2015).

    Args:
        blocks: latencies of each block, in the order taken.
        percentile: 0 to 100.
        seed: of the draws.

    Returns:
        The interval; None of fewer than :data:`LEAST_PAIRS` blocks, which prove nothing.

    Raises:
        ValueError: there is no block, or one without a run.
    """
    if not blocks or not all(len(block) for block in blocks):
        raise ValueError(f"{len(blocks)} blocks, one of them perhaps empty; wanted at least one run in each")
    if len(blocks) < LEAST_PAIRS:
        return None
    arrays = [np.sort(np.asarray(block, np.float64)) for block in blocks]
    values = _pooled_percentiles(arrays, _times_drawn(len(arrays), seed), percentile)
    outside = 100 * _outside_share(len(arrays))
    low, high = np.percentile(values, [outside, 100 - outside])
    # Where many runs are equal, draws can all miss what the runs themselves say by a rounding.
    told = float(np.percentile(np.concatenate(arrays), percentile))
    return Interval(min(float(low), told), max(float(high), told))


def _stretch_length(count: int) -> int:
    """Return how many neighbouring blocks are drawn together; of a few, each alone."""
    return 1 if count < _LEAST_FOR_STRETCHES else round(count ** (1 / 3))


def _outside_share(count: int) -> float:
    """Return which share of the draws lies beyond either end of the interval."""
    stretches = count / _stretch_length(count)
    shrunk = math.sqrt(1 - 1 / stretches)
    return _NORMAL.cdf(-_student_z(stretches - 1) / shrunk)


def _student_z(freedom: float) -> float:
    """Return Student's 97.5 % point, by the expansion of Abramowitz & Stegun 26.7.5 (0.1 % from 3 on)."""
    terms = (
        (_Z**3 + _Z) / 4,
        (5 * _Z**5 + 16 * _Z**3 + 3 * _Z) / 96,
        (3 * _Z**7 + 19 * _Z**5 + 17 * _Z**3 - 15 * _Z) / 384,
        (79 * _Z**9 + 776 * _Z**7 + 1482 * _Z**5 - 1920 * _Z**3 - 945 * _Z) / 92160,
    )
    return _Z + sum(term / freedom**power for power, term in enumerate(terms, start=1))


@functools.lru_cache(maxsize=8)
def _times_drawn(count: int, seed: int) -> Values:
    """Return how often each block is part of each draw, shape (resamples, count)."""
    length = _stretch_length(count)
    rng = np.random.default_rng(seed)
    starts = rng.integers(count, size=(RESAMPLES, math.ceil(count / length)))
    drawn = ((starts[..., None] + np.arange(length)) % count).reshape(RESAMPLES, -1)[:, :count]
    return np.stack([(drawn == block).sum(axis=1) for block in range(count)], axis=1).astype(np.float64)


def _pooled_percentiles(arrays: Sequence[Values], times: Values, percentile: float) -> Values:
    """Return for each draw the percentile over all runs of its blocks, as ``numpy.percentile`` defines it.

    No run is copied for it: the percentile lies between the lowest and the highest of single blocks, and for
    each value there it is known how many runs of each block are not above it.

    Args:
        arrays: the runs of each block, sorted.
        times: how often each block counts, shape (draws, blocks).
        percentile: 0 to 100.
    """
    share = percentile / 100
    positions = [(len(array) - 1) * share for array in arrays]
    lowest = min(array[math.floor(at)] for array, at in zip(arrays, positions, strict=True))
    highest = max(array[math.ceil(at)] for array, at in zip(arrays, positions, strict=True))
    values = np.unique(np.concatenate([_between(array, lowest, highest) for array in arrays]))
    if len(values) > _MOST_VALUES:
        values = values[np.linspace(0, len(values) - 1, _MOST_VALUES).round().astype(int)]
    # By value and block.
    not_above = np.stack([np.searchsorted(array, values, "right") for array in arrays], axis=1)
    wanted = (times @ np.array([len(array) for array in arrays], np.float64) - 1) * share
    below = np.floor(wanted)
    lower = values[_first_above(times, not_above.astype(np.float64), below)]
    upper = values[_first_above(times, not_above.astype(np.float64), np.ceil(wanted))]
    return np.asarray(lower + (wanted - below) * (upper - lower))


def _first_above(times: Values, not_above: Values, places: Values) -> npt.NDArray[np.int64]:
    """Return for each draw the first value that more runs than ``places`` are not above of, by bisection."""
    low = np.zeros(len(times), np.int64)
    high = np.full(len(times), len(not_above) - 1)
    for _ in range(len(not_above).bit_length()):
        middle = (low + high) // 2
        enough = np.einsum("ij,ij->i", times, not_above[middle]) > places
        high = np.where(enough, middle, high)
        low = np.where(enough, low, np.minimum(middle + 1, high))
    return low


def _between(array: Values, lowest: float, highest: float) -> Values:
    return array[np.searchsorted(array, lowest, "left") : np.searchsorted(array, highest, "right")]


def paired_ratio(above: Sequence[float], below: Sequence[float], *, at_once: int = 1) -> Ratio:
    """Return how many times as large the medians of blocks are as those of another in the same rounds.

    The logarithms of the ratios are summed up by the Hodges-Lehmann estimate and its exact interval from
    Wilcoxon's signed ranks (Hollander, Wolfe & Chicken 2014, sections 3.2 and 3.3). Where both are the same
    thing, the order drawn for each round makes these logarithms symmetric around zero, whatever the machine
    does meanwhile; that is all that the test asks for, and no block is too far off to be counted.

    Fewer than :data:`LEAST_PAIRS` pairs have no interval: they prove nothing. It takes more of them where
    many ratios must hold together.

    Args:
        above: one median per round.
        below: one median per round, of the same rounds.
        at_once: how many ratios with their intervals must all be right with 95 % (Bonferroni's inequality).

    Raises:
        ValueError: no pair, not as many of one as of the other, or one that is no latency.
    """
    if not above or len(above) != len(below):
        raise ValueError(f"{len(above)} and {len(below)} medians; wanted as many of each, at least one")
    logs = _logs(above) - _logs(below)
    rows, columns = np.triu_indices(len(logs))
    means = np.sort((logs[rows] + logs[columns]) / 2)
    value = math.exp(float(np.median(means)))
    outside = _signed_rank_outside(len(logs), at_once)
    if outside is None:
        return Ratio(value, None, len(logs))
    return Ratio(value, _of_logs(means, outside), len(logs))


def unpaired_ratio(above: Sequence[float], below: Sequence[float]) -> Ratio:
    """Return how many times as large the medians of one run's blocks are as those of another run.

    The same with the exact ranks of Mann and Whitney (Hollander, Wolfe & Chicken 2014, sections 4.2 and
    4.3). Blocks of two runs share no rounds: what differed between the two days or machines besides the
    models is part of the ratio and not of its interval.

    Raises:
        ValueError: one of them has no median, or one that is no latency.
    """
    if not above or not below:
        raise ValueError(f"{len(above)} and {len(below)} medians; wanted at least one of each")
    differences = np.sort((_logs(above)[:, None] - _logs(below)).ravel())
    value = math.exp(float(np.median(differences)))
    outside = _rank_sum_outside(len(above), len(below))
    pairs = min(len(above), len(below))
    if outside is None:
        return Ratio(value, None, pairs)
    return Ratio(value, _of_logs(differences, outside), pairs)


def _logs(medians: Sequence[float]) -> Values:
    values = np.asarray(medians, np.float64)
    if not (np.isfinite(values) & (values > 0)).all():
        raise ValueError(f"medians from {values.min()} to {values.max()} ms; wanted them above 0 and finite")
    return np.log(values)


def _of_logs(ordered: Values, outside: int) -> Interval:
    """Return the interval between the values with ``outside`` - 1 others beyond them."""
    return Interval(math.exp(float(ordered[outside - 1])), math.exp(float(ordered[-outside])))


@functools.cache
def _signed_rank_outside(count: int, at_once: int = 1) -> int | None:
    """Return how many Walsh averages at either end are outside of the interval, the bound itself included.

    None where no interval reaches the confidence.
    """
    ways = [1]
    for rank in range(1, count + 1):
        with_rank = [0] * rank + ways
        without = ways + [0] * rank
        ways = [a + b for a, b in zip(with_rank, without, strict=True)]
    return _rarest(ways, at_once)


@functools.cache
def _rank_sum_outside(first: int, second: int) -> int | None:
    """Return the same for the differences between all of ``first`` and all of ``second`` values.

    The ways in which so many pairs are the wrong way around, by Mann and Whitney's recursion.
    """
    # By the number of values of the first kind; of the second there are as many as rounds were gone.
    ways = [[1] for _ in range(first + 1)]
    for of_second in range(1, second + 1):
        before, ways = ways, [[1]]
        for of_first in range(1, first + 1):
            largest_is_first = [0] * of_second + ways[of_first - 1]
            largest_is_second = before[of_first] + [0] * of_first
            ways.append([a + b for a, b in zip(largest_is_first, largest_is_second, strict=True)])
    return _rarest(ways[first])


def _rarest(ways: Sequence[int], at_once: int = 1) -> int | None:
    """Return the least total that cannot be left out at either end; None where that is none at all."""
    # In whole numbers: 2**60 ways are more than a float can count.
    most = sum(ways) * round(1000 * (1 - CONFIDENCE)) // (2000 * at_once)
    below = 0
    for total, number in enumerate(ways):
        below += number
        if below > most:
            return total or None
    return None
