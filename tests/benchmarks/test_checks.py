"""The proofs of the benchmark, in a short form: simulated machines, and one turn of what is measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from hangtag_benchmarks.checks import against_litert_benchmark, bare_loop, overhead
from hangtag_benchmarks.checks.against_itself import against_itself
from hangtag_benchmarks.checks.blocks import model_and_frames
from hangtag_benchmarks.checks.false_alarms import false_alarms, many_rows, two_days
from hangtag_benchmarks.checks.moods import SCENARIOS, Scenario, first_is_slower, luck
from hangtag_benchmarks.checks.repeatability import repeatability
from hangtag_benchmarks.checks.shares import Share
from hangtag_benchmarks.checks.simulated import TYPICAL_MS, Machine, simulate
from hangtag_benchmarks.plans import QUICK_PLAN, BlockPlan, Plan
from hangtag_benchmarks.statistics import Ratio


def test_equal_targets_are_seldom_called_different_on_any_machine() -> None:
    alarms = [
        simulate(scenario, QUICK_PLAN, (TYPICAL_MS, TYPICAL_MS), seed).verdicts[0].ratio.is_different
        for scenario in SCENARIOS
        for seed in range(12)
    ]
    # 132 pairs: at a true 3 %, which six rounds have, more than 11 come once in a thousand times.
    assert sum(alarms) <= 11


def test_five_percent_are_found_by_default_and_the_right_one_is_slower() -> None:
    found = [simulate(scenario, Plan(), (4.0, 4.2), 5).verdicts[0] for scenario in SCENARIOS]
    assert sum(one.ratio.is_different and one.first == 1 for one in found) >= 9


def test_random_order_is_what_keeps_a_place_in_the_round_from_being_a_difference(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scenario = Scenario("first", (luck(0.005), first_is_slower(0.05)))
    plan = replace(QUICK_PLAN, rounds=10)

    def alarms() -> int:
        found = [simulate(scenario, plan, (4.0, 4.0), seed).verdicts[0].ratio for seed in range(20)]
        return sum(ratio.is_different for ratio in found)

    assert alarms() <= 4
    monkeypatch.setattr("hangtag_benchmarks.session.shuffled", lambda items, *_, **__: list(items))
    assert alarms() == 20


def test_a_quiet_machine_is_done_early_and_a_wild_one_is_not() -> None:
    quiet, wild = SCENARIOS[0], SCENARIOS[1]
    assert simulate(quiet, Plan(), (4.0, 4.0), 0).rounds < 20
    assert simulate(wild, Plan(), (4.0, 4.0), 0).rounds == 20


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_machines_are_positive_repeatable_and_differ(scenario: Scenario) -> None:
    def blocks(seed: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        machine = Machine(scenario, np.random.default_rng(seed), 2)
        return np.stack([machine.block(4.0, BlockPlan()) for _ in range(4)])

    first = blocks(1)
    assert first.shape == (4, 52)
    assert (first > 0).all()
    np.testing.assert_array_equal(first, blocks(1))
    assert not np.array_equal(first, blocks(2))


def test_of_many_equal_rows_each_has_a_verdict() -> None:
    assert len(many_rows(0)) == 9
    assert two_days(0) in (True, False)


@pytest.mark.parametrize(
    ("share", "reached", "line"),
    [
        (
            Share("alarms", 7, 100, 0.07),
            True,
            "alarms: 7 of 100, 7.0% (3.4 to 13.7), wanted at most 7%: reached",
        ),
        (
            Share("found", 89, 100, 0.9, at_most=False),
            False,
            "found: 89 of 100, 89.0% (81.4 to 93.7), wanted at least 90%: MISSED",
        ),
        (Share("told", 0, 10), True, "told: 0 of 10, 0.0% (0.0 to 27.8)"),
    ],
)
def test_shares_say_what_was_wanted(share: Share, *, reached: bool, line: str) -> None:
    assert share.reached is reached
    assert share.line() == line


def test_the_command_counts_and_fails_where_too_much_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    module = "hangtag_benchmarks.checks.false_alarms"
    monkeypatch.setattr(f"{module}.SCENARIOS", SCENARIOS[:2])
    monkeypatch.setattr(f"{module}.LEAST_FOUND", 1.01)
    done = CliRunner().invoke(false_alarms, ["--pairs", "11", "--differences", "11", "--others", "0"])
    assert "default plan, equal pairs called different" in done.output
    assert "quick plan, 6 rounds at most" in done.output
    assert "found: 12 of 12, 100.0% (75.8 to 100.0), wanted at least 101%: MISSED" in done.output
    assert done.exit_code == 1


def test_runs_are_averaged_by_tens() -> None:
    assert overhead.by_tens([float(number) for number in range(25)]) == [4.5, 14.5]
    assert overhead.by_tens([1.0] * 9) == []


def test_the_bare_loop_and_the_benchmark_find_the_same_order_of_magnitude(model_path: Path) -> None:
    with model_and_frames(model_path) as (path, frames_path):
        ratio = overhead.in_one_process(path, frames_path, 6, 1)
        assert ratio.pairs == 6
        assert 0.5 < ratio.value < 2
        invoke = bare_loop.open_bare(path.read_bytes(), 1).invoke
        assert bare_loop.bare_ms(invoke) > 0


def test_litert_benchmark_is_run_and_understood(model_path: Path) -> None:
    with model_and_frames(model_path) as (path, frames_path):
        ours, theirs = against_litert_benchmark.medians(path, frames_path, 1, 1, 0.1)
    assert len(ours) == len(theirs) == 1
    assert 0.2 < ours[0] / theirs[0] < 5


@pytest.mark.parametrize(
    ("value", "near"), [(1.0, True), (1.03, True), (0.975, True), (1.031, False), (0.96, False)]
)
def test_near_is_within_three_percent(value: float, *, near: bool) -> None:
    ratio = Ratio(value, None, 3)
    assert against_litert_benchmark.is_near(ratio) is near
    assert ("reached" if near else "MISSED") in against_litert_benchmark.line(ratio, 2, 4.0, 4.0)


def test_a_model_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere.tflite")
    for command in (repeatability, overhead.overhead, against_litert_benchmark.against_litert_benchmark):
        done = CliRunner().invoke(command, [nowhere])
        assert done.exit_code == 1
        assert "nowhere.tflite" in done.output
    done = CliRunner().invoke(against_itself, [nowhere])
    assert done.exit_code == 1
