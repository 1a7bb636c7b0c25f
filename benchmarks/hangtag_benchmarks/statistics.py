"""Intervals for latencies, which neither repeat exactly nor are independent of each other.

What is independent, as far as anything on a machine is, are blocks: processes of their own, started at
different times. So all intervals are about blocks; runs within one only make its median exact.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hangtag.metrics import Interval

Values = npt.NDArray[np.float64]

CONFIDENCE = 0.95
RESAMPLES = 1000
LEAST_PAIRS = 6
"""With fewer pairs no signed-rank test can be sure to 95 %: the rarest outcome of five has 2/32 = 6 %."""


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


def percentile_interval(blocks: Sequence[Sequence[float]], percentile: float, *, seed: int = 0) -> Interval:
    """Return the 95 % interval of a percentile over all runs, by a moving-block bootstrap over blocks.

    Neighbouring blocks share a machine's mood, so that blocks are drawn in stretches of the cube root of
    their number (Künsch 1989; Hall, Horowitz & Jing 1995 for the length), around the end to the beginning.

    Args:
        blocks: latencies of each block, in the order taken.
        percentile: 0 to 100.
        seed: of the draws.

    Raises:
        ValueError: there is no block, or one without a run.
    """
    if not blocks or not all(len(block) for block in blocks):
        raise ValueError(f"{len(blocks)} blocks, one of them perhaps empty; wanted at least one run in each")
    rng = np.random.default_rng(seed)
    arrays = [np.asarray(block, np.float64) for block in blocks]
    values = [
        np.percentile(np.concatenate([arrays[index] for index in drawn]), percentile)
        for drawn in _stretches(rng, len(arrays))
    ]
    low, high = np.percentile(values, [50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE)])
    return Interval(float(low), float(high))


def _stretches(rng: np.random.Generator, count: int) -> npt.NDArray[np.int64]:
    """Return for each resample which blocks it holds, shape (resamples, count)."""
    length = max(1, round(count ** (1 / 3)))
    starts = rng.integers(count, size=(RESAMPLES, math.ceil(count / length)))
    drawn = (starts[..., None] + np.arange(length)) % count
    return drawn.reshape(RESAMPLES, -1)[:, :count]


def paired_ratio(above: Sequence[float], below: Sequence[float]) -> Ratio:
    """Return how many times as large the medians of blocks are as those of another in the same rounds.

    The logarithms of the ratios are summed up by the Hodges-Lehmann estimate and its exact interval from
    Wilcoxon's signed ranks (Hollander, Wolfe & Chicken 2014, sections 3.2 and 3.3). Where both are the same
    thing, the order drawn for each round makes these logarithms symmetric around zero, whatever the machine
    does meanwhile; that is all that the test asks for, and no block is too far off to be counted.

    Fewer than :data:`LEAST_PAIRS` pairs have no interval: they prove nothing.

    Args:
        above: one median per round.
        below: one median per round, of the same rounds.

    Raises:
        ValueError: no pair, or not as many of one as of the other.
    """
    if not above or len(above) != len(below):
        raise ValueError(f"{len(above)} and {len(below)} medians; wanted as many of each, at least one")
    logs = np.log(np.asarray(above, np.float64)) - np.log(np.asarray(below, np.float64))
    rows, columns = np.triu_indices(len(logs))
    means = np.sort((logs[rows] + logs[columns]) / 2)
    value = math.exp(float(np.median(means)))
    outside = _signed_rank_outside(len(logs))
    if outside is None:
        return Ratio(value, None, len(logs))
    return Ratio(value, _of_logs(means, outside), len(logs))


def unpaired_ratio(above: Sequence[float], below: Sequence[float]) -> Ratio:
    """Return how many times as large the medians of one run's blocks are as those of another run.

    The same with Mann and Whitney's ranks (Hollander, Wolfe & Chicken 2014, sections 4.2 and 4.3; normal
    approximation). Blocks of two runs share no rounds: what differed between the two days or machines besides
    the models is part of the ratio and not of its interval.

    Raises:
        ValueError: one of them has no median.
    """
    if not above or not below:
        raise ValueError(f"{len(above)} and {len(below)} medians; wanted at least one of each")
    logs = np.log(np.asarray(above, np.float64))[:, None] - np.log(np.asarray(below, np.float64))
    differences = np.sort(logs.ravel())
    value = math.exp(float(np.median(differences)))
    first, second = logs.shape
    spread = _Z * math.sqrt(first * second * (first + second + 1) / 12)
    outside = math.floor(first * second / 2 - spread)
    pairs = min(first, second)
    if outside < 1 or pairs < LEAST_PAIRS - 1:
        return Ratio(value, None, pairs)
    return Ratio(value, _of_logs(differences, outside), pairs)


_Z = 1.959963984540054
"""The normal distribution's 97.5 % point."""


def _of_logs(ordered: Values, outside: int) -> Interval:
    """Return the interval between the values with ``outside`` - 1 others beyond them."""
    return Interval(math.exp(float(ordered[outside - 1])), math.exp(float(ordered[-outside])))


@functools.cache
def _signed_rank_outside(count: int) -> int | None:
    """Return how many Walsh averages at either end are outside of the interval, the bound itself included.

    None where no interval reaches the confidence.
    """
    ways = [1]
    for rank in range(1, count + 1):
        with_rank = [0] * rank + ways
        without = ways + [0] * rank
        ways = [a + b for a, b in zip(with_rank, without, strict=True)]
    most = (1 - CONFIDENCE) / 2 * 2**count
    below = 0
    for total, number in enumerate(ways):
        below += number
        if below > most:
            return total or None
    return None
