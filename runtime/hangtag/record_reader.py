"""Reads records, which may come from strangers: whatever is wrong with one is a line, not a surprise.

Nothing outside the record's folders is opened: names have one form, and links are not followed. Sizes are
looked at before anything is read.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from hangtag.errors import PhotoError, SourceError, shortened
from hangtag.photos import MAX_PIXELS, read_photo
from hangtag.preprocess import Image
from hangtag.record_header import HEADER_NAME, LINES_NAME, SEGMENT, Header, RecordedModel
from hangtag.record_lines import KeptFrame, KeptOutage

_MOST_HEADER_BYTES = 8_000_000
_MOST_LINE_BYTES = 4_000_000
_MOST_PICTURE_BYTES = 4 * MAX_PIXELS


@dataclass(frozen=True, slots=True)
class Torn:
    """A line that a killed program, or a full disk, left unfinished."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record whose segments lie side by side.

    Args:
        name: when it began, as in its segments' names.
        header: how its frames were made.
        segments: its folders, the oldest first.
    """

    name: str
    header: Header
    segments: tuple[Path, ...]

    def lines(self) -> Iterator[tuple[Path, KeptFrame | KeptOutage | Torn]]:
        """Yield what was kept, in order, each with the folder that it lies in.

        Raises:
            SourceError: a line cannot be what it says.
        """
        for folder in self.segments:
            for line in _lines(folder / LINES_NAME, self.header.model):
                yield folder, line


def find_records(folder: Path) -> list[Record]:
    """Return the records in a folder, or the part of one that a segment's folder holds; the oldest first.

    Raises:
        SourceError: there is none, or one cannot be read.
    """
    if (folder / HEADER_NAME).exists():
        found = SEGMENT.fullmatch(folder.absolute().name)
        return [Record(found["record"] if found else "record", _header(folder), (folder,))]
    segments: dict[str, list[Path]] = {}
    for segment in _segments(folder):
        segments.setdefault(segment.name.rpartition("-")[0].removeprefix("record-"), []).append(segment)
    if not segments:
        raise SourceError(
            f"{folder} holds no record; wanted a folder that hangtag camera --record wrote, "
            "or one of the folders in it"
        )
    return [_record(name, folders) for name, folders in segments.items()]


def picture(folder: Path, kept: KeptFrame) -> Image:
    """Return a kept frame: uint8, shape (height, width, 3), BGR.

    Raises:
        PhotoError: it is missing, damaged or too large.
    """
    path = folder / kept.file
    try:
        _check_file(path, _MOST_PICTURE_BYTES)
    except SourceError as error:
        raise PhotoError(str(error)) from None
    return read_photo(path)


def _segments(folder: Path) -> list[Path]:
    """Return the folders of segments that were begun, in order."""
    try:
        with os.scandir(folder) as entries:
            names = [
                entry.name
                for entry in entries
                if SEGMENT.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
            ]
    except OSError as error:
        raise SourceError(f"cannot look into {folder}: {error.strerror or error}") from None
    # One that was killed as it began a segment has left it empty.
    return [folder / name for name in sorted(names) if (folder / name / LINES_NAME).exists()]


def _record(name: str, folders: list[Path]) -> Record:
    header = _header(folders[0])
    for folder in folders[1:]:
        if _header(folder) != header:
            raise SourceError(
                f"{folder} does not belong to {folders[0]}: their {HEADER_NAME} differ; replay each by itself"
            )
    return Record(name, header, tuple(folders))


def _header(folder: Path) -> Header:
    path = folder / HEADER_NAME
    _check_file(path, _MOST_HEADER_BYTES)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror or error}") from None
    try:
        return Header.from_json(_parsed(data, "the record"))
    except SourceError as error:
        raise SourceError(f"{path}: {error}") from None


def _lines(path: Path, model: RecordedModel) -> Iterator[KeptFrame | KeptOutage | Torn]:
    _check_file(path, None)
    try:
        with path.open("rb") as file:
            number = 0
            while data := file.readline(_MOST_LINE_BYTES):
                number += 1
                where = f"{path}, line {number}"
                if data.endswith(b"\n"):
                    yield _line(data, where, model)
                elif len(data) < _MOST_LINE_BYTES:
                    yield Torn()
                else:
                    raise SourceError(f"{where} is longer than {_MOST_LINE_BYTES:,} bytes: no frame's is")
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror or error}") from None


def _line(data: bytes, where: str, model: RecordedModel) -> KeptFrame | KeptOutage:
    plain = _parsed(data, where)
    if isinstance(plain, dict) and plain.get("stale") is True:
        return KeptOutage.from_json(plain, where)
    return KeptFrame.from_json(plain, where, model)


def _parsed(data: bytes, where: str) -> Any:
    try:
        return json.loads(data, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{where} is not valid JSON: {' '.join(str(error).split())}") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{shortened(constant)} is no number")


def _check_file(path: Path, most_bytes: int | None) -> None:
    """Raise unless there is a plain file, no link, of a sensible size."""
    try:
        found = path.lstat()
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror or error}") from None
    if not stat.S_ISREG(found.st_mode):
        raise SourceError(f"{path} is not a plain file; a record holds no links and no devices")
    if most_bytes is not None and found.st_size > most_bytes:
        raise SourceError(f"{path} has {found.st_size:,} bytes; at most {most_bytes:,} are read")
