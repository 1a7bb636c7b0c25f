"""Which rows are compared, of which rounds, and in which words."""

from __future__ import annotations

import dataclasses

import pytest
from made_benchmarks import made_row

from hangtag.metrics import Interval
from hangtag_benchmarks.records import Block, Row
from hangtag_benchmarks.statistics import Ratio
from hangtag_benchmarks.verdicts import MOST_ROWS_FOR_ALL_PAIRS, as_fast, fastest, sentence, verdicts


def _with_medians(row: Row, medians: dict[int, float | None]) -> Row:
    blocks = tuple(
        Block(
            round=number, import_ms=1, load_ms=1, first_run_ms=1, invoke_p50_ms=median, end_to_end_p50_ms=None
        )
        for number, median in medians.items()
    )
    return dataclasses.replace(row, blocks=blocks)


def test_all_pairs_of_a_few_rows_are_compared_the_slower_first() -> None:
    rows = [made_row("int8", 2.0), made_row("float32", 4.0), made_row("float16", 8.0)]
    found = list(verdicts(rows))
    assert [(one.first, one.second) for one in found] == [(1, 0), (2, 0), (2, 1)]
    assert all(one.ratio.is_different and one.kind == "invoke" for one in found)
    assert found[1].ratio.value == pytest.approx(4, rel=0.05)


def test_of_many_rows_each_is_compared_with_the_fastest() -> None:
    rows = [
        made_row(f"model{number}", 4.0 - number / 2, rounds=20)
        for number in range(MOST_ROWS_FOR_ALL_PAIRS + 2)
    ]
    found = list(verdicts(rows))
    assert [(one.first, one.second) for one in found] == [(number, 5) for number in range(5)]
    (alone,) = verdicts([rows[0], rows[5]])
    together = found[0].ratio.interval
    assert alone.ratio.value == found[0].ratio.value
    assert together is not None
    assert alone.ratio.interval is not None
    assert together.low < alone.ratio.interval.low < alone.ratio.interval.high < together.high


def test_many_verdicts_take_more_rounds() -> None:
    rows = [
        _with_medians(made_row(f"model{number}"), dict.fromkeys(range(7), 4.0 - number / 2))
        for number in range(MOST_ROWS_FOR_ALL_PAIRS + 1)
    ]
    assert all(one.ratio.interval is None for one in verdicts(rows))
    assert all(one.ratio.interval is not None for one in verdicts(rows[1:]))


def test_a_row_that_is_not_ranked_gets_no_verdict() -> None:
    rows = [
        made_row("int8", 2.0),
        dataclasses.replace(made_row("int8", 1.0), ranked=False),
        made_row("b", 4.0),
    ]
    assert [(one.first, one.second) for one in verdicts(rows)] == [(2, 0)]
    assert fastest(rows) == 0


def test_only_rounds_that_both_have_are_compared() -> None:
    above = _with_medians(made_row("a"), dict.fromkeys(range(8), 4.0))
    below = _with_medians(made_row("b"), {0: 2.0, **dict.fromkeys(range(3, 9), 2.0), 2: None, 1: 0.0})
    (verdict,) = verdicts([above, below])
    assert verdict.ratio.pairs == 6
    assert verdict.ratio.value == pytest.approx(2)


def test_rows_without_a_common_round_get_no_verdict() -> None:
    rows = [_with_medians(made_row("a"), {0: 4.0}), _with_medians(made_row("b"), {1: 4.0})]
    assert list(verdicts(rows)) == []
    assert list(verdicts([])) == []
    assert fastest([]) is None


def test_rows_of_which_one_cannot_be_invoked_alone_are_compared_from_frame_to_label() -> None:
    rows = [made_row("int8", 2.0, end_to_end_ms=3.0), made_row("int8", None, end_to_end_ms=6.0)]
    (verdict,) = verdicts(rows)
    assert (verdict.first, verdict.kind) == (1, "end_to_end")
    assert verdict.ratio.value == pytest.approx(2, rel=0.05)


def test_as_fast_as_the_fastest_are_those_not_told_apart_from_it() -> None:
    even = dict.fromkeys(range(8), 4.0)
    uneven = {number: 4.0 + (0.1 if number % 2 else -0.1) for number in range(8)}
    rows = [
        _with_medians(made_row("a", 4.0), even),
        _with_medians(made_row("b", 4.1), uneven),
        _with_medians(made_row("c", 8.0), dict.fromkeys(even, 8.0)),
    ]
    assert as_fast(rows, list(verdicts(rows))) == {1}


@pytest.mark.parametrize(
    ("ratio", "what", "expected"),
    [
        (
            Ratio(2.068, Interval(2.021, 2.114), 20),
            "",
            "int8 is 2.07x faster than float32, 95 % CI 2.02 to 2.11",
        ),
        (
            Ratio(1.012, Interval(1.004, 1.02), 20),
            "",
            "int8 is 1.012x faster than float32, 95 % CI 1.004 to 1.020",
        ),
        (
            Ratio(12.34, Interval(11.9, 13.1), 20),
            "from frame to label",
            "int8 is 12.3x faster than float32 from frame to label, 95 % CI 11.9 to 13.1",
        ),
        (
            Ratio(1.01, Interval(0.99, 1.03), 20),
            "",
            "int8 against float32: no difference can be seen (ratio 95 % CI 0.990 to 1.030)",
        ),
        (Ratio(3.0, None, 5), "", "int8 against float32: too few rounds (5) to tell a difference"),
    ],
)
def test_verdicts_in_words(ratio: Ratio, what: str, expected: str) -> None:
    assert sentence(ratio, "float32", "int8", what) == expected
