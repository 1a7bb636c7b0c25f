"""Passes become rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from hangtag_benchmarks.records import CPU, Measurement, ModelIdentity, OutputCheck
from hangtag_benchmarks.rows import build_row, wrong_output

Measure = Callable[..., Measurement]
Identify = Callable[[str], ModelIdentity]


def test_percentiles_are_over_all_measurements_of_all_passes(
    measurement: Measure, identity: Identify
) -> None:
    first, second = [4.0, 4.1, 500.0], [4.2, 3.9, 4.3]
    row = build_row(identity("a"), CPU, 1, [measurement(first), measurement(second)])
    assert row.invoke.count == 6
    assert row.invoke.p50_ms == np.percentile(first + second, 50)
    assert row.invoke.p99_ms == np.percentile(first + second, 99)
    assert row.invoke.max_ms == 500.0


def test_what_happens_once_per_pass_is_kept_per_pass(measurement: Measure, identity: Identify) -> None:
    passes = [
        measurement(load_ms=20.0, first_run_ms=9.0, peak_memory_mb=80.0),
        measurement(load_ms=30.0, first_run_ms=8.0, peak_memory_mb=90.0),
    ]
    row = build_row(identity("a"), CPU, 2, passes)
    assert row.load_ms == (20.0, 30.0)
    assert row.first_run_ms == (9.0, 8.0)
    assert row.peak_memory_mb == 90.0
    assert len(row.passes) == 2


def test_the_ratio_is_that_of_the_medians(measurement: Measure, identity: Identify) -> None:
    row = build_row(identity("a"), CPU, 1, [measurement([4.0, 4.0, 4.0, 900.0])])
    assert row.end_to_end_per_invoke == pytest.approx(1.25)


def test_memory_may_be_unknown(measurement: Measure, identity: Identify) -> None:
    row = build_row(identity("a"), CPU, 1, [measurement(peak_memory_mb=None, imports_memory_mb=None)])
    assert row.peak_memory_mb is None
    assert row.imports_memory_mb is None


@pytest.mark.parametrize(
    ("second_ms", "expected"),
    [
        (4.3, ()),
        (4.0, ()),
        (6.0, ("not steady: invoke p50 of the passes differ by 50% (4.00 and 6.00 ms)",)),
        (2.0, ("not steady: invoke p50 of the passes differ by 100% (4.00 and 2.00 ms)",)),
    ],
)
def test_unsteady_passes_are_called_so(
    measurement: Measure, identity: Identify, second_ms: float, expected: tuple[str, ...]
) -> None:
    row = build_row(identity("a"), CPU, 1, [measurement([4.0]), measurement([second_ms])])
    assert row.notes == expected


def test_unchecked_outputs_are_called_so(measurement: Measure, identity: Identify) -> None:
    unchecked = measurement(check=OutputCheck("golden cases", 0, 0, 0.0, 0.0))
    assert "outputs unchecked" in build_row(identity("a"), CPU, 1, [unchecked]).notes[0]


def test_an_allowed_but_visible_difference_is_told(measurement: Measure, identity: Identify) -> None:
    differing = measurement(check=OutputCheck("the CPU's scores", 3, 0, 0.031, 0.05))
    row = build_row(identity("a"), "gpu", None, [measurement(), differing], adapter="Some GPU")
    assert row.notes == ("scores differ from the CPU's scores by up to 0.031",)


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
