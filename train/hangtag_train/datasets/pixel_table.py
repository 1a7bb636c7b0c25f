"""CSV files with a picture a row, one column a pixel: the layout of Sign Language MNIST."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hangtag.errors import DatasetError, shortened
from hangtag.progress import Progress
from hangtag_train.datasets.arrays import png_bytes
from hangtag_train.datasets.names import label_name
from hangtag_train.datasets.rows import csv_lines
from hangtag_train.datasets.source import Sample, Source, SourceOptions, file_sha256

_FEWEST_PIXELS = 4
_MAX_SIDE_PX = 2048


@dataclass(frozen=True, slots=True)
class PixelColumns:
    """Where a row's label stands, and the shape of the picture that the other cells are, row by row.

    ``shape`` is (side, side) grey, or (side, side, 3) with red, green and blue of one pixel side by side.
    """

    label: int
    shape: tuple[int, ...]
    has_header: bool


def pixel_columns(path: Path, options: SourceOptions) -> PixelColumns | None:
    """Look at a CSV file's first line; None when it is not a label and a square picture's pixels.

    Raises:
        DatasetError: it cannot be read.
    """
    _, cells = next(csv_lines(path), (0, []))
    names = [cell.strip() for cell in cells]
    if len(names) - 1 < _FEWEST_PIXELS:
        return None
    # Numbers that are not whole are no names of columns: they are refused when the line is read.
    has_header = not all(re.fullmatch(r"[+-]?[0-9]+(\.[0-9]*)?", name) for name in names)
    label = _label_place(names, options.label_column) if has_header else 0
    if label is None or (options.label_column is not None and not has_header):
        return None
    shape = _square(len(names) - 1)
    if shape is None:
        raise DatasetError(
            f"{path} has a label and {len(names) - 1} columns of pixels, which make no square picture; "
            "wanted a square number of them, or three times one"
        )
    return PixelColumns(label, shape, has_header)


def _label_place(names: Sequence[str], wanted: str | None) -> int | None:
    """Return the one column that is not numbered as pixels are (``pixel1``, ``1x1``), else None."""
    found = [place for place, name in enumerate(names) if not name[-1:].isdigit()]
    if wanted is not None and wanted in names:
        place = names.index(wanted)
        return place if set(found) <= {place} else None
    return found[0] if wanted is None and len(found) == 1 else None


def pixel_table_source(
    files: Mapping[str | None, Path],
    options: SourceOptions,
    label_names: Sequence[str] | None,
    progress: Progress,
) -> Source:
    """Return tables of pixels, by split, as a source of PNG files named after file and line.

    Raises (when read):
        DatasetError: naming file and line: a label that is missing or no whole number, a pixel outside
            0 to 255, a wrong number of cells.
    """
    del progress
    digests = {path.name: file_sha256(path) for path in files.values()}

    def samples() -> list[Sample]:
        return [
            sample for split, path in files.items() for sample in _samples(path, split, options, label_names)
        ]

    first = next(iter(files.values()))
    key = repr((sorted(digests.items()), options.label_column, label_names))
    return Source(
        name=first.stem,
        fingerprint=hashlib.sha256(key.encode()).hexdigest(),
        samples=samples,
        record={"kind": "pixel table", "path": str(first.resolve()), "sha256": digests},
    )


def _samples(
    path: Path, split: str | None, options: SourceOptions, label_names: Sequence[str] | None
) -> Iterator[Sample]:
    columns = pixel_columns(path, options)
    if columns is None:
        raise DatasetError(f"{path} is not laid out as its training table: wanted a label and as many pixels")
    lines = csv_lines(path)
    if columns.has_header:
        next(lines)
    for line, cells in lines:
        where = f"{path} line {line}"
        label, pixels = _parsed(cells, columns, where)
        png = png_bytes(np.frombuffer(pixels, np.uint8).reshape(columns.shape))
        yield Sample(
            label=label_name(label, label_names, where),
            name=f"{path.stem}-line-{line:06}.png",
            digest=hashlib.sha256(png).hexdigest(),
            content=png,
            split=split,
        )


def _parsed(cells: list[str], columns: PixelColumns, where: str) -> tuple[int, bytes]:
    """Return a row's label and pixels."""
    wanted = 1 + math.prod(columns.shape)
    if len(cells) != wanted:
        raise DatasetError(f"{where}: has {len(cells)} cells; wanted a label and {wanted - 1} pixels")
    label = cells[columns.label].strip()
    if not _is_whole_number(label) or len(label) > 9:
        got = f"got {shortened(label)}" if label else "it is missing"
        raise DatasetError(f"{where}: the label must be a whole number, {got}")
    pixels = cells[: columns.label] + cells[columns.label + 1 :]
    try:
        # One test for all cells: int() would let "1_0" and "٣" pass.
        if _is_whole_number("".join(pixels)) and all(pixels):
            return int(label), bytes(map(int, pixels))
    except ValueError:
        pass
    return int(label), bytes(_pixel(cell, number, where) for number, cell in enumerate(pixels, 1))


def _pixel(cell: str, number: int, where: str) -> int:
    text = cell.strip()
    if not _is_whole_number(text) or len(text) > 9 or int(text) > 255:
        raise DatasetError(
            f"{where}: pixel {number} must be a whole number from 0 to 255, got {shortened(cell)}"
        )
    return int(text)


def _is_whole_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _square(pixels: int) -> tuple[int, ...] | None:
    """Return the shape of a square picture of so many values, grey or in three colours."""
    for channels, end in ((1, ()), (3, (3,))):
        side = math.isqrt(max(pixels // channels, 0))
        if 0 < side <= _MAX_SIDE_PX and side * side * channels == pixels:
            return (side, side, *end)
    return None
