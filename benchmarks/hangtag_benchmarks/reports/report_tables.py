"""The tables of a benchmark, cell by cell."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator

from hangtag_benchmarks.measurements import STAGES, Accuracy
from hangtag_benchmarks.plans import ModelIdentity
from hangtag_benchmarks.records import Latency, Result, Row
from hangtag_benchmarks.reports.naming import engine_title, model_names
from hangtag_benchmarks.reports.tables import Table
from hangtag_benchmarks.verdicts import as_fast, fastest

FASTEST, AS_FAST, UNRANKED = "*", "~", "unranked"
"""What stands before a row: see the meanings in :mod:`hangtag_benchmarks.reports.report`."""

FEW_FOR_P99 = 1000
"""Of fewer runs, the 99th percentile is little more than the slowest of them."""

_NONE = "-"


def in_order(result: Result) -> list[tuple[str, Row]]:
    """Return the rows with what stands before them, as tables show them: what is not ranked comes last."""
    best, equals = fastest(result.rows), as_fast(result.rows, result.verdicts)
    marked = []
    for place, row in enumerate(result.rows):
        mark = FASTEST if place == best else AS_FAST if place in equals else ""
        marked.append((mark if row.ranked else UNRANKED, row))
    return sorted(marked, key=lambda one: not one[1].ranked)


def summary_table(result: Result) -> Table:
    """Return one line per row: what it costs and what it is worth."""
    names = model_names(result)
    columns: dict[str, Callable[[str, Row], str]] = {
        "": lambda mark, _: mark,
        "model": lambda _, row: names[row.model],
        "engine": lambda _, row: engine_title(row),
        "threads": lambda _, row: count(row.threads),
        "p50 ms": lambda _, row: milliseconds(row.invoke, "p50_ms"),
        "±": lambda _, row: half_width(row.invoke),
        "p95 ms": lambda _, row: milliseconds(row.invoke, "p95_ms"),
        "to label ms": lambda _, row: milliseconds(row.end_to_end, "p50_ms"),
        "top-1 % (95 % CI)": lambda _, row: top1(row.accuracy),
        "file MB": lambda _, row: f"{row.model.size_bytes / 1e6:.1f}",
        "peak MB": lambda _, row: megabytes(row.peak_memory_mb),
        "mJ/run": lambda _, row: millijoules(row.energy_mj),
    }
    return _table(columns, result, text_columns=3)


def percentile_table(result: Result) -> Table:
    """Return a line for each kind of latency of each row."""
    names = model_names(result)
    return Table(
        header=("model", "engine", "kind", "threads", "p50 ms", "p90", "p95", "p99", "max", "runs"),
        rows=tuple(cells for _, row in in_order(result) for cells in _percentile_cells(row, names)),
        text_columns=3,
    )


def _percentile_cells(row: Row, names: dict[ModelIdentity, str]) -> Iterator[tuple[str, ...]]:
    summaries = {
        "invoke": row.invoke.summary if row.invoke else None,
        "frame to label": row.end_to_end.summary if row.end_to_end else None,
        **{name.replace("_", " "): row.stages.get(name) for name in STAGES},
    }
    for kind, found in summaries.items():
        if found is not None:
            shown = (found.p50_ms, found.p90_ms, found.p95_ms, found.p99_ms, found.max_ms)
            start = (names[row.model], engine_title(row), kind, count(row.threads))
            yield (*start, *(_NONE if value is None else f"{value:.3f}" for value in shown), str(found.count))


def few_runs(result: Result) -> bool:
    """Return whether a 99th percentile in the table is about fewer runs than make one."""
    main = (row.invoke or row.end_to_end for row in result.rows)
    return any(latency is not None and latency.summary.count < FEW_FOR_P99 for latency in main)


def start_table(result: Result) -> Table:
    """Return one line per row: what opening costs, memory, energy."""
    names = model_names(result)
    columns: dict[str, Callable[[str, Row], str]] = {
        "model": lambda _, row: names[row.model],
        "engine": lambda _, row: engine_title(row),
        "threads": lambda _, row: count(row.threads),
        "import ms": lambda _, row: _shown(block_median(row, "import_ms")),
        "load ms": lambda _, row: _shown(block_median(row, "load_ms")),
        "first run ms": lambda _, row: _shown(block_median(row, "first_run_ms")),
        "imports MB": lambda _, row: megabytes(row.imports_memory_mb),
        "steady MB": lambda _, row: megabytes(row.steady_memory_mb),
        "peak MB": lambda _, row: megabytes(row.peak_memory_mb),
        "mJ/run": lambda _, row: millijoules(row.energy_mj),
    }
    return _table(columns, result, text_columns=2)


def _table(columns: dict[str, Callable[[str, Row], str]], result: Result, text_columns: int) -> Table:
    whole = Table(
        header=tuple(columns),
        rows=tuple(tuple(cell(mark, row) for cell in columns.values()) for mark, row in in_order(result)),
        text_columns=text_columns,
    )
    return whole if any(row.energy_mj is not None for row in result.rows) else whole.without({"mJ/run"})


def block_median(row: Row, name: str) -> float | None:
    """Return the median of a number of blocks, None where none of them has it."""
    return _median(getattr(block, name) for block in row.blocks)


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _shown(value: float | None) -> str:
    return _NONE if value is None else f"{value:.1f}"


def count(threads: int | None) -> str:
    """Return a number of threads."""
    return _NONE if threads is None else str(threads)


def milliseconds(latency: Latency | None, percentile: str) -> str:
    """Return one percentile of a latency."""
    value = None if latency is None else getattr(latency.summary, percentile)
    return _NONE if value is None else f"{value:.2f}"


def half_width(latency: Latency | None) -> str:
    """Return half of the width of the median's interval."""
    width = None if latency is None else latency.width
    return _NONE if width is None else f"{width / 2:.1%}"


def megabytes(value: float | None) -> str:
    """Return an amount of memory."""
    return _NONE if value is None else f"{value:.0f}"


def millijoules(value: float | None) -> str:
    """Return an energy."""
    return _NONE if value is None else f"{value:.1f}"


def top1(accuracy: Accuracy | None) -> str:
    """Return an accuracy in per cent with its interval."""
    if accuracy is None:
        return _NONE
    interval = accuracy.top1_interval
    return f"{100 * accuracy.top1:.1f} ({100 * interval.low:.1f}-{100 * interval.high:.1f})"
