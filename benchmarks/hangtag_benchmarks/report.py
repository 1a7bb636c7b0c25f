"""A result as tables and notes for people: on a terminal, and as Markdown."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator

from hangtag_benchmarks.records import (
    STAGES,
    Accuracy,
    Conditions,
    Environment,
    Latency,
    Missing,
    ModelIdentity,
    Plan,
    RemoteDevice,
    Result,
    Row,
)
from hangtag_benchmarks.tables import Table, escape
from hangtag_benchmarks.targets import title_of
from hangtag_benchmarks.verdicts import sentence

MEANINGS = (
    "invoke: the engine alone on a prepared tensor; on a GPU from sending the tensor to having the output.",
    "e2e: from a 640x480 frame to its label, as a user of the engine calls it.",
    "±: half the width of the median's 95 % interval, which covers processes, rounds and runs.",
    "top-1: the share of photos that this engine itself named rightly, with its 95 % interval.",
    "load: read the file (already in the system's cache), check it, open the engine; imports not counted.",
    "first run: the first invocation after load.",
    (
        "peak MB: the process's largest resident memory (2^20 bytes); steady MB: at its end; "
        "imports MB: before the model is read."
    ),
    (
        "Each block of each row is a process of its own; a round holds a block of every row, in an order drawn "
        "anew. Every run after the warm-up counts."
    ),
    "*: the fastest by the median; a row is not ranked where the CPU only plays the device.",
)

INCOMPLETE = "INCOMPLETE: it was stopped; these are the rounds that were finished"
QUICK = "QUICK: a first impression; not comparable with any other run"
DISTURBED = "DISTURBED: do not quote these numbers"


def to_text(result: Result) -> str:
    """Return tables, verdicts, failures and notes as they are printed."""
    blocks = ["\n".join(marks(result))]
    if result.rows:
        blocks += [
            summary_table(result).text(),
            percentile_table(result).text(),
            "\n".join(verdict_lines(result)),
        ]
    blocks.append("\n".join([*problems(result), *(f"note: {note}" for note in notes(result))]))
    blocks.append("\n".join([*environment_lines(result.environment), *device_lines(result)]))
    return "\n\n".join(block for block in blocks if block)


def to_markdown(result: Result) -> str:
    """Return the report as Markdown."""
    parts = ["# Benchmark", f"{result.created_utc}: {plan_line(result)}"]
    parts += [f"**{escape(mark)}**" for mark in marks(result)]
    if result.rows:
        parts += [summary_table(result).markdown(), "Percentiles in milliseconds:"]
        parts += [percentile_table(result).markdown(), "Start and memory:", start_table(result).markdown()]
    for title, lines in (
        ("Verdicts", [*verdict_lines(result)]),
        ("Not measured", [*problems(result)]),
        ("Notes", [*notes(result)]),
        ("Environment", [*environment_lines(result.environment), *device_lines(result)]),
        ("Models", [model_line(model) for model in models(result)]),
        ("What the columns mean", list(MEANINGS)),
    ):
        if lines:
            parts.append(f"## {title}\n\n" + "\n".join(f"- {escape(line)}" for line in lines))
    return "\n\n".join(parts) + "\n"


def marks(result: Result) -> Iterator[str]:
    """Return what must be known before anything else of a result is."""
    if not result.complete:
        yield INCOMPLETE
    if result.plan.quick:
        yield QUICK
    if result.disturbances:
        yield f"{DISTURBED} ({'; '.join(result.disturbances)})"


def best_row(result: Result) -> Row | None:
    """Return the ranked row with the smallest median, of bare invocations where there are any."""
    ranked = [row for row in result.rows if row.ranked]
    timed = [row for row in ranked if row.invoke is not None]
    if timed:
        return min(timed, key=lambda row: _p50(row.invoke))
    return min(ranked, key=lambda row: _p50(row.end_to_end), default=None)


def _p50(latency: Latency | None) -> float:
    return float("inf") if latency is None else latency.summary.p50_ms


def summary_table(result: Result) -> Table:
    """Return one line per row: what it costs and what it is worth."""
    names, best = model_names(result), best_row(result)
    return Table(
        header=(
            "",
            "model",
            "engine",
            "threads",
            "invoke p50 ms",
            "±",
            "p95",
            "e2e p50",
            "MB",
            "peak MB",
            "top-1",
        ),
        rows=tuple(
            (
                "*" if row is best else "",
                names[row.model],
                engine_title(row),
                count(row.threads),
                milliseconds(row.invoke, "p50_ms"),
                half_width(row.invoke),
                milliseconds(row.invoke, "p95_ms"),
                milliseconds(row.end_to_end, "p50_ms"),
                f"{row.model.size_bytes / 1e6:.1f}",
                megabytes(row.peak_memory_mb),
                top1(row.accuracy),
            )
            for row in result.rows
        ),
        text_columns=3,
    )


def percentile_table(result: Result) -> Table:
    """Return a line for each kind of latency of each row."""
    names = model_names(result)
    return Table(
        header=("model", "engine", "kind", "threads", "p50 ms", "p90", "p95", "p99", "max", "runs"),
        rows=tuple(cells for row in result.rows for cells in _percentile_cells(row, names)),
        text_columns=3,
    )


def _percentile_cells(row: Row, names: dict[ModelIdentity, str]) -> Iterator[tuple[str, ...]]:
    summaries = {
        "invoke": row.invoke.summary if row.invoke else None,
        "end to end": row.end_to_end.summary if row.end_to_end else None,
        **{name.replace("_", " "): row.stages.get(name) for name in STAGES},
    }
    for kind, found in summaries.items():
        if found is not None:
            shown = (found.p50_ms, found.p90_ms, found.p95_ms, found.p99_ms, found.max_ms)
            start = (names[row.model], engine_title(row), kind, count(row.threads))
            yield (*start, *("-" if value is None else f"{value:.3f}" for value in shown), str(found.count))


def start_table(result: Result) -> Table:
    """Return one line per row: what opening costs, memory, energy."""
    names = model_names(result)
    return Table(
        header=(
            *("model", "engine", "threads", "import ms", "load ms", "first run ms"),
            *("imports MB", "steady MB", "peak MB", "mJ/run"),
        ),
        rows=tuple(
            (
                names[row.model],
                engine_title(row),
                count(row.threads),
                _median(block.import_ms for block in row.blocks),
                _median(block.load_ms for block in row.blocks),
                _median(block.first_run_ms for block in row.blocks),
                megabytes(row.imports_memory_mb),
                megabytes(row.steady_memory_mb),
                megabytes(row.peak_memory_mb),
                "-" if row.energy_mj is None else f"{row.energy_mj:.1f}",
            )
            for row in result.rows
        ),
        text_columns=2,
    )


def verdict_lines(result: Result) -> Iterator[str]:
    """Return the verdicts in words."""
    names = row_names(result)
    for verdict in result.verdicts:
        what = "from frame to label" if verdict.kind == "end_to_end" else ""
        yield sentence(verdict.ratio, names[verdict.first], names[verdict.second], what)


def problems(result: Result) -> Iterator[str]:
    """Return the rows that could not be had."""
    yield from (f"no row for {missing_title(missing)}: {missing.reason}" for missing in result.missing)


def missing_title(missing: Missing) -> str:
    """Return which row is missing."""
    if missing.engine is None:
        return missing.file_name
    threads = "" if missing.threads is None else f", threads {missing.threads}"
    return f"{missing.file_name} ({title_of(missing.engine)}{threads})"


def notes(result: Result) -> Iterator[str]:
    """Return what to know about rows and about the whole."""
    names = row_names(result)
    for row, name in zip(result.rows, names, strict=True):
        yield from (f"{name}: {note}" for note in row.notes)
    yield from result.notes
