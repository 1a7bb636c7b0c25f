"""A comparison of two results as text and as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from hangtag.metrics import Interval
from hangtag_benchmarks.comparing.compare import NAMES, Alone, Comparison, RowComparison
from hangtag_benchmarks.measurements import Accuracy
from hangtag_benchmarks.records import Result, Row
from hangtag_benchmarks.reports.naming import row_names
from hangtag_benchmarks.reports.report_tables import half_width, milliseconds
from hangtag_benchmarks.reports.tables import Table, printable
from hangtag_benchmarks.statistics import Ratio
from hangtag_benchmarks.verdicts import sentence

KIND, SCHEMA_VERSION = "hangtag-comparison", 1

CAVEAT = (
    "note: an interval covers the blocks of these two runs; what else changed between them is part of the "
    "ratio and not of its interval"
)


def to_text(first: Result, second: Result, found: Comparison) -> str:
    """Return what both are, the table, the verdicts, and all that may explain them."""
    names = _names(first, found)
    blocks = [
        "\n".join(_title(name, result) for name, result in zip(NAMES, (first, second), strict=True)),
        "\n".join(_disturbed(found)),
        _table(found, names).text(),
        "\n".join(line for row, name in zip(found.rows, names, strict=True) for line in _verdicts(row, name)),
        "\n".join(
            [
                *(
                    line
                    for row, name in zip(found.rows, names, strict=True)
                    for line in model_lines(row, name)
                ),
                *(
                    line
                    for row, name in zip(found.rows, names, strict=True)
                    for line in accuracy_lines(row, name)
                ),
                *_alone(found.only_first, first, *NAMES),
                *_alone(found.only_second, second, *reversed(NAMES)),
            ]
        ),
        "\n".join(difference_lines(found)),
        CAVEAT,
    ]
    return printable("\n\n".join(block for block in blocks if block))


def _names(result: Result, found: Comparison) -> list[str]:
    return row_names(dataclasses.replace(result, rows=tuple(one.pair.first for one in found.rows)))


def _title(name: str, result: Result) -> str:
    machine = result.environment
    return (
        f"{name}: {result.created_utc}, {machine.cpu}, {machine.usable_cores} usable cores, "
        f"{result.rounds} rounds"
    )


def _disturbed(found: Comparison) -> Iterator[str]:
    for name, reasons in zip(NAMES, found.disturbances, strict=True):
        if reasons:
            yield f"{name} WAS DISTURBED, do not quote this: {'; '.join(reasons)}"


def _table(found: Comparison, names: list[str]) -> Table:
    header = (
        "",
        *(f"{name} {what}" for what in ("p50 ms", "±", "p95", "e2e p50", "top-1") for name in NAMES),
    )
    rows = []
    for one, name in zip(found.rows, names, strict=True):
        cells = zip(_cells(one.pair.first), _cells(one.pair.second), strict=True)
        rows.append((name, *(cell for both in cells for cell in both)))
    return Table(header, tuple(rows))


def _cells(row: Row) -> tuple[str, ...]:
    return (
        milliseconds(row.invoke, "p50_ms"),
        half_width(row.invoke),
        milliseconds(row.invoke, "p95_ms"),
        milliseconds(row.end_to_end, "p50_ms"),
        "-" if row.accuracy is None else f"{row.accuracy.top1:.3f}",
    )


def _verdicts(one: RowComparison, name: str) -> Iterator[str]:
    if not one.ratios:
        yield f"{name}: not compared: a row that is not ranked, or nothing that both measured"
    for kind, ratio in one.ratios.items():
        what = "from frame to label" if kind == "end_to_end" else ""
        yield f"{name}: {verdict(ratio, NAMES, what)}"


def verdict(ratio: Ratio, names: tuple[str, str], what: str = "") -> str:
    """Return in words which of two is faster; ``ratio`` is the second's latency over the first's."""
    if ratio.value >= 1:
        return sentence(ratio, names[1], names[0], what)
    return sentence(inverted(ratio), names[0], names[1], what)


def inverted(ratio: Ratio) -> Ratio:
    """Return the first's latency over the second's."""
    interval = ratio.interval
    turned = None if interval is None else Interval(1 / interval.high, 1 / interval.low)
    return Ratio(1 / ratio.value, turned, ratio.pairs)


def model_lines(one: RowComparison, name: str) -> Iterator[str]:
    """Return where a name stood for two versions of a model."""
    first, second = one.pair.first.model, one.pair.second.model
    if not one.pair.same_model:
        contract = "" if first.contract_sha256 == second.contract_sha256 else ", with another contract"
        yield (
            f"{name}: two versions of the model, {first.sha256[:8]} ({first.size_bytes / 1e6:.2f} MB) and "
            f"{second.sha256[:8]} ({second.size_bytes / 1e6:.2f} MB){contract}"
        )


def accuracy_lines(one: RowComparison, name: str, names: tuple[str, str] = NAMES) -> Iterator[str]:
    """Return how accuracies on the same photos differ."""
    first, second = one.pair.first.accuracy, one.pair.second.accuracy
    if first is None or second is None:
        if first is not second:
            yield f"{name}: accuracy was measured in {names[0] if second is None else names[1]} alone"
        return
    if first.right != second.right:
        more = "more" if second.right > first.right else "fewer"
        same = ", of the same model file" if one.pair.same_model else ""
        yield (
            f"{name}: {names[1]} names {abs(second.right - first.right)} of {first.photos} photos {more} "
            f"rightly (top-1 {_top1(first)} and {_top1(second)}{same})"
        )


def _top1(accuracy: Accuracy) -> str:
    return f"{accuracy.top1:.3f}"


def _alone(rows: tuple[Alone, ...], result: Result, name: str, other: str) -> Iterator[str]:
    titles = row_names(result)
    for alone in rows:
        title = next(title for title, row in zip(titles, result.rows, strict=True) if row is alone.row)
        why = "" if alone.missing is None else f": {other} has none, {alone.missing.reason}"
        yield f"only in {name}: {title}{why}"


def difference_lines(found: Comparison, names: tuple[str, str] = NAMES) -> Iterator[str]:
    """Return what else differs, one line each."""
    for one in found.differences:
        shown = [value if value is not None else "not known" for value in (one.first, one.second)]
        yield f"differs: {one.what}: {names[0]} {shown[0]}, {names[1]} {shown[1]}"


def to_json(first: Result, second: Result, found: Comparison) -> dict[str, Any]:
    """Return the comparison as JSON values; ratios are B's latency over A's."""
    return {
        "kind": KIND,
        "schema_version": SCHEMA_VERSION,
        **{
            name.lower(): {
                "created_utc": result.created_utc,
                "cpu": result.environment.cpu,
                "rounds": result.rounds,
                "disturbances": list(reasons),
            }
            for name, result, reasons in zip(NAMES, (first, second), found.disturbances, strict=True)
        },
        "rows": [_row_json(one) for one in found.rows],
        "only_a": [_key(alone) for alone in found.only_first],
        "only_b": [_key(alone) for alone in found.only_second],
        "differences": [{"what": one.what, "a": one.first, "b": one.second} for one in found.differences],
    }


def _row_json(one: RowComparison) -> dict[str, Any]:
    pair = one.pair
    return {
        "model": pair.first.model.short_name,
        "engine": pair.first.engine,
        "threads": pair.first.threads,
        "same_model": pair.same_model,
        **{name.lower(): _values(row) for name, row in zip(NAMES, (pair.first, pair.second), strict=True)},
        "ratios": {
            kind: {**dataclasses.asdict(ratio), "is_different": ratio.is_different}
            for kind, ratio in one.ratios.items()
        },
    }


def _values(row: Row) -> dict[str, Any]:
    return {
        "sha256": row.model.sha256,
        "size_bytes": row.model.size_bytes,
        "invoke_p50_ms": None if row.invoke is None else row.invoke.summary.p50_ms,
        "invoke_p95_ms": None if row.invoke is None else row.invoke.summary.p95_ms,
        "end_to_end_p50_ms": None if row.end_to_end is None else row.end_to_end.summary.p50_ms,
        "peak_memory_mb": row.peak_memory_mb,
        "right": None if row.accuracy is None else row.accuracy.right,
        "photos": None if row.accuracy is None else row.accuracy.photos,
    }


def _key(alone: Alone) -> dict[str, Any]:
    return {
        "model": alone.row.model.short_name,
        "engine": alone.row.engine,
        "threads": alone.row.threads,
        "reason": None if alone.missing is None else alone.missing.reason,
    }
