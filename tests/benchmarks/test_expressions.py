"""The language of conditions: what it means, what it refuses."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_benchmarks import made_result

from hangtag.errors import BenchmarkError
from hangtag_benchmarks.conditions.expressions import holds, parse
from hangtag_benchmarks.conditions.fail_if import judge, read_condition


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 < 2", True),
        ("2 <= 2 and 3 >= 3 and 1 != 2 and 2 == 2", True),
        ("2 < 1 or 1 < 2", True),
        ("1 < 2 or 1 < 2 and 2 < 1", True),
        ("(1 < 2 or 1 < 2) and 2 < 1", False),
        ("not 2 < 1", True),
        ("not not 2 < 1", False),
        ("not 1 < 2 or 1 < 2", True),
        ("1 + 2 * 3 == 7", True),
        ("(1 + 2) * 3 == 9", True),
        ("8 - 2 - 1 == 5", True),
        ("8 / 2 / 2 == 2", True),
        ("-2 * -3 == 6", True),
        ("--2 == 2", True),
        ("1 - -1 == 2", True),
        ("8ms-3ms == 5ms", True),
        ("8 ms == 0.008s", True),
        ("8ms == 8000us", True),
        ("1.5 MB == 1500kB", True),
        ("1 MiB == 1024 KiB and 1 MiB > 1 MB", True),
        ("1 J == 1000 mJ", True),
        ("90% == 0.9", True),
        ("1e-3 s == 1 ms", True),
        (".5 < 1.", True),
        ("2ms * 3 == 6ms", True),
        ("6ms / 2ms == 3", True),
        ("2ms * 2ms == 4ms * 1ms", True),
        ("1ms+1ms==2ms", True),
    ],
)
def test_it_means_what_it_says(text: str, expected: bool) -> None:
    assert holds(parse(text), lambda name: pytest.fail(f"{name} was asked for")) is expected


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "got the end"),
        ("   ", "got the end"),
        ("a.p50", "wanted a comparison"),
        ("a.p50 >", "got the end"),
        ("> 8ms", "got '>'"),
        ("a.p50 > 8ms ms", "wanted an operator or the end, got 'ms'"),
        ("a.p50 > 8ms and", "got the end"),
        ("a.p50 > 8ms b.p50 > 8ms", "wanted an operator or the end"),
        ("(a.p50 > 8ms", "wanted ')'"),
        ("a.p50 > 8ms)", "got ')'"),
        ("a.p50 => 8ms", "wanted =="),
        ("a.p50 = 8ms", "wanted =="),
        ("a.p50 > 1ms > 2ms", "one comparison at a time"),
        ("(a.p50 > 1ms) + 1 > 2", "a comparison is none"),
        ("(a.p50 > 1ms) == (b.p50 > 1ms)", "a comparison is none"),
        ("not a.p50", "wanted a comparison"),
        ("a.p50 and a.p50 > 1ms", "wanted a comparison"),
        ("a.p50 > 8", "give numbers their unit"),
        ("a.p50 > 8MB", "a size cannot be compared with a time"),
        ("a.size > 8ms", "a time cannot be compared with a size"),
        ("a.accuracy < 90ms", "a time cannot be compared with a plain number"),
        ("a.p50 + a.size > 1ms", "a size cannot be added to a time"),
        ("a.p50 - 1 > 1ms", "a plain number cannot be subtracted from a time"),
        ("a.p50 * a.p50 > 1ms", "a time cannot be compared with a quantity in ms^2"),
        ("1 / a.p50 > 1ms", "ms^-1"),
        ("a.p50 > 8mS", "unknown unit 'mS'"),
        ("a.p50 > 8GB", "unknown unit 'GB'"),
        ("a.p49 > 8ms", "ends with no field; wanted one of p50, "),
        ("a.lod > 8ms", "did you mean load?"),
        ("a > 8ms", "ends with no field"),
        ("'a' > 8ms", "ends with no field"),
        ("a.p50@2 > 8ms", "come before the field"),
        ("a.p50-b.p50 > 8ms", "a minus sign needs spaces around it"),
        ("a.p50-1ms > 8ms", "a minus sign needs spaces around it"),
        ("a.e2e.load > 8ms", "e2e has no load"),
        ("a.invoke.size > 8kB", "invoke has no size"),
        ("a@1@2.p50 > 8ms", "two numbers of threads"),
        ("a@litert@keras.p50 > 8ms", "two engines"),
        ("'a'b.p50 > 8ms", "ends with no field"),
        ("'a.p50 > 8ms", "is no part of a condition"),
        ("p50 > 8ms", "names no row"),
        ("a.p50 > 8ms; b", "';' is no part of a condition"),
        ("__import__('os').p50 > 1ms", "is no part of a condition"),
        ("1e999 > 2", "too large"),
        ("1" * 2000 + " > 2", "at most 1000"),
        ("(" * 31 + "1" + ")" * 31 + " > 2", "within each other"),
        ("-" * 400 + "1 > 2", "words and signs"),
        ("not " * 100 + "1 > 2", "within each other"),
        ("1+" * 150 + "1 > 2", "words and signs"),
    ],
)
def test_what_is_no_condition_is_one_clear_line(text: str, complaint: str) -> None:
    with pytest.raises(BenchmarkError) as caught:
        read_condition(text)
    assert complaint in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 300


_WORDS = ["int8", ".p95", "@2", "@litert", "8", "ms", "MB", "%", "and", "or", "not", "(", ")", "-", "<", "'"]


@given(st.one_of(st.text(), st.lists(st.sampled_from([*_WORDS, " ", "*", "=="])).map("".join)))
def test_no_text_crashes_it(text: str) -> None:
    with contextlib.suppress(BenchmarkError):
        judge(read_condition(text), made_result())


def _joined(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(children, st.sampled_from(["+", "-", "*", "/"]), children).map(" ".join),
        children.map(lambda inner: f"({inner})"),
        children.map(lambda inner: f"-{inner}"),
    )


ARITHMETIC = st.recursive(
    st.one_of(st.integers(0, 99).map(str), st.floats(0.01, 99).map(lambda value: f"{value:.3g}")),
    _joined,
    max_leaves=12,
)
CONDITIONS = st.recursive(
    st.tuples(ARITHMETIC, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), ARITHMETIC).map(" ".join),
    lambda children: st.one_of(
        st.tuples(children, st.sampled_from(["and", "or"]), children).map(" ".join),
        children.map(lambda inner: f"({inner})"),
        children.map(lambda inner: f"(not {inner})"),
    ),
    max_leaves=4,
)


def _outcome(text: str) -> bool | str:
    try:
        truth = parse(text)
    except BenchmarkError as error:
        # Python has no such limits.
        return str(error) if "within each other" in str(error) or "at most" in str(error) else f"BUG {error}"
    try:
        return holds(truth, {}.__getitem__)
    except BenchmarkError as error:
        return str(error)


@given(CONDITIONS)
def test_it_works_out_what_python_does(text: str) -> None:
    mine = _outcome(text)
    if isinstance(mine, str):
        assert not mine.startswith("BUG"), mine
        return
    # All is generated above; and/or of Python may skip a division by zero that we complain of, not the other
    # way around.
    assert mine == eval(text, {"__builtins__": {}})  # noqa: S307
