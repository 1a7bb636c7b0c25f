"""Who comes when, and when it is enough."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from hangtag_benchmarks.plans import BlockPlan, Plan
from hangtag_benchmarks.schedule import is_enough, shuffled

_STEADY = [[4.0, 4.01, 3.99]] * 10
_UNSTEADY = [[4.0 + 0.05 * number] * 3 for number in range(10)]


def test_a_round_holds_every_target_once_in_the_order_of_its_seed() -> None:
    items = list(range(7))
    assert sorted(shuffled(items, 3, seed=5)) == items
    assert shuffled(items, 3, seed=5) == shuffled(items, 3, seed=5)
    assert len({tuple(shuffled(items, number, seed=5)) for number in range(20)}) > 15
    assert len({tuple(shuffled(items, 3, seed=seed)) for seed in range(20)}) > 15


def test_every_order_comes_as_often() -> None:
    orders = Counter(tuple(shuffled("ABC", number, seed=1)) for number in range(1200))
    assert len(orders) == 6
    # 200 of each, with a standard deviation of 13.
    assert all(abs(count - 200) < 60 for count in orders.values())


def test_the_order_of_two_is_a_fair_coin_from_round_to_round() -> None:
    first = np.array([shuffled((0, 1), number, seed=9)[0] for number in range(1000)])
    assert abs(first.mean() - 0.5) < 0.06
    assert abs(np.corrcoef(first[:-1], first[1:])[0, 1]) < 0.1


@pytest.mark.parametrize(
    ("plan", "rounds", "blocks", "expected"),
    [
        (Plan(rounds=20), 20, [_UNSTEADY], True),
        (Plan(rounds=20), 19, [_UNSTEADY], False),
        (Plan(rounds=20, least_rounds=10), 10, [_STEADY], True),
        (Plan(rounds=20, least_rounds=11), 10, [_STEADY], False),
        (Plan(rounds=20, least_rounds=10), 10, [_STEADY, _UNSTEADY], False),
        (Plan(rounds=20, least_rounds=10, enough_width=None), 10, [_STEADY], False),
        (Plan(rounds=20, least_rounds=10, enough_width=0.5), 10, [_STEADY, _UNSTEADY], True),
        (Plan(rounds=20, least_rounds=1), 3, [_STEADY[:3]], False),
        (Plan(rounds=1), 1, [_STEADY[:1]], True),
    ],
)
def test_when_it_is_enough(
    plan: Plan, rounds: int, blocks: list[list[list[float]]], *, expected: bool
) -> None:
    assert is_enough(plan, rounds, iter(blocks)) is expected


def test_the_default_plan_is_what_the_protocol_promises() -> None:
    plan, block = Plan(), BlockPlan()
    assert plan.rounds * block.invoke_runs >= 1024
    assert plan.rounds * block.invoke_s >= 60
    assert (block.warmup_runs, block.warmup_s) >= (10, 0.5)
    assert plan.enough_width == 0.02
