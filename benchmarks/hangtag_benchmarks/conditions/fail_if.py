"""Conditions under which a benchmark fails, as ``int8.p95 > 8ms``: for machines that watch over speed."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from hangtag.errors import BenchmarkError
from hangtag_benchmarks.conditions.expressions import (
    Comparison,
    Truth,
    comparisons,
    holds,
    number_of,
    parse,
    value_names,
)
from hangtag_benchmarks.conditions.quantities import PERCENTILES, shown
from hangtag_benchmarks.conditions.value_names import RowName, ValueName, listed, matching
from hangtag_benchmarks.plans import short_name
from hangtag_benchmarks.records import Block, Missing, Result, Row


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition as it was written, and checked."""

    text: str
    truth: Truth


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of a condition.

    ``holds`` is None where nobody can say; ``line`` is the condition with both sides' values, or why not.
    """

    holds: bool | None
    line: str


def read_condition(text: str) -> Condition:
    """Read one condition.

    Raises:
        BenchmarkError: it is none.
    """
    # Its text is printed again, in one line.
    return Condition(" ".join(text.split()), parse(text))


def check_names(conditions: Iterable[Condition], rows: Sequence[RowName], *, has_photos: bool) -> None:
    """Raise before anything is measured where a condition could not be judged afterwards.

    Args:
        conditions: what was asked.
        rows: the rows to be measured.
        has_photos: whether accuracy is measured.

    Raises:
        BenchmarkError: a name means no row, or several for certain; or accuracy without photos.
    """
    for name in (name for condition in conditions for name in value_names(condition.truth)):
        found = matching(name, rows)
        engines = [rows[place].engine for place in found]
        # An engine that is not there leaves a name to the others; one that is has all its rows.
        if not found or len(set(engines)) < len(engines):
            raise _unclear(name, rows, found)
        if name.field == "accuracy" and not has_photos:
            raise BenchmarkError(f"{name.text} needs photos; give --data")


def judge(condition: Condition, result: Result) -> Judgement:
    """Work a condition out on what was measured."""
    if not result.complete:
        return Judgement(None, f"{condition.text}: cannot be judged, the benchmark was stopped")
    try:
        values = {name: measured_value(name, result) for name in value_names(condition.truth)}
        sides = list(_sides(condition.truth, values))
        found = holds(condition.truth, values.__getitem__)
    except BenchmarkError as error:
        return Judgement(None, f"{condition.text}: cannot be judged, {error}")
    disturbed = " (the run was disturbed)" if result.disturbances else ""
    return Judgement(found, f"{condition.text}: {', '.join(sides)}{disturbed}")


def _sides(truth: Truth, values: dict[ValueName, float]) -> Iterator[str]:
    """Return each comparison with its sides' values."""
    every = list(comparisons(truth))
    for one in every:
        is_true = holds(one, values.__getitem__)
        suffix = "" if is_true and len(every) == 1 else f" is {str(is_true).lower()}"
        yield _with_values(one, values) + suffix


def _with_values(one: Comparison, values: dict[ValueName, float]) -> str:
    left, right = (number_of(side, values.__getitem__) for side in (one.left, one.right))
    dimension = one.left.dimension
    for digits in (4, 6, 9):
        texts = [shown(value, dimension, digits) for value in (left, right)]
        # 8.00004 ms > 8 ms must not read as 8 ms > 8 ms.
        if texts[0] != texts[1] or left == right:
            break
    return f"{texts[0]} {one.sign} {texts[1]}"


def measured_value(name: ValueName, result: Result) -> float:
    """Return what a name stands for, in milliseconds, bytes, millijoules or as a share.

    Raises:
        BenchmarkError: it names no row or several, or the row has no such value.
    """
    row = _row(name, result)
    value = _value(row, name)
    if value is None:
        raise BenchmarkError(f"{_row_name(row)} has no {_what(name)}")
    return value


def _row(name: ValueName, result: Result) -> Row:
    """Return the row that a name means.

    A row without an engine or a device behind it is meant only where the name says so: a name that is clear
    on a machine without a GPU may need its engine on one that has it.
    """
    rows = [*map(_row_name, result.rows), *map(_missing_name, result.missing)]
    found = matching(name, rows)
    if not found:
        raise _unclear(name, rows, found)
    reasons = {place: _why_not(place, result) for place in found}
    counting = [place for place in found if reasons[place] is None or _has_failed(place, result)]
    if len(counting) > 1:
        raise _unclear(name, rows, counting)
    place = counting[0] if counting else found[0]
    reason = reasons[place]
    if reason is not None:
        raise BenchmarkError(f"there is no row for {rows[place]}: {reason}")
    return result.rows[place]


def _row_name(row: Row) -> RowName:
    return RowName(row.model.short_name, row.engine, row.threads)


def _missing_name(missing: Missing) -> RowName:
    return RowName(short_name(missing.file_name), missing.engine, missing.threads)


def _why_not(place: int, result: Result) -> str | None:
    if place >= len(result.rows):
        return result.missing[place - len(result.rows)].reason
    row = result.rows[place]
    return None if row.ranked else "; ".join(row.notes) or "its outputs are not proven"


def _has_failed(place: int, result: Result) -> bool:
    return place >= len(result.rows) and result.missing[place - len(result.rows)].failed


def _unclear(name: ValueName, rows: Sequence[RowName], found: Sequence[int]) -> BenchmarkError:
    if not found:
        return BenchmarkError(f"{name.text} names no row; wanted one of {listed(rows)}")
    candidates = [rows[place] for place in found]
    if len(set(candidates)) < len(candidates):
        return BenchmarkError(f"{name.text} may mean several files of one name; rename one of them")
    return BenchmarkError(f"{name.text} may mean {listed(candidates)}; say which")


def _value(row: Row, name: ValueName) -> float | None:
    if name.field in PERCENTILES:
        summaries = {
            "invoke": None if row.invoke is None else row.invoke.summary,
            "e2e": None if row.end_to_end is None else row.end_to_end.summary,
            **row.stages,
        }
        summary = summaries.get(name.kind)
        # A program that keeps its single runs to itself tells no p90 and p99.
        found: float | None = None if summary is None else getattr(summary, f"{name.field}_ms")
        return found
    return {
        "import": _median(row.blocks, "import_ms"),
        "load": _median(row.blocks, "load_ms"),
        "first_run": _median(row.blocks, "first_run_ms"),
        "size": float(row.model.size_bytes),
        "peak_memory": _bytes(row.peak_memory_mb),
        "steady_memory": _bytes(row.steady_memory_mb),
        "energy": row.energy_mj,
        "accuracy": None if row.accuracy is None else row.accuracy.top1,
    }[name.field]


def _what(name: ValueName) -> str:
    return f"{name.kind}.{name.field}" if name.field in PERCENTILES else name.field


def _median(blocks: Sequence[Block], field: str) -> float | None:
    known = [value for block in blocks if (value := getattr(block, field)) is not None]
    return statistics.median(known) if known else None


def _bytes(memory_mb: float | None) -> float | None:
    return None if memory_mb is None else memory_mb * 1e6
