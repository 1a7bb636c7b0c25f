"""Names for labels that a source gives as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hangtag.errors import DatasetError
from hangtag_train.datasets.source import label_folder_name

_MAX_BYTES = 1 << 20


def read_label_names(path: Path) -> tuple[str, ...]:
    """Return the names in a text file, one a line: the first belongs to label 0.

    Raises:
        DatasetError: it cannot be read, is not UTF-8, or holds a name that cannot be one or stands twice.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
        lines = data.decode("utf-8-sig").rstrip().splitlines()
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is not UTF-8 text ({error}); wanted one label a line") from None
    if len(data) > _MAX_BYTES or not lines:
        raise DatasetError(f"{path} must hold one label a line and at most {_MAX_BYTES // 1024} kB")
    names = tuple(label_folder_name(line, f"{path} line {number}") for number, line in enumerate(lines, 1))
    for number, name in enumerate(names):
        if name in names[:number]:
            raise DatasetError(f"{path} line {number + 1}: the label {name!r} stands there twice")
    return names


def label_name(number: int, names: Sequence[str] | None, where: str) -> str:
    """Return the name of a label's number: the number itself where there are no names.

    Raises:
        DatasetError: it is negative or has no name; the message begins with ``where``.
    """
    if names is None and number >= 0:
        return str(number)
    if names is None or not 0 <= number < len(names):
        there = "labels count from 0" if names is None else f"there are names for 0 to {len(names) - 1}"
        raise DatasetError(f"{where}: the label {number} has no name; {there}")
    return names[number]
