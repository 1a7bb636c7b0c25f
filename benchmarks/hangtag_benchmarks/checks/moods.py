"""What happens on machines while one measures, as effects on simulated latencies."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Moment:
    """A block's runs: when each began, in seconds, and the block's place in its round, from 0."""

    times_s: Values
    place: int
    rng: np.random.Generator


Effect = Callable[[Moment], Values | float]
"""By how much runs are slower, as a logarithm."""

Cause = Callable[[np.random.Generator], Effect]
"""Makes an effect for one session: its phases and moments are drawn anew."""


def noise(spread: float) -> Cause:
    """Each run for itself."""
    return lambda _: lambda moment: np.asarray(moment.rng.normal(0, spread, len(moment.times_s)))


def autoregressive(spread: float, carried: float) -> Cause:
    """Each run keeps a share of what the run before was off (AR(1))."""

    def effect(moment: Moment) -> Values:
        count = len(moment.times_s)
        return np.asarray(spread * (_mixing(count, carried) @ moment.rng.normal(size=count)))

    return lambda _: effect


@functools.cache
def _mixing(count: int, carried: float) -> Values:
    numbers = np.arange(count)
    correlations: Values = carried ** np.abs(numbers[:, None] - numbers).astype(np.float64)
    return np.asarray(np.linalg.cholesky(correlations))


def luck(spread: float) -> Cause:
    """Each process for itself: where its memory happens to lie."""
    return lambda _: lambda moment: float(moment.rng.normal(0, spread))


def two_layouts(gap: float) -> Cause:
    """Each process is one of two kinds."""
    return lambda _: lambda moment: gap * float(moment.rng.integers(2))


def mood(spread: float, memory_s: float) -> Cause:
    """A level that wanders and comes back (AR(1) from block to block), forgotten after ``memory_s``."""

    def begin(rng: np.random.Generator) -> Effect:
        level, at_s = float(rng.normal()), 0.0

        def effect(moment: Moment) -> float:
            nonlocal level, at_s
            now_s = float(moment.times_s[0])
            kept = float(np.exp(-(now_s - at_s) / memory_s))
            level = kept * level + float(np.sqrt(1 - kept**2) * moment.rng.normal())
            at_s = now_s
            return spread * level

        return effect

    return begin


def bursts(slower: float, calm_s: float, busy_s: float) -> Cause:
    """A neighbour that works now and then."""

    def begin(rng: np.random.Generator) -> Effect:
        ends = np.cumsum(rng.exponential(np.tile([calm_s, busy_s], 400)))
        started = rng.uniform(0, calm_s + busy_s)
        return lambda moment: np.where(np.searchsorted(ends, moment.times_s + started) % 2 == 1, slower, 0.0)

    return begin


def steps(spread: float, every_s: float) -> Cause:
    """Levels that hold for a while and jump."""

    def begin(rng: np.random.Generator) -> Effect:
        ends, levels = np.cumsum(rng.exponential(every_s, 400)), rng.normal(0, spread, 401)
        return lambda moment: np.asarray(levels[np.searchsorted(ends, moment.times_s)])

    return begin


def sine(height: float, period_s: float) -> Cause:
    """A slow coming and going, as of a room's temperature."""

    def begin(rng: np.random.Generator) -> Effect:
        phase = rng.uniform(0, 2 * np.pi)
        return lambda moment: height * np.sin(2 * np.pi * moment.times_s / period_s + phase)

    return begin


def throttling(slower: float, ramp_s: float) -> Cause:
    """A processor that grows hot somewhere in the first minutes and is held back more and more."""

    def begin(rng: np.random.Generator) -> Effect:
        start_s = rng.uniform(0, 120)
        return lambda moment: np.asarray(slower * np.clip((moment.times_s - start_s) / ramp_s, 0, 1))

    return begin


def spikes(share: float) -> Cause:
    """A few runs that take far longer, with a heavy tail."""

    def effect(moment: Moment) -> Values:
        count = len(moment.times_s)
        return np.where(moment.rng.random(count) < share, np.log1p(moment.rng.pareto(1.5, count)), 0.0)

    return lambda _: effect


def first_is_slower(slower: float) -> Cause:
    """Whoever comes first in a round meets a processor that has rested."""
    return lambda _: lambda moment: slower if moment.place == 0 else 0.0


_PLAIN = (noise(0.01), luck(0.01))


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of machine; ``steady`` where it has a median that a long enough run would find."""

    name: str
    causes: tuple[Cause, ...]
    steady: bool = True


SCENARIOS = (
    Scenario("quiet", _PLAIN),
    Scenario("autocorrelated", (autoregressive(0.04, 0.9), mood(0.03, 20), luck(0.01))),
    Scenario("bursts", (*_PLAIN, autoregressive(0.02, 0.7), bursts(0.3, 40, 15))),
    Scenario("spikes, heavy tail", (*_PLAIN, spikes(0.03))),
    Scenario("luck of a process", (noise(0.01), luck(0.03))),
    Scenario("two memory layouts", (noise(0.01), luck(0.005), two_layouts(0.04))),
    Scenario("slow sine", (*_PLAIN, sine(0.1, 240)), steady=False),
    Scenario("steps", (*_PLAIN, autoregressive(0.02, 0.7), steps(0.08, 60)), steady=False),
    Scenario("throttling", (*_PLAIN, throttling(0.4, 150)), steady=False),
    Scenario("the first in a round is slower", (*_PLAIN, first_is_slower(0.03))),
    Scenario(
        "all at once",
        (
            autoregressive(0.02, 0.8),
            luck(0.01),
            mood(0.02, 60),
            bursts(0.2, 60, 10),
            sine(0.05, 300),
            spikes(0.03),
            throttling(0.2, 200),
        ),
        steady=False,
    ),
)
