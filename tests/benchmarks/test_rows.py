"""Blocks become rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hangtag_benchmarks.measurements import Measurement, OutputCheck, Timings
from hangtag_benchmarks.records import Row
from hangtag_benchmarks.rows import Measured, build_row, wrong_output
from hangtag_benchmarks.targets import Accelerator

Measure = Callable[..., Measurement]
Pretending = Callable[..., Any]


@pytest.fixture
def row_of(pretending: Pretending) -> Callable[..., Row]:
    """Builds the row of some blocks, of rounds 0, 1, ..."""

    def build(*measurements: Measurement, accelerator: Accelerator | None = None) -> Row:
        measured = Measured(pretending("a", [])[0], accelerator=accelerator)
        for number, measurement in enumerate(measurements):
            measured.add(number, measurement)
        return build_row(measured)

    return build


def test_percentiles_are_over_all_runs_of_all_blocks(
    measurement: Measure, row_of: Callable[..., Row]
) -> None:
    first, second = [4.0, 4.1, 500.0], [4.2, 3.9, 4.3]
    row = row_of(measurement(first), measurement(second))
    assert row.invoke is not None
    summary = row.invoke.summary
    assert summary.count == 6
    assert summary.p50_ms == np.percentile(first + second, 50)
    assert summary.p99_ms == np.percentile(first + second, 99)
    assert summary.max_ms == 500.0
    assert len(row.invoke.quantiles_ms) == 101
    assert (row.invoke.quantiles_ms[0], row.invoke.quantiles_ms[100]) == (3.9, 500.0)


def test_what_happens_once_in_a_block_is_kept_by_block(
    measurement: Measure, row_of: Callable[..., Row]
) -> None:
    row = row_of(
        measurement([4.0, 5.0], load_ms=20.0, first_run_ms=9.0),
        measurement([6.0, 8.0], load_ms=30.0, first_run_ms=8.0),
    )
    assert [(block.round, block.load_ms, block.first_run_ms) for block in row.blocks] == [
        (0, 20.0, 9.0),
        (1, 30.0, 8.0),
    ]
    assert [block.invoke_p50_ms for block in row.blocks] == [4.5, 7.0]
    assert [block.end_to_end_p50_ms for block in row.blocks] == [5.0, 5.0]


def test_memory_is_the_most_of_any_block_and_may_be_unknown(
    measurement: Measure, row_of: Callable[..., Row]
) -> None:
    row = row_of(
        measurement(peak_memory_mb=80.0, steady_memory_mb=70.0, imports_memory_mb=None),
        measurement(peak_memory_mb=90.0, steady_memory_mb=72.0, imports_memory_mb=None),
    )
    assert (row.peak_memory_mb, row.steady_memory_mb, row.imports_memory_mb) == (90.0, 71.0, None)


def test_energy_is_that_of_one_invocation(measurement: Measure, row_of: Callable[..., Row]) -> None:
    row = row_of(measurement([4.0] * 10, energy_j=0.5), measurement([4.0] * 20, energy_j=1.2))
    assert row.energy_mj == pytest.approx(55.0)
    assert row_of(measurement()).energy_mj is None


def test_an_engine_without_steps_has_only_the_whole_way(
    measurement: Measure, row_of: Callable[..., Row]
) -> None:
    row = row_of(measurement(timings=Timings((), (5.0, 6.0), {})))
    assert row.invoke is None
    assert row.end_to_end is not None
    assert row.end_to_end.summary.p50_ms == 5.5
    assert (row.blocks[0].invoke_p50_ms, row.blocks[0].end_to_end_p50_ms) == (None, 5.5)
    assert row.stages == {}


def test_stages_are_summed_up_over_blocks(measurement: Measure, row_of: Callable[..., Row]) -> None:
    row = row_of(measurement(), measurement())
    assert list(row.stages) == ["preprocess"]
    assert (row.stages["preprocess"].count, row.stages["preprocess"].p50_ms) == (2, 0.25)


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([4.0] * 20, ()),
        ([4.1] * 10 + [4.0] * 10, ()),
        (
            [5.0] * 10 + [4.0] * 10,
            ("not warmed up: the first half of a block's runs is 25% slower than the second",),
        ),
        # A machine that slows down is another matter, which the monitor looks at.
        ([4.0] * 10 + [5.0] * 10, ()),
    ],
)
def test_runs_that_were_not_warm_are_called_so(
    runs: list[float], expected: tuple[str, ...], measurement: Measure, row_of: Callable[..., Row]
) -> None:
    assert row_of(measurement(runs)).notes == expected


def test_the_worst_check_of_any_block_is_told(measurement: Measure, row_of: Callable[..., Row]) -> None:
    plain = measurement(check=OutputCheck("the CPU's scores", 3, 0, 0.0001, 0.05))
    worse = measurement(check=OutputCheck("the CPU's scores", 3, 0, 0.031, 0.05))
    for row in (row_of(plain, worse), row_of(worse, plain)):
        assert row.check == worse.check
        assert row.notes == ("scores differ from the CPU's scores by up to 0.031",)
    assert row_of(plain).notes == ()


def test_unchecked_outputs_are_called_so(measurement: Measure, row_of: Callable[..., Row]) -> None:
    unchecked = measurement(check=OutputCheck("the model carries no golden cases", 0, 0, 0.0, 0.0))
    assert row_of(unchecked).notes == ("outputs unchecked: the model carries no golden cases",)


def test_software_is_named_marked_and_not_ranked(measurement: Measure, row_of: Callable[..., Row]) -> None:
    row = row_of(measurement(), accelerator=Accelerator("SwiftShader", is_software=True))
    assert (row.accelerator, row.ranked) == ("SwiftShader", False)
    assert row.notes == ("software, for testing only: the CPU plays the adapter",)
    hardware = row_of(measurement(), accelerator=Accelerator("V3D 7.1", is_software=False))
    assert (hardware.accelerator, hardware.ranked, hardware.notes) == ("V3D 7.1", True, ())


@pytest.mark.parametrize(
    ("check", "wrong"),
    [
        (OutputCheck("golden cases", 3, 0, 0.001, 0.01), False),
        (OutputCheck("golden cases", 3, 1, 0.5, 0.01), True),
        (OutputCheck("golden cases", 3, 3, float("inf"), 0.01), True),
        (OutputCheck("golden cases", 0, 0, 0.0, 0.0), False),
    ],
)
def test_wrong_outputs_are_named(check: OutputCheck, *, wrong: bool) -> None:
    reason = wrong_output(check)
    assert (reason is not None) is wrong
    assert reason is None or reason.startswith(f"wrong output: {check.failed_cases} of 3")
