"""Conditions under which a benchmark fails: which rows their names mean, how they are judged and printed."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from made_benchmarks import made_missing, made_result, made_row

from hangtag.errors import BenchmarkError
from hangtag_benchmarks.conditions.expressions import holds, parse, value_names
from hangtag_benchmarks.conditions.fail_if import check_names, judge, measured_value, read_condition
from hangtag_benchmarks.conditions.value_names import RowName
from hangtag_benchmarks.records import Result
from hangtag_benchmarks.targets import Accelerator

CLOTHING = (
    made_row("clothing-int8", 4.0, threads=1, accuracy=0.9, peak_memory_mb=100.0),
    made_row("clothing-float32", 8.0, threads=1),
)
BY_THREADS = (
    made_row("clothing-int8", 4.0, threads=1),
    made_row("clothing-int8", 2.0, threads=2),
    made_row("clothing-int8", 9.0, threads=2, engine="litert-plain"),
)


def _line(text: str, result: Result) -> tuple[bool | None, str]:
    judged = judge(read_condition(text), result)
    return judged.holds, judged.line


def _value(text: str, *rows: Any, **changes: Any) -> float:
    (name,) = value_names(parse(f"{text} == {text}"))
    return measured_value(name, made_result(*rows, **changes))


# --- which value is meant --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("int8.p50", 4.0),
        ("clothing-int8.p50", 4.0),
        ("float32.p50", 8.0),
        ("int8@litert.p50", 4.0),
        ("int8@1.p50", 4.0),
        ("int8@1@litert.p50", 4.0),
        ("'clothing-int8'@litert@1.p50", 4.0),
        ('"clothing-int8".p50', 4.0),
        ("int8.invoke.p50", 4.0),
        ("int8.e2e.p50", 5.0),
        ("int8.preprocess.mean", 0.105),
        ("int8.load", 20.35),
        ("int8.first_run", 8.0),
        ("int8.import", 103.5),
        ("int8.size", 4e6),
        ("int8.peak_memory", 100e6),
        ("int8.accuracy", 0.9),
    ],
)
def test_a_name_finds_its_value(text: str, expected: float) -> None:
    assert _value(text, *CLOTHING) == pytest.approx(expected)


def test_every_percentile_is_the_rows_own() -> None:
    row = CLOTHING[0]
    assert row.invoke is not None
    summary = row.invoke.summary
    for field in ("p50", "p90", "p95", "p99", "max", "mean"):
        assert _value(f"int8.{field}", row) == getattr(summary, f"{field}_ms")


def test_engine_and_threads_tell_rows_apart() -> None:
    assert _value("int8@litert@2.p50", *BY_THREADS) == 2.0
    assert _value("int8@1.p50", *BY_THREADS) == 4.0
    assert _value("int8@litert-plain.p50", *BY_THREADS) == pytest.approx(9.0)


def test_a_whole_name_comes_before_the_end_of_another() -> None:
    assert _value("int8.p50", made_row("clothing-int8", 4.0), made_row("int8", 2.0)) == 2.0


def test_names_with_dots_dashes_and_spaces() -> None:
    rows = made_row("v1.2-b", 3.0), made_row("my model (1)", 5.0), made_row("320", 7.0)
    assert _value("v1.2-b@litert.e2e.p50", *rows) == 4.0
    assert _value("'my model (1)'@1.p50", *rows) == 5.0
    assert _value("320.p50", *rows) == pytest.approx(7.0)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "int9.p50 > 1ms",
            "int9.p50 names no row; wanted one of clothing-int8@litert@1, clothing-int8@litert@2, ",
        ),
        ("int8@keras.p50 > 1ms", "names no row"),
        ("int8@3.p50 > 1ms", "names no row"),
        ("int8.p50 > 1ms", "may mean clothing-int8@litert@1, clothing-int8@litert@2, "),
        ("int8@2.p50 > 1ms", "may mean clothing-int8@litert@2, clothing-int8@litert-plain@2; say which"),
        ("int8@litert@1.accuracy < 90%", "clothing-int8@litert@1 has no accuracy"),
        ("int8@litert@1.energy > 1mJ", "clothing-int8@litert@1 has no energy"),
    ],
)
def test_what_cannot_be_judged_has_not_passed(text: str, complaint: str) -> None:
    verdict, line = _line(text, made_result(*BY_THREADS))
    assert verdict is None
    assert complaint in line
    assert line.startswith(f"{text}: cannot be judged, ")


@pytest.mark.parametrize("text", ["1 < 2 or nothing.p50 > 1ms", "2 < 1 and nothing.p50 > 1ms"])
def test_a_missing_value_is_found_whatever_stands_before_it(text: str) -> None:
    assert _line(text, made_result())[0] is None


@pytest.mark.parametrize("text", ["1 < 2 or 1 / 0 > 1", "2 < 1 and 1 / 0 > 1", "not 1 / 0 > 1"])
def test_a_part_that_comes_to_nothing_is_an_error_whatever_stands_before_it(text: str) -> None:
    with pytest.raises(BenchmarkError, match="divides by zero"):
        holds(parse(text), {}.__getitem__)


def test_two_files_of_one_name_are_not_told_apart() -> None:
    one, other = made_row("int8", 2.0), made_row("int8", 3.0)
    other = dataclasses.replace(other, model=dataclasses.replace(other.model, sha256="f" * 64))
    verdict, line = _line("int8.p50 > 1ms", made_result(one, other))
    assert verdict is None
    assert "several files of one name" in line


def test_a_row_that_failed_is_no_pass_and_says_why() -> None:
    failed = made_missing("int8", engine="litert", threads=1, failed=True, reason="killed by SIGSEGV")
    verdict, line = _line("int8.p50 > 1ms", made_result(made_row("float32"), missing=(failed,)))
    assert verdict is None
    assert "there is no row for int8@litert@1: killed by SIGSEGV" in line


def test_a_row_that_failed_is_not_silently_replaced_by_another_engines() -> None:
    failed = made_missing("int8", engine="litert-plain", threads=1, failed=True, reason="killed")
    verdict, line = _line("int8.p50 > 1ms", made_result(made_row("int8"), missing=(failed,)))
    assert verdict is None
    assert "may mean int8@litert@1, int8@litert-plain@1" in line


def test_a_file_that_no_engine_could_use_is_meant_by_every_row_of_it() -> None:
    broken = dataclasses.replace(made_missing("int8"), model=None, engine=None, failed=True, reason="damaged")
    verdict, line = _line("int8@litert.p50 > 1ms", made_result(made_row("float32"), missing=(broken,)))
    assert verdict is None
    assert "there is no row for int8: damaged" in line


def test_a_gpu_that_is_not_there_does_not_make_a_name_unclear() -> None:
    result = made_result(made_row("int8", 4.0), missing=(made_missing("int8"),))
    assert _line("int8.p50 > 1ms", result)[0] is True
    verdict, line = _line("int8@litert-gpu.p50 > 1ms", result)
    assert verdict is None
    assert "no adapter was found" in line


def test_a_row_that_is_not_ranked_is_judged_by_nobody() -> None:
    software = made_row(
        "int8", 40.0, engine="litert-gpu", threads=None, accelerator=Accelerator("llvmpipe", True)
    )
    result = made_result(made_row("int8", 4.0), software)
    assert _line("int8.p50 > 5ms", result)[0] is False
    verdict, line = _line("int8@litert-gpu.p50 > 5ms", result)
    assert verdict is None
    assert "software, for testing only" in line


# --- what is printed -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("int8.p50 > 3ms", (True, "int8.p50 > 3ms: 4 ms > 3 ms")),
        ("int8.p50 > 5ms", (False, "int8.p50 > 5ms: 4 ms > 5 ms is false")),
        (
            "int8.p50  >\t0.4 * float32.p50",
            (True, "int8.p50 > 0.4 * float32.p50: 4 ms > 3.2 ms"),
        ),
        (
            "int8.p50 > 5ms or int8.size > 1MB",
            (True, "int8.p50 > 5ms or int8.size > 1MB: 4 ms > 5 ms is false, 4 MB > 1 MB is true"),
        ),
        ("int8.accuracy < 95%", (True, "int8.accuracy < 95%: 0.9 < 0.95")),
        ("float32.p50 / int8.p50 < 3", (True, "float32.p50 / int8.p50 < 3: 2 < 3")),
        ("int8.p50 > 3.99999ms", (True, "int8.p50 > 3.99999ms: 4 ms > 3.99999 ms")),
        ("int8.peak_memory > 99 MB", (True, "int8.peak_memory > 99 MB: 100 MB > 99 MB")),
        ("int8.p50 / 0 > 3ms", (None, "int8.p50 / 0 > 3ms: cannot be judged, it divides by zero")),
    ],
)
def test_a_condition_is_printed_with_both_values(text: str, expected: tuple[bool, str]) -> None:
    assert _line(text, made_result(*CLOTHING)) == expected


def test_what_is_too_large_for_a_number_is_no_pass() -> None:
    big = " * ".join(["1e300"] * 3)
    assert _line(f"int8.p50 < 1ms * ({big} - {big})", made_result(*CLOTHING))[0] is None


def test_a_stopped_run_passes_nothing() -> None:
    verdict, line = _line("int8.p50 > 5ms", made_result(*CLOTHING, complete=False))
    assert verdict is None
    assert "was stopped" in line


def test_a_disturbed_run_says_so() -> None:
    assert "(the run was disturbed)" in _line("int8.p50 > 3ms", made_result(disturbances=("busy",)))[1]


# --- before measuring ------------------------------------------------------------------------------------

PLANNED = (
    RowName("clothing-int8", "litert", 1),
    RowName("clothing-int8", "litert", 2),
    RowName("clothing-int8", "litert-gpu", None),
    RowName("clothing-float32", "litert", 2),
    RowName("clothing-float32", "litert-gpu", None),
)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("int9.p50 > 1ms", "names no row; wanted one of clothing-int8@litert@1, "),
        ("int8.p50 > 1ms", "may mean clothing-int8@litert@1, clothing-int8@litert@2"),
        ("int8@2.accuracy < 90%", "give --data"),
    ],
)
def test_what_could_never_be_judged_is_said_before_measuring(text: str, complaint: str) -> None:
    with pytest.raises(BenchmarkError, match=complaint):
        check_names([read_condition(text)], PLANNED, has_photos=False)


@pytest.mark.parametrize(
    "text", ["int8@2.p50 > 1ms", "float32.p50 > 1ms", "int8@litert-gpu.p50 > 1ms", "float32.size > 1MB"]
)
def test_what_may_be_judged_is_measured(text: str) -> None:
    check_names([read_condition(text)], PLANNED, has_photos=False)
