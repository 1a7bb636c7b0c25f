"""The files of a report folder."""

from __future__ import annotations

from pathlib import Path

from hangtag.errors import BenchmarkError
from hangtag.files import json_bytes, make_folder, write_all
from hangtag_benchmarks.records import Result
from hangtag_benchmarks.report import to_markdown
from hangtag_benchmarks.result_json import to_json

JSON_NAME, MARKDOWN_NAME = "benchmark.json", "benchmark.md"


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


def save(result: Result, folder: Path) -> None:
    """Write all files of a report, or none.

    Raises:
        OutputError: they cannot be written.
    """
    make_folder(folder)
    write_all(
        {
            folder / JSON_NAME: json_bytes(to_json(result)),
            folder / MARKDOWN_NAME: to_markdown(result).encode(),
        }
    )
