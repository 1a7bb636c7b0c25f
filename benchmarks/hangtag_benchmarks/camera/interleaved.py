"""Blocks of calls that take turns, and ratios of their medians: what two things cost beside each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hangtag.metrics import Interval, bootstrap_interval
from hangtag_benchmarks.protocol import no_garbage_collection

Block = Callable[[], Sequence[float]]
"""Runs a block of calls, as many each time, and returns the latency of each in milliseconds."""

Latencies = Mapping[str, Sequence[Sequence[float]]]
"""By what is timed: the latencies of each round's block, in milliseconds."""

_RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Ratio:
    """One median over another with its 95 % interval, and the target that the ratio itself is held to."""

    name: str
    value: float
    interval: Interval
    target: float
    at_most: bool

    @property
    def reached(self) -> bool:
        """True where the ratio is on the right side of the target."""
        return self.value <= self.target if self.at_most else self.value >= self.target

    def line(self) -> str:
        """Return the ratio and its verdict."""
        wanted = f"wanted {'at most' if self.at_most else 'at least'} {self.target:.2f}"
        interval = f"{self.interval.low:.3f} to {self.interval.high:.3f}"
        verdict = "reached" if self.reached else "MISSED"
        return f"{self.name}: {self.value:.3f} ({interval}), {wanted}: {verdict}"


def take_turns(blocks: Mapping[str, Block], rounds: int, *, seed: int = 0) -> Latencies:
    """Run every block once a round, in an order that is drawn for each round; no garbage is collected."""
    rng = np.random.default_rng(seed)
    names = list(blocks)
    latencies: dict[str, list[Sequence[float]]] = {name: [] for name in names}
    with no_garbage_collection():
        for _ in range(rounds):
            for index in rng.permutation(len(names)):
                latencies[names[index]].append(blocks[names[index]]())
    return latencies


def ratio_of_medians(
    name: str,
    over: Sequence[Sequence[float]],
    under: Sequence[Sequence[float]],
    *,
    target: float,
    at_most: bool,
) -> Ratio:
    """Return the ratio of two medians over all calls, with its interval from drawing whole rounds again.

    Args:
        name: what it is called.
        over: latencies by round, shape (rounds, calls).
        under: those of the same rounds that it is divided by, shape (rounds, calls).
        target: what the ratio is held to.
        at_most: the ratio must not be above the target; else not below.
    """
    above, below = np.asarray(over), np.asarray(under)

    def ratio(rounds: npt.NDArray[Any]) -> float:
        return float(np.median(above[rounds]) / np.median(below[rounds]))

    interval = bootstrap_interval(ratio, len(above), resamples=_RESAMPLES)
    return Ratio(name, ratio(np.arange(len(above))), interval, target, at_most)
