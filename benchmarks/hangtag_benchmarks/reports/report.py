"""A result as tables and notes for people: on a terminal, and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from hangtag_benchmarks.records import Missing, Result
from hangtag_benchmarks.reports.frontier import frontier
from hangtag_benchmarks.reports.machine_lines import (
    accuracy_lines,
    device_lines,
    environment_lines,
    model_line,
    plan_line,
)
from hangtag_benchmarks.reports.naming import missing_title, models, row_names
from hangtag_benchmarks.reports.report_tables import (
    AS_FAST,
    FASTEST,
    FEW_FOR_P99,
    UNRANKED,
    few_runs,
    percentile_table,
    start_table,
    summary_table,
)
from hangtag_benchmarks.reports.soak_report import MOST_LINES, SOAK_MEANINGS, soak_lines, soak_table
from hangtag_benchmarks.reports.tables import Table, escape, printable
from hangtag_benchmarks.verdicts import as_fast, fastest, hold_together, sentence

MEANINGS = (
    (
        "p50, p95: of the bare invocation: the engine alone on a prepared tensor; on a GPU from sending the "
        "tensor to having the output."
    ),
    "±: half the width of the median's 95 % interval, which covers processes, rounds and runs.",
    "to label: the median from a 640x480 frame that has just arrived to its label, as users call it.",
    "top-1: the share of photos that this engine itself named rightly, with its 95 % interval.",
    (
        "peak MB: the process's largest resident memory; steady MB: at its end; imports MB: before the model "
        "is read. All three hold Python, its libraries and 4 MB of frames. A MB is a million bytes."
    ),
    (
        "mJ/run: energy in one invocation's time: of the whole processor package (RAPL), or of all rails "
        "that a Raspberry Pi 5's power chip sees. What the system uses besides is in it, idle power is not "
        "subtracted, and a graphics card is not seen."
    ),
    "load: read the file (already in the system's cache), check it, open the engine; imports not counted.",
    "first run: the first invocation after load.",
    (
        "Each block of each row is a process of its own; a round holds a block of every row, in an order "
        "drawn anew. Every run after the warm-up counts."
    ),
)

INCOMPLETE = "INCOMPLETE: it was stopped; this is what was finished"
QUICK = "QUICK: a first impression; not comparable with any other run"
DISTURBED = "DISTURBED: do not quote these numbers"


def to_text(result: Result) -> str:
    """Return the table, verdicts, failures and notes as they are printed; all else is in the files."""
    blocks = ["\n".join(marks(result))]
    if result.rows:
        table, same = _lean(summary_table(result))
        blocks += ["\n".join(same), table.text(), "\n".join([*legend(result), *accuracy_lines(result)])]
        blocks.append("\n".join(verdict_lines(result)))
    if result.soak is not None:
        blocks += [soak_table(result.soak, MOST_LINES).text(), "\n".join(soak_lines(result.soak))]
    blocks.append("\n".join([*problems(result), *(f"note: {note}" for note in notes(result))]))
    blocks.append("\n".join([*environment_lines(result.environment)[:3], *device_lines(result)]))
    return printable("\n\n".join(block for block in blocks if block))


def _lean(table: Table) -> tuple[Table, list[str]]:
    """Return a table without what stands in every row, and that in words; and without empty columns."""
    cells = {name: {row[column] for row in table.rows} for column, name in enumerate(table.header)}
    empty = {name for name, found in cells.items() if found <= {"-"}}
    same = {name: next(iter(cells[name])) for name in ("engine", "threads") if len(cells[name]) == 1}
    words = [value if name == "engine" else f"{name} {value}" for name, value in same.items() if value != "-"]
    every = [f"every row: {', '.join(words)}"] if words else []
    return table.without(empty | same.keys()), every


def to_markdown(result: Result) -> str:
    """Return the report as Markdown."""
    parts = ["# Benchmark", escape(f"{result.created_utc}: {plan_line(result)}")]
    parts += [f"**{escape(mark)}**" for mark in marks(result)]
    if result.rows:
        about = [*legend(result), *accuracy_lines(result)]
        parts += [summary_table(result).markdown(), "\n".join(f"- {escape(line)}" for line in about)]
    if result.soak is not None:
        parts += ["\n".join(f"- {escape(line)}" for line in soak_lines(result.soak))]
        parts += [soak_table(result.soak).markdown()]
    for title, lines in sections(result):
        if lines:
            parts.append(f"## {title}\n\n" + "\n".join(f"- {escape(line)}" for line in lines))
        if title == "Not measured" and result.rows:
            parts += ["## Percentiles in milliseconds", percentile_table(result).markdown()]
            parts += [escape(line) for line in percentile_lines(result)]
            parts += ["## Start and memory", start_table(result).markdown()]
    return "\n\n".join(parts) + "\n"


def sections(result: Result) -> Iterator[tuple[str, list[str]]]:
    """Return what is told in lines, in order, under its titles; some have no lines."""
    yield "Verdicts", [*verdict_lines(result), *front_lines(result)]
    yield "Notes", [*notes(result)]
    yield "Not measured", [*problems(result)]
    yield "Environment", [*environment_lines(result.environment), *device_lines(result)]
    yield "Models", [model_line(model) for model in models(result)]
    yield "What the columns mean", list(MEANINGS if result.soak is None else SOAK_MEANINGS)


def marks(result: Result) -> Iterator[str]:
    """Return what must be known before anything else of a result is."""
    if not result.complete:
        yield INCOMPLETE
    if result.plan.quick:
        yield QUICK
    if result.disturbances:
        yield f"{DISTURBED} ({'; '.join(result.disturbances)})"


def legend(result: Result) -> Iterator[str]:
    """Return what the marks before rows mean, as far as there are any."""
    if len(result.rows) > 1 and fastest(result.rows) is not None:
        yield f"{FASTEST}: the fastest, by its median"
    if as_fast(result.rows, result.verdicts):
        yield f"{AS_FAST}: no difference from the fastest can be seen"
    if not all(row.ranked for row in result.rows):
        yield f"{UNRANKED}: the CPU plays the device, for testing only; compared with nothing"


def percentile_lines(result: Result) -> Iterator[str]:
    """Return what to know before believing the percentiles."""
    if few_runs(result):
        yield f"p99 of fewer than {FEW_FOR_P99} runs is little more than the slowest of them."


def verdict_lines(result: Result) -> Iterator[str]:
    """Return the verdicts in words."""
    names = row_names(result)
    if len(result.verdicts) > 1 and all(verdict.ratio.interval is None for verdict in result.verdicts):
        rounds = max(verdict.ratio.pairs for verdict in result.verdicts)
        yield f"too few rounds ({rounds}) to tell differences between so many rows"
        return
    for verdict in result.verdicts:
        what = "from frame to label" if verdict.kind == "end_to_end" else ""
        yield sentence(verdict.ratio, names[verdict.first], names[verdict.second], what)
    if result.verdicts and hold_together(result.rows) > 1:
        yield "(these intervals hold all together with 95 %: which row is the fastest was seen only now)"


def front_lines(result: Result) -> Iterator[str]:
    """Return which rows are worth having, where accuracies were measured."""
    names, found = row_names(result), frontier(result.rows)
    if len(found.points) > 1:
        front = "; ".join(names[place] for place in sorted(found.front))
        yield f"no other row is at once as fast, as accurate and as small as: {front}"


def problems(result: Result) -> Iterator[str]:
    """Return the rows that could not be had, those of one reason together."""
    groups: dict[tuple[str | None, int | None, str], list[Missing]] = {}
    for missing in result.missing:
        groups.setdefault((missing.engine, missing.threads, missing.reason), []).append(missing)
    for (_, _, reason), (*others, last) in groups.items():
        names = "".join(f"{missing.file_name}, " for missing in others)
        yield f"no row for {names}{missing_title(last)}: {reason}"


def notes(result: Result) -> Iterator[str]:
    """Return what to know about rows and about the whole."""
    names = row_names(result)
    for row, name in zip(result.rows, names, strict=True):
        yield from (f"{name}: {note}" for note in row.notes)
    yield from result.notes
