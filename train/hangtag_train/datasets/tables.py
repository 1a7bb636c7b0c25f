"""Tables as a source: CSV files of pixels, CSV or JSON lines of images and labels."""

from __future__ import annotations

from pathlib import Path

from hangtag.progress import Progress
from hangtag_train.datasets.image_table import image_table_source
from hangtag_train.datasets.names import read_label_names
from hangtag_train.datasets.pixel_table import pixel_columns, pixel_table_source
from hangtag_train.datasets.source import Source, SourceOptions

_CSV = frozenset({".csv"})
_JSON_LINES = frozenset({".jsonl", ".ndjson"})


def is_table(path: Path) -> bool:
    """True when the file's name ends as a table's does."""
    return path.suffix.lower() in _CSV | _JSON_LINES


def find_table(folder: Path) -> Path | None:
    """Return a folder's only table, or the training one of a pair; None where there is none or several."""
    tables = sorted(path for path in folder.iterdir() if is_table(path) and not path.name.startswith("."))
    training = [path for path in tables if table_of_tests(path) is not None]
    alone = training or tables
    return alone[0] if len(alone) == 1 else None


def table_of_tests(path: Path) -> Path | None:
    """Return the table of test pictures beside one of training: ``x_test.csv`` beside ``x_train.csv``."""
    before, found, after = path.name.rpartition("train")
    other = path.with_name(f"{before}test{after}")
    return other if found and other.is_file() else None


def table_source(path: Path, options: SourceOptions, progress: Progress) -> Source:
    """Return a table as a source; a table of test pictures beside one of training is its test split.

    Raises:
        DatasetError: it cannot be read; the message names the file and, where it is a line's fault, the line.
    """
    names = read_label_names(options.labels_file) if options.labels_file is not None else None
    test = table_of_tests(path)
    files: dict[str | None, Path] = {None: path} if test is None else {"train": path, "test": test}
    if test is not None:
        progress.say(f"{path.name}: test pictures from {test.name}")
    if path.suffix.lower() in _CSV and options.image_column is None and pixel_columns(path, options):
        return pixel_table_source(files, options, names, progress)
    return image_table_source(files, options, names, progress)
