"""The files of a report folder."""

from __future__ import annotations

from pathlib import Path

from hangtag.errors import BenchmarkError, MissingExtra, OutputError
from hangtag.extras import extra_needed
from hangtag.files import json_bytes, make_folder, write_all
from hangtag_benchmarks.records import Result
from hangtag_benchmarks.reports.csv_report import soak_csv, to_csv
from hangtag_benchmarks.reports.page import Plots, render
from hangtag_benchmarks.reports.report import to_markdown
from hangtag_benchmarks.reports.result_json import to_json

JSON_NAME, MARKDOWN_NAME = "benchmark.json", "benchmark.md"
CSV_NAME, PAGE_NAME = "benchmark.csv", "benchmark.html"

SOAK_CSV_NAME = "soak.csv"

_NOT_ALWAYS = ("latency.png", "frontier.png", "soak.png", SOAK_CSV_NAME)


def claim(folder: Path, *, force: bool) -> None:
    """Make the folder of a report, before minutes of measuring.

    Raises:
        BenchmarkError: there is something in it already, and nobody said that it may go.
        OutputError: it cannot be written to.
    """
    if folder.is_dir() and any(folder.iterdir()) and not force:
        raise BenchmarkError(
            f"{folder} is not empty; choose another --report, or give --force to overwrite it"
        )
    make_folder(folder)


def save(result: Result, folder: Path) -> str:
    """Write all files of a report, or none; return in a line what was written, and why no plots were.

    Raises:
        OutputError: they cannot be written.
    """
    make_folder(folder)
    plots = draw(result)
    files = {
        **plots.day,
        **({} if result.soak is None else {SOAK_CSV_NAME: soak_csv(result.soak).encode()}),
        CSV_NAME: to_csv(result).encode(errors="backslashreplace"),
        MARKDOWN_NAME: to_markdown(result).encode(errors="backslashreplace"),
        PAGE_NAME: render(result, plots).encode(errors="backslashreplace"),
        JSON_NAME: json_bytes(to_json(result)),
    }
    write_all({folder / name: data for name, data in files.items()})
    _drop(folder, set(_NOT_ALWAYS) - files.keys())
    said = f"saved in {folder}: {', '.join(reversed(files))}"
    return said if plots.missing is None else f"{said}\n{plots.missing}"


def draw(result: Result) -> Plots:
    """Return a result's plots, or what to install to have them."""
    try:
        with extra_needed("benchmarks", "no plots: drawing them"):
            from hangtag_benchmarks.reports.plot_theme import DAY, NIGHT
            from hangtag_benchmarks.reports.plots import plots
    except MissingExtra as error:
        return Plots({}, {}, str(error))
    return Plots(plots(result, DAY), plots(result, NIGHT))


def _drop(folder: Path, names: set[str]) -> None:
    """Remove what an earlier report had and this one has not: it would pass for a part of this one."""
    try:
        for name in names:
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot tidy up {folder}: {error.strerror or error}") from None
