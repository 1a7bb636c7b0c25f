"""The page of a benchmark: one HTML file with everything inside, for a phone as for a desktop."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hangtag.page_parts import Cell, Row, details, document, name, section, table, text
from hangtag_benchmarks import measurements, records
from hangtag_benchmarks.records import Result
from hangtag_benchmarks.reports.machine_lines import accuracy_lines, plan_line
from hangtag_benchmarks.reports.naming import engine_title, model_names
from hangtag_benchmarks.reports.report import legend, marks, percentile_lines, sections
from hangtag_benchmarks.reports.report_tables import (
    AS_FAST,
    FASTEST,
    UNRANKED,
    half_width,
    in_order,
    megabytes,
    millijoules,
    milliseconds,
    percentile_table,
    start_table,
)
from hangtag_benchmarks.reports.soak_report import soak_lines, soak_table
from hangtag_benchmarks.reports.tables import Table
from hangtag_benchmarks.soak.records import Soak

_BADGES = {FASTEST: "fastest", AS_FAST: "as fast", UNRANKED: "unranked"}
_DESCRIPTIONS = {
    "latency.png": "The latencies of all runs of each row, as in the table of percentiles",
    "frontier.png": "Accuracy over latency and size of file, as in the table; the Pareto front is filled",
    "soak.png": "Median latency, temperature and clock by the minute",
}


@dataclass(frozen=True, slots=True)
class Plots:
    """PNG files by name, drawn for the day and for the night; ``missing`` says why there are none."""

    day: Mapping[str, bytes]
    night: Mapping[str, bytes]
    missing: str | None = None


def render(result: Result, plots: Plots) -> str:
    """Return the page as HTML."""
    told = dict(sections(result))
    has_rows = bool(result.rows)
    subtitle = f"{name(result.environment.cpu)}, {text(result.created_utc)}"
    body = "".join(
        [
            f'<header><h1>Benchmark</h1><p class="soft">{subtitle}</p></header>\n<main>\n',
            *(f'<p class="warning mark">{name(mark)}</p>' for mark in marks(result)),
            section("Latency, accuracy, size", _summary(result)) if has_rows else "",
            section("Soak", _soak(result.soak)) if result.soak is not None else "",
            section("Verdicts", _verdicts(told.pop("Verdicts"))),
            section("Not measured", _list(told.pop("Not measured"))),
            section("Notes", _list(told.pop("Notes"))),
            section("Plots", _plots(plots)),
            section("Percentiles", _percentiles(result)) if has_rows else "",
            section("Start and memory", _plain(start_table(result))) if has_rows else "",
            *(section(title, _list(lines)) for title, lines in told.items()),
            "</main>\n",
        ]
    )
    return document("Benchmark", body)


def _soak(soak: Soak) -> str:
    minutes = details("Minute by minute", _plain(soak_table(soak)))
    return _verdicts(list(soak_lines(soak))) + minutes


def _summary(result: Result) -> str:
    columns = ("model", "p50 ms, ±", "top-1 %", "p95 ms", "to label ms", "file MB", "peak MB", "mJ/run")
    names, has_energy = model_names(result), any(row.energy_mj is not None for row in result.rows)
    head = [text(title) for title in columns if title != "mJ/run" or has_energy]
    rows = [_row(mark, row, names[row.model], has_energy=has_energy) for mark, row in in_order(result)]
    about = "".join(f"{name(line)}<br>" for line in [plan_line(result), *accuracy_lines(result)])
    marked = [line for line in legend(result) if line.startswith(UNRANKED)]
    return f'{table(head, rows, css_class="rows figures")}{_list(marked)}<p class="soft">{about}</p>'


def _row(mark: str, row: records.Row, model: str, *, has_energy: bool) -> Row:
    """Return the row with its model, engine and threads in the one cell that stays on a phone's screen."""
    threads = "" if row.threads is None else f", {row.threads} thread{'s' if row.threads > 1 else ''}"
    where = f'<br><span class="soft">{name(engine_title(row) + threads)}</span>'
    badge = f' <span class="{"badge" if row.ranked else "unranked"}">{_BADGES[mark]}</span>' if mark else ""
    figures = [
        milliseconds(row.invoke, "p50_ms") + _spread(row.invoke),
        _top1(row.accuracy),
        milliseconds(row.invoke, "p95_ms"),
        milliseconds(row.end_to_end, "p50_ms"),
        f"{row.model.size_bytes / 1e6:.1f}",
        megabytes(row.peak_memory_mb),
        *([millijoules(row.energy_mj)] if has_energy else []),
    ]
    css_class = "number" if row.ranked else "number unranked"
    return (f"{name(model)}{badge}{where}", *(Cell(figure, css_class) for figure in figures))


def _spread(latency: records.Latency | None) -> str:
    return "" if latency is None or latency.width is None else _small(f"±{half_width(latency)}")


def _top1(accuracy: measurements.Accuracy | None) -> str:
    if accuracy is None:
        return "-"
    low, high = accuracy.top1_interval.low, accuracy.top1_interval.high
    return f"{100 * accuracy.top1:.1f}" + _small(f"{100 * low:.1f}\N{EN DASH}{100 * high:.1f}")


def _small(words: str) -> str:
    return f'<br><span class="soft">{text(words)}</span>'


def _verdicts(lines: Sequence[str]) -> str:
    return f'<div class="verdict">{_list(lines)}</div>' if lines else ""


def _list(lines: Iterable[str]) -> str:
    items = "".join(f"<li>{name(line)}</li>" for line in lines)
    return f"<ul>{items}</ul>" if items else ""


def _percentiles(result: Result) -> str:
    soft = "".join(f'<p class="soft">{text(line)}</p>' for line in percentile_lines(result))
    return details("All kinds of latency, in milliseconds", _plain(percentile_table(result)) + soft)


def _plain(shown: Table) -> str:
    """Return a table whose texts are escaped and whose numbers are lined up."""
    rows: list[Row] = [
        tuple(
            name(cell) if column < shown.text_columns else Cell(text(cell), "number")
            for column, cell in enumerate(cells)
        )
        for cells in shown.rows
    ]
    return table([text(title) for title in shown.header], rows, css_class="rows")


def _plots(plots: Plots) -> str:
    if plots.missing is not None:
        return f"<p>{text(plots.missing)}</p>"
    drawn = "".join(_plot(_DESCRIPTIONS[file], plots.day[file], plots.night[file]) for file in plots.day)
    return f'<div class="charts">{drawn}</div>' if drawn else ""


def _plot(description: str, day: bytes, night: bytes) -> str:
    """Return a picture that goes with the page's colours."""
    dark = f'<source media="(prefers-color-scheme: dark)" srcset="{_data(night)}">'
    light = f'<img src="{_data(day)}" alt="{text(description)}">'
    return f'<figure class="plot"><picture>{dark}{light}</picture></figure>'


def _data(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
