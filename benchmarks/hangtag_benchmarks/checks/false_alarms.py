"""``python -m hangtag_benchmarks.checks.false_alarms``: how often verdicts are wrong.

Whole benchmarks are run on simulated machines (:mod:`hangtag_benchmarks.checks.simulated`), where it is known
whether two targets differ: their rounds in random order, the early end and the verdicts are the benchmark's
own. Counted are differences that are seen where there is none, and such of 5 % that are found; and how
often the intervals of percentiles hold what an endless run would find.
"""

from __future__ import annotations

import concurrent.futures
import functools
import multiprocessing
import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import click

from hangtag.device import usable_cores
from hangtag.metrics import Interval
from hangtag_benchmarks.checks.moods import SCENARIOS, Scenario
from hangtag_benchmarks.checks.shares import Share
from hangtag_benchmarks.checks.simulated import TYPICAL_MS, simulate, true_percentiles
from hangtag_benchmarks.plans import QUICK_PLAN, Plan
from hangtag_benchmarks.records import Result, Verdict
from hangtag_benchmarks.reports.tables import Table
from hangtag_benchmarks.statistics import unpaired_ratio

MOST_FALSE_ALARMS = 0.07
LEAST_FOUND = 0.9
DIFFERENCE = 1.05
PLANS = {"default": Plan(), "quick": QUICK_PLAN}
_SAME, _DIFFERENT = (TYPICAL_MS, TYPICAL_MS), (TYPICAL_MS, TYPICAL_MS * DIFFERENCE)
_MANY_ROWS = 10


@dataclass(frozen=True, slots=True)
class Pair:
    """What a simulated benchmark of two targets said; ``covers`` by percentile, of steady machines alone."""

    is_different: bool
    is_right: bool
    rounds: int
    covers: dict[int, bool]


@dataclass(frozen=True, slots=True)
class Simulated:
    """All pairs of one scenario with one plan."""

    scenario: str
    steady: bool
    plan: str
    same: tuple[Pair, ...]
    different: tuple[Pair, ...]

    def false_alarms(self) -> Share:
        """Return how many of the equal pairs were called different."""
        return share(f"{self.plan} plan, {self.scenario}", (pair.is_different for pair in self.same))

    def found(self) -> Share:
        """Return how many of the different pairs were called different, the slower the slower one."""
        return share(f"{self.plan} plan, {self.scenario}", (pair.is_right for pair in self.different))

    def row(self) -> tuple[str, ...]:
        """Return the cells of a table."""
        covers = (
            share("", (pair.covers[percentile] for pair in self.same)).text() if self.steady else "not steady"
            for percentile in (50, 95)
        )
        rounds = statistics.mean(pair.rounds for pair in self.same)
        found = self.found().text() if self.different else "-"
        return self.scenario, self.false_alarms().text(), found, f"{rounds:.1f}", *covers


COLUMNS = ("scenario", "equal, called different", "5 % found", "rounds", "p50 covered", "p95 covered")


def share(name: str, are: Iterable[bool], *, wanted: float | None = None, at_most: bool = True) -> Share:
    """Count what is true."""
    known = list(are)
    return Share(name, sum(known), len(known), wanted, at_most)


def simulated(number: int, plan: str, same: int, different: int) -> Simulated:
    """Simulate the pairs of one scenario.

    Args:
        number: its place in the table of scenarios.
        plan: a name of :data:`PLANS`.
        same: pairs that are equal.
        different: pairs that differ by 5 %.
    """
    scenario = SCENARIOS[number]
    # Seeds are kept apart: no plan and no scenario sees another's draws.
    first = (number * 2 + list(PLANS).index(plan)) * 1_000_000
    truths = true_percentiles(scenario, PLANS[plan].block, (50, 95)) if scenario.steady else {}
    return Simulated(
        scenario.name,
        scenario.steady,
        plan,
        tuple(_pair(scenario, plan, _SAME, truths, first + seed) for seed in range(same)),
        tuple(_pair(scenario, plan, _DIFFERENT, {}, first + 500_000 + seed) for seed in range(different)),
    )


def _pair(
    scenario: Scenario, plan: str, typical_ms: Sequence[float], truths: dict[int, float], seed: int
) -> Pair:
    result = simulate(scenario, PLANS[plan], typical_ms, seed)
    (verdict,) = result.verdicts
    return Pair(
        is_different=verdict.ratio.is_different,
        is_right=verdict.ratio.is_different and verdict.first == 1,
        rounds=result.rounds,
        covers={at: _covers(result, at, truth) for at, truth in truths.items()},
    )


def _covers(result: Result, percentile: int, truth_ms: float) -> bool:
    latency = result.rows[0].invoke
    interval: Interval | None = getattr(latency, f"p{percentile}_interval")
    return interval is not None and interval.low <= truth_ms <= interval.high


def many_rows(seed: int) -> tuple[Verdict, ...]:
    """Return the verdicts between ten equal rows, each with the one that happened to be fastest."""
    scenario = SCENARIOS[seed % len(SCENARIOS)]
    return simulate(scenario, replace(Plan(), enough_width=None), (TYPICAL_MS,) * _MANY_ROWS, seed).verdicts


def two_days(seed: int) -> bool:
    """Return whether the same model on two machines of a kind is called different by ``compare``'s way."""
    scenario = SCENARIOS[seed % len(SCENARIOS)]
    medians = []
    for day in (0, 1):
        (row,) = simulate(
            scenario, replace(Plan(), enough_width=None), (TYPICAL_MS,), 2 * seed + day + 90_000_000
        ).rows
        medians.append([block.invoke_p50_ms or 0.0 for block in row.blocks])
    return unpaired_ratio(*medians).is_different


@click.command()
@click.option("--pairs", type=click.IntRange(11), default=1001, show_default=True, help="Equal pairs a plan.")
@click.option(
    "--differences", type=click.IntRange(11), default=330, show_default=True, help="Pairs that differ by 5 %."
)
@click.option(
    "--others", type=click.IntRange(0), default=220, show_default=True, help="Of ten rows; two days."
)
def false_alarms(pairs: int, differences: int, others: int) -> None:
    """Count wrong verdicts on simulated machines; exit 1 where there are too many."""
    count = len(SCENARIOS)
    fresh = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(usable_cores(), mp_context=fresh) as pool:
        found = {
            plan: list(
                pool.map(
                    functools.partial(
                        simulated, plan=plan, same=-(-pairs // count), different=-(-differences // count)
                    ),
                    range(count),
                )
            )
            for plan in PLANS
        }
        rows_of_ten = list(pool.map(many_rows, range(others), chunksize=8))
        days = list(pool.map(two_days, range(others), chunksize=8))
    for plan, scenarios in found.items():
        click.echo(f"{plan} plan, {PLANS[plan].rounds} rounds at most (95 % intervals in brackets)")
        click.echo(Table(COLUMNS, tuple(one.row() for one in scenarios)).text())
        click.echo()
    held = targets(found)
    if others:
        held.append(_of_ten(rows_of_ten))
    for one in held:
        click.echo(one.line())
    if others:
        click.echo(share("the same on two machines or days, called different", days).line())
    sys.exit(0 if all(one.reached for one in held) else 1)


def targets(found: dict[str, list[Simulated]]) -> list[Share]:
    """Return what must hold, over all scenarios."""
    held = [
        share(
            f"{plan} plan, equal pairs called different",
            (pair.is_different for one in scenarios for pair in one.same),
            wanted=MOST_FALSE_ALARMS,
        )
        for plan, scenarios in found.items()
    ]
    return [
        *held,
        share(
            "default plan, differences of 5 % found",
            (pair.is_right for one in found["default"] for pair in one.different),
            wanted=LEAST_FOUND,
            at_most=False,
        ),
    ]


def _of_ten(results: Sequence[Sequence[Verdict]]) -> Share:
    """Return how many results with ten equal rows hold a verdict that is wrong."""
    return share(
        "default plan, ten equal rows, any of them called slower than the fastest",
        (any(verdict.ratio.is_different for verdict in verdicts) for verdicts in results),
        wanted=MOST_FALSE_ALARMS,
    )


if __name__ == "__main__":
    false_alarms()
