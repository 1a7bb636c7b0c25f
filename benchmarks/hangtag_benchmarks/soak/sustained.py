"""What a soak found: how fast a machine is while it is cold, how fast for good, and when the two part."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hangtag_benchmarks.machine.records import Conditions
from hangtag_benchmarks.soak.records import SoakFigure, SoakMinute
from hangtag_benchmarks.statistics import LEAST_PAIRS, percentile_interval

LEAST_MINUTES = 3
"""Of fewer, the last third is no minute."""

LEAST_FOR_PARTING = 5
"""Of fewer minutes, nobody can tell how far two differ that are equally warm."""

LEAST_PARTING = 1.05
"""A minute that is less slow than this many times the cold one has not parted from it: so much lies between
two minutes of a shared machine that is no warmer. Processors that throttle lose a tenth and more."""

SPREADS = 4.0
"""By how many spreads of the difference of two minutes one must be slower, where minutes scatter by more."""

FOR_GOOD = 0.9
"""Share of the minutes from one on that must be slower for the machine to be so for good. A clock that goes
up and down at its limit may be fast again in some minute."""

_KEPT_RUNS = 3000
"""Runs of a minute that its intervals, and figures over several minutes, are made of, evenly from all."""

Slices = Sequence[Sequence[float]]
"""Latencies of parts of a minute in milliseconds, in their order: what its intervals draw from."""


@dataclass(frozen=True, slots=True)
class RawMinute:
    """A minute as soon as it is over; ``kept_ms`` are runs by slice, so few that hours of them can be kept.

    Its interval is left for the end: the model waits while anything else is computed, and cools.
    """

    runs: int
    p50_ms: float
    p95_ms: float
    kept_ms: Slices
    conditions: Conditions

    @classmethod
    def of(cls, slices_ms: Slices, conditions: Conditions) -> RawMinute:
        """Sum up all runs of a minute."""
        runs_ms = np.concatenate([np.asarray(part, np.float64) for part in slices_ms])
        p50_ms, p95_ms = np.percentile(runs_ms, (50, 95)).tolist()
        return cls(len(runs_ms), p50_ms, p95_ms, thinned(slices_ms), conditions)

    def finished(self) -> SoakMinute:
        """Return it with the interval of its median."""
        interval = percentile_interval(self.kept_ms, 50)
        return SoakMinute(self.runs, self.p50_ms, interval, self.p95_ms, self.conditions)


def thinned(slices: Slices) -> list[list[float]]:
    """Return so few of a minute's runs that hours of them can be kept, evenly from all."""
    step = max(1, math.ceil(sum(map(len, slices)) / _KEPT_RUNS))
    return [list(part[::step]) for part in slices]


def figure(raw: Sequence[RawMinute], minutes: Sequence[SoakMinute], first: int, last: int) -> SoakFigure:
    """Sum up the minutes from ``first`` to ``last``, counted from 1."""
    chosen = minutes[first - 1 : last]
    if len(chosen) == 1:
        p50_ms, interval = chosen[0].p50_ms, chosen[0].p50_interval
    else:
        parts = [part for minute in raw[first - 1 : last] for part in minute.kept_ms]
        # A minute is a block, where there are enough: how minutes differ is what the interval is about.
        whole = [[run for part in minute.kept_ms for run in part] for minute in raw[first - 1 : last]]
        blocks = whole if len(whole) >= LEAST_PAIRS else parts
        p50_ms = float(np.median(np.concatenate([np.asarray(block) for block in blocks])))
        interval = percentile_interval(blocks, 50)
    clocks = [one for minute in chosen if (one := minute.conditions.cpu_frequency_mhz) is not None]
    heats = [one for minute in chosen if (one := minute.conditions.cpu_temperature_c) is not None]
    return SoakFigure(
        first_minute=first,
        last_minute=last,
        p50_ms=p50_ms,
        p50_interval=interval,
        cpu_frequency_mhz=statistics.median(clocks) if clocks else None,
        cpu_temperature_c=max(heats, default=None),
    )


def cold(raw: Sequence[RawMinute], minutes: Sequence[SoakMinute]) -> SoakFigure:
    """Return the figure of the first minute: what a short benchmark would have found.

    A shorter time would be colder still, but is mostly the noise of its moment; most machines without a fan
    hold their clock for longer than a minute.
    """
    return figure(raw, minutes, 1, 1)


def sustained(raw: Sequence[RawMinute], minutes: Sequence[SoakMinute]) -> SoakFigure | None:
    """Return the figure of the last third: what remains once a machine is as warm as it will be.

    Heat comes to its end slowly, and the clock may swing there: so many minutes, and none of the way.
    """
    count = len(minutes)
    return figure(raw, minutes, count - count // 3 + 1, count) if count >= LEAST_MINUTES else None


def parts_at(minutes: Sequence[SoakMinute]) -> int | None:
    """Return the first minute, counted from 1, from which on the machine is slower than at first for good.

    A minute is slower where its median is more than :data:`LEAST_PARTING` times the cold one, more than
    :data:`SPREADS` spreads of what neighbouring minutes differ by, and its interval lies above the cold
    one's. From the minute that is returned on, :data:`FOR_GOOD` of all are slower, the last among them, and
    at least two are. None where there is no such minute.
    """
    if len(minutes) < LEAST_FOR_PARTING:
        return None
    first = minutes[0]
    limit_ms = first.p50_ms * max(LEAST_PARTING, math.exp(SPREADS * _spread(minutes)))
    slower = [minute.p50_ms > limit_ms and _is_above(minute, first) for minute in minutes]
    if not slower[-1]:
        return None
    for index in range(1, len(minutes) - 1):
        rest = slower[index:]
        if slower[index] and sum(rest) >= FOR_GOOD * len(rest):
            return index + 1
    return None


def _is_above(minute: SoakMinute, first: SoakMinute) -> bool:
    later, earlier = minute.p50_interval, first.p50_interval
    return later is None or earlier is None or later.low > earlier.high


def _spread(minutes: Sequence[SoakMinute]) -> float:
    """Return the spread of the logarithm of the ratio of two minutes, from neighbours in time.

    By the median absolute difference: the few minutes in which a machine slows down do not count.
    """
    logs = [math.log(minute.p50_ms) for minute in minutes]
    steps = [abs(after - before) for before, after in itertools.pairwise(logs)]
    return 1.4826 * statistics.median(steps)
