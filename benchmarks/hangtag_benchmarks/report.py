"""A result for people (text, Markdown) and for programs (JSON)."""

from __future__ import annotations

import dataclasses
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hangtag.files import make_folder, write_bytes, write_json
from hangtag_benchmarks.records import Conditions, Environment, Failure, ModelIdentity, Result, Row
from hangtag_benchmarks.tables import Table, escape

JSON_NAME, MARKDOWN_NAME = "benchmark.json", "benchmark.md"

MEANINGS = (
    "load: read the file (already in the system's cache), check it and open the engine; imports not counted.",
    "first run: the first invoke after load.",
    "preprocess: one 640x480 frame to the input tensor.",
    "invoke: the engine alone on a prepared tensor; on the GPU from sending the tensor to having the output.",
    "end to end: frame to label, on the same frames; e2e/invoke is the ratio of the two p50.",
    "peak MB: the process's largest resident memory (2^20 bytes); imports MB: that before the model is read.",
    "Each pass of each row is a process of its own; load and first run are the median of the passes.",
    "invoke, preprocess and end to end take turns; every measurement after the warm-up counts.",
)


def to_json(result: Result) -> dict[str, Any]:
    """Return the whole result as JSON values, numbers to six significant digits."""
    values: dict[str, Any] = _rounded(dataclasses.asdict(result))
    return {"kind": "hangtag-benchmark", "schema_version": values.pop("schema_version"), **values}


def save(result: Result, folder: Path) -> None:
    """Write ``benchmark.json`` and ``benchmark.md`` into a folder, made if missing.

    Raises:
        OutputError: it cannot be written to.
    """
    make_folder(folder)
    write_json(folder / JSON_NAME, to_json(result))
    write_bytes(folder / MARKDOWN_NAME, to_markdown(result).encode())


def to_text(result: Result) -> str:
    """Return tables, failures and notes as they are printed."""
    blocks = []
    if result.rows:
        blocks += [summary_table(result).text(), percentile_table(result).text()]
    notes = (f"note: {note}" for note in _notes(result))
    blocks.append("\n".join([*_problems(result), *notes]))
    blocks.append("\n".join(_environment_lines(result.environment)))
    return "\n\n".join(block for block in blocks if block)


def to_markdown(result: Result) -> str:
    """Return the report as Markdown."""
    parts = ["# Benchmark", f"{result.created_utc}: {_plan_line(result)}"]
    if result.rows:
        parts += [summary_table(result).markdown(), "Percentiles in milliseconds:"]
        parts.append(percentile_table(result).markdown())
    for title, lines in (
        ("Not measured", [*_problems(result)]),
        ("Notes", [*_notes(result)]),
        ("Environment", _environment_lines(result.environment)),
        ("Models", [_model_line(model) for model in _models(result)]),
        ("What the columns mean", list(MEANINGS)),
    ):
        if lines:
            parts.append(f"## {title}\n\n" + "\n".join(f"- {escape(line)}" for line in lines))
    return "\n\n".join(parts) + "\n"


def summary_table(result: Result) -> Table:
    """Return one line per row: start, p50 of each kind, ratio and memory."""
    names = _names(result)
    header = ("model", "device", "threads", "load ms", "first run", "preprocess p50", "invoke p50")
    return Table(
        header=(*header, "end to end p50", "e2e/invoke", "peak MB", "imports MB"),
        rows=tuple(_summary_cells(row, names) for row in result.rows),
        text_columns=2,
    )


def _summary_cells(row: Row, names: dict[ModelIdentity, str]) -> tuple[str, ...]:
    return (
        names[row.model],
        _device(row),
        _count(row.threads),
        _ms(statistics.median(row.load_ms)),
        _ms(statistics.median(row.first_run_ms)),
        _ms(row.preprocess.p50_ms),
        _ms(row.invoke.p50_ms),
        _ms(row.end_to_end.p50_ms),
        f"{row.end_to_end_per_invoke:.3f}",
        _mb(row.peak_memory_mb),
        _mb(row.imports_memory_mb),
    )


def percentile_table(result: Result) -> Table:
    """Return three lines per row: the percentiles of preprocessing, bare invoke and end to end."""
    names = _names(result)
    return Table(
        header=("model", "device", "kind", "threads", "p50 ms", "p90", "p95", "p99", "max", "count"),
        rows=tuple(cells for row in result.rows for cells in _percentile_cells(row, names)),
        text_columns=3,
    )


def _percentile_cells(row: Row, names: dict[ModelIdentity, str]) -> Iterator[tuple[str, ...]]:
    for kind, latency in (
        ("preprocess", row.preprocess),
        ("invoke", row.invoke),
        ("end to end", row.end_to_end),
    ):
        shown = (latency.p50_ms, latency.p90_ms, latency.p95_ms, latency.p99_ms, latency.max_ms)
        start = (names[row.model], _device(row), kind, _count(row.threads))
        yield (*start, *map(_ms, shown), str(latency.count))


def _problems(result: Result) -> Iterator[str]:
    yield from (f"no row for {failure_title(failure)}: {failure.reason}" for failure in result.failures)
    yield from result.gpu_lines


def failure_title(failure: Failure) -> str:
    """Return which row is missing."""
    where = "GPU" if failure.threads is None else f"CPU, threads {failure.threads}"
    return f"{failure.model.file_name} ({where})"


def _notes(result: Result) -> Iterator[str]:
    names = _names(result)
    for row in result.rows:
        threads = "" if row.threads is None else f", threads {row.threads}"
        yield from (f"{names[row.model]} ({_device(row)}{threads}): {note}" for note in row.notes)
    yield from result.notes


def _plan_line(result: Result) -> str:
    plan = result.plan
    passes = "1 pass" if plan.passes == 1 else f"{plan.passes} passes"
    rounds = f"{plan.warmup_rounds} warm-up and {plan.rounds} measured rounds"
    return f"{passes} of {rounds} per row; {result.frames}."


def _environment_lines(machine: Environment) -> list[str]:
    memory = "" if machine.memory_mb is None else f", {machine.memory_mb:.0f} MB"
    variables = [f"{name}={value}" for name, value in machine.thread_variables.items()]
    return [
        f"{machine.cpu}, {machine.usable_cores} usable cores{memory}",
        machine.platform,
        ", ".join(f"{name} {version}" for name, version in machine.versions.items()),
        ", ".join([f"OpenCV threads {machine.opencv_threads}", *variables]),
        f"frequency governor {machine.frequency_governor or 'not readable'}",
        f"before: {_conditions(machine.before)}",
        f"after: {_conditions(machine.after)}",
    ]


def _conditions(value: Conditions) -> str:
    shown = (
        ("load average {:.2f}", value.load_average_1min),
        ("{:.0f} MHz", value.cpu_frequency_mhz),
        ("{:.1f} °C", value.cpu_temperature_c),
    )
    return ", ".join(text.format(number) for text, number in shown if number is not None) or "not readable"


def _models(result: Result) -> list[ModelIdentity]:
    seen = [row.model for row in result.rows] + [failure.model for failure in result.failures]
    return list(dict.fromkeys(seen))


def _model_line(model: ModelIdentity) -> str:
    size_mb = model.size_bytes / 1e6
    return (
        f"{model.file_name}: {model.name}, {model.input_dtype} input, {size_mb:.2f} MB, sha256 {model.sha256}"
    )


def _names(result: Result) -> dict[ModelIdentity, str]:
    """Return what to call each model: two files of one name are told apart by their digests."""
    models = _models(result)
    times = Counter(model.file_name for model in models)
    return {
        model: model.file_name if times[model.file_name] == 1 else f"{model.file_name} ({model.sha256[:8]})"
        for model in models
    }


def _device(row: Row) -> str:
    return row.device if row.adapter is None else f"{row.device}: {row.adapter}"


def _count(threads: int | None) -> str:
    return "-" if threads is None else str(threads)


def _ms(value: float) -> str:
    return f"{value:.2f}"


def _mb(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: _rounded(entry) for key, entry in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_rounded(entry) for entry in value]
    return value
