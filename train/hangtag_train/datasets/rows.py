"""The rows of CSV and JSON lines files, each with the line that errors name."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hangtag.errors import DatasetError, shortened

MAX_FIELD_CHARACTERS = 1 << 28
"""A picture in base64 must fit; the csv module's own limit of 128 kB is too small for photos."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: column names to text, and where it stands (``photos.csv line 7``)."""

    cells: Mapping[str, str]
    file: Path
    line: int

    @property
    def where(self) -> str:
        """How messages call it."""
        return f"{self.file} line {self.line}"


def csv_lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield every row of a CSV file that is not blank, with the number of its last line.

    Raises:
        DatasetError: it cannot be read, is not UTF-8, not CSV or has other separators than commas.
    """
    csv.field_size_limit(MAX_FIELD_CHARACTERS)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True, skipinitialspace=True)
            try:
                for cells in reader:
                    if cells:
                        _refuse_other_separators(path, reader.line_num, cells)
                        yield reader.line_num, cells
            except csv.Error as error:
                raise DatasetError(f"{path} line {reader.line_num}: not CSV: {error}") from None
            except UnicodeDecodeError as error:
                raise DatasetError(
                    f"{path} after line {reader.line_num}: not UTF-8 text ({error.reason}); save it as UTF-8"
                ) from None
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror or error}") from None


def _refuse_other_separators(path: Path, line: int, cells: list[str]) -> None:
    """Spreadsheets in Spanish or German write semicolons: one cell then holds the whole row."""
    for separator, name in ((";", "semicolons"), ("\t", "tabs")):
        if len(cells) == 1 and separator in cells[0]:
            raise DatasetError(
                f"{path} line {line}: the columns are separated by {name}, wanted commas; "
                "save it as comma-separated CSV"
            )


def table_rows(path: Path) -> Iterator[Row]:
    """Yield the rows of a CSV file with a header, or of a JSON lines file.

    Raises:
        DatasetError: it cannot be read; the message names the line.
    """
    yield from _csv_rows(path) if path.suffix.lower() == ".csv" else _json_rows(path)


def _csv_rows(path: Path) -> Iterator[Row]:
    lines = csv_lines(path)
    _, header = next(lines, (0, []))
    names = [name.strip() for name in header]
    twice = [name for number, name in enumerate(names) if name in names[:number]]
    if twice:
        raise DatasetError(f"{path} line 1: the column {twice[0]!r} stands there twice")
    for line, cells in lines:
        if len(cells) != len(names):
            raise DatasetError(f"{path} line {line}: has {len(cells)} cells, the header {len(names)}")
        yield Row(dict(zip(names, cells, strict=True)), path, line)


def _json_rows(path: Path) -> Iterator[Row]:
    try:
        with path.open("rb") as file:
            for line, data in enumerate(file, 1):
                if data.strip():
                    yield Row(_cells(data, f"{path} line {line}"), path, line)
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror or error}") from None


def _cells(data: bytes, where: str) -> dict[str, str]:
    try:
        value = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{where}: not JSON: {error}") from None
    if not isinstance(value, dict):
        raise DatasetError(f"{where}: wanted an object with a picture and a label, got {shortened(value)}")
    return {name: _text(cell) for name, cell in value.items() if cell is not None}


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
