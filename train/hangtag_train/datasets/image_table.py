"""CSV and JSON lines files with a row a picture: its path or base64, its label, perhaps its split."""

from __future__ import annotations

import base64
import binascii
import hashlib
import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from hangtag.errors import DatasetError, PhotoError, shortened
from hangtag.image_header import read_header
from hangtag.photos import decode_photo
from hangtag.progress import Progress
from hangtag_train.datasets.folders import listing_digest
from hangtag_train.datasets.names import label_name
from hangtag_train.datasets.rows import Row, table_rows
from hangtag_train.datasets.screening import check_usable
from hangtag_train.datasets.source import (
    SPLIT_NAMES,
    Sample,
    Source,
    SourceOptions,
    file_sha256,
    label_folder_name,
)

_PATH_COLUMNS = (
    "image",
    "path",
    "file",
    "filename",
    "file_name",
    "image_path",
    "filepath",
    "photo",
    "picture",
)
_BASE64_COLUMNS = ("image_base64", "base64", "image_b64", "b64", "data")
_LABEL_COLUMNS = ("label", "class", "target", "category", "y")
_SPLIT_COLUMNS = ("split", "set", "subset")
_ROWS_LOOKED_AT = 20
"""To find out what the pictures' column holds."""


@dataclass(frozen=True, slots=True)
class _Columns:
    """What the columns of a table are called."""

    image: str
    label: str
    split: str | None
    is_base64: bool


@dataclass(frozen=True, slots=True)
class _Listing:
    """What tables list: pictures, and those that cannot be read, ``photos.csv line 7`` -> reason."""

    samples: list[Sample] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        digest = listing_digest(self.samples)
        if not self.skipped:
            return digest
        return hashlib.sha256(repr((digest, self.skipped)).encode(errors="surrogateescape")).hexdigest()


def image_table_source(
    files: Mapping[str | None, Path],
    options: SourceOptions,
    label_names: Sequence[str] | None,
    progress: Progress,
) -> Source:
    """List tables of pictures, by split. Paths count from the table's folder and must stay inside it.

    A picture that cannot be read is left out, and named in the source's ``skipped``.

    Raises:
        DatasetError: a label or split that is missing or none, base64 that does not decode, a path that leads
            elsewhere, by file and line; or too many pictures cannot be read.
    """
    listing = _Listing()
    for split, path in files.items():
        progress.say(f"reading {path}")
        _list_table(path, split, options, label_names, listing)
    first = next(iter(files.values()))
    if not listing.samples:
        raise DatasetError(f"{first} holds no picture")
    return Source(
        name=first.stem,
        fingerprint=listing.fingerprint,
        samples=lambda: listing.samples,
        record={
            "kind": "table of images",
            "path": str(first.resolve()),
            "sha256": {path.name: file_sha256(path) for path in files.values()},
        },
        linked=True,
        skipped=listing.skipped,
    )


def _list_table(
    path: Path,
    split: str | None,
    options: SourceOptions,
    label_names: Sequence[str] | None,
    listing: _Listing,
) -> None:
    """Add what a table lists.

    Raises:
        DatasetError: see :func:`image_table_source`.
    """
    folder = path.parent.resolve()
    rows = table_rows(path)
    first = list(itertools.islice(rows, _ROWS_LOOKED_AT))
    if not first:
        return
    columns = _columns(first, options, has_split=split is None)
    tallies: dict[str | None, _Tally] = defaultdict(_Tally)
    for row in itertools.chain(first, rows):
        label = _label(row, columns.label, label_names)
        of = split if columns.split is None else _split(row, columns.split)
        tallies[of].labels.append(label)
        try:
            sample = _sample(row, columns, folder, label, of)
        except PhotoError as error:
            place = f"{path.name} line {row.line}"
            listing.skipped[place] = str(error)
            tallies[of].reasons.append(f"{place}: {error}")
        else:
            listing.samples.append(sample)
            tallies[of].usable.append(label)
    for of, tally in tallies.items():
        check_usable(f"{path} {of or ''}".strip(), tally.labels, tally.usable, tally.reasons)


@dataclass(frozen=True, slots=True)
class _Tally:
    """One split of a table: the label of every row and of every usable one, and a line for the others."""

    labels: list[str] = field(default_factory=list)
    usable: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)


def _sample(row: Row, columns: _Columns, folder: Path, label: str, split: str | None) -> Sample:
    """Read a row's picture.

    Raises:
        PhotoError: it is missing, damaged or none.
        DatasetError: the cell is not what it should be.
    """
    text = row.cells.get(columns.image, "").strip()
    if not text:
        raise DatasetError(f"{row.where}: the picture is missing (column {columns.image!r})")
    content: Path | bytes
    if columns.is_base64:
        content = data = _decoded_base64(text, row.where)
        name, called = f"line-{row.line:06}", "the picture"
    else:
        content, data = _read_inside(folder, text, row.where)
        name, called = f"line-{row.line:06}-{content.stem[:80]}", shortened(text)
    return Sample(
        label=label,
        name=name + _suffix(data, called),
        digest=hashlib.sha256(data).hexdigest(),
        content=content,
        split=split,
    )


def _columns(rows: Sequence[Row], options: SourceOptions, *, has_split: bool) -> _Columns:
    """Decide by the first rows which columns are meant and what the pictures' column holds."""
    row = rows[0]
    image = _column(row, options.image_column, (*_PATH_COLUMNS, *_BASE64_COLUMNS), "the pictures", "image")
    label = _column(row, options.label_column, _LABEL_COLUMNS, "the labels", "label")
    split = next((name for name in row.cells if name.lower() in _SPLIT_COLUMNS), None) if has_split else None
    named_so = "base64" in image.lower() or "b64" in image.lower()
    # The first picture of all may be a bad one.
    is_base64 = named_so or any(_looks_like_base64(row.cells.get(image, "")) for row in rows)
    return _Columns(image, label, split, is_base64)


def _column(row: Row, wanted: str | None, known: Sequence[str], what: str, option: str) -> str:
    there = ", ".join(row.cells) if len(row.cells) <= 12 else f"{len(row.cells)} columns"
    if wanted is not None:
        if wanted not in row.cells:
            raise DatasetError(f"{row.file} has no column {wanted!r} for {what}; it has {there}")
        return wanted
    found = [name for name in row.cells if name.lower() in known]
    if len(found) == 1:
        return found[0]
    reason = f"several columns that may hold {what}: {', '.join(found)}" if found else f"no column for {what}"
    raise DatasetError(
        f"{row.file} has {reason} (it has {there}); name it with --{option}-column, or call it {known[0]!r}"
    )


def _looks_like_base64(cell: str) -> bool:
    """True for a data address, and for base64 of a known image format."""
    text = cell.strip()
    if text.startswith("data:image/"):
        return True
    try:
        return read_header(base64.b64decode(text[:128], validate=True)) is not None
    except (binascii.Error, ValueError):
        return False


def _label(row: Row, column: str, label_names: Sequence[str] | None) -> str:
    text = row.cells.get(column, "").strip()
    if label_names is None or not text:
        return label_folder_name(text, row.where)
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise DatasetError(
            f"{row.where}: the label must be a whole number where names are given, got {shortened(text)}"
        )
    return label_name(int(text), label_names, row.where)


def _split(row: Row, column: str) -> str:
    text = row.cells.get(column, "").strip()
    if text.lower() not in SPLIT_NAMES:
        got = f"got {shortened(text)}" if text else "it is missing"
        raise DatasetError(f"{row.where}: the split must be train, validation or test, {got}")
    return SPLIT_NAMES[text.lower()]


def _decoded_base64(text: str, where: str) -> bytes:
    if text.startswith("data:"):
        head, comma, text = text.partition(",")
        if not comma or not head.endswith(";base64"):
            raise DatasetError(f"{where}: the data address is not in base64: {shortened(head)}")
    try:
        # Long lines are often folded; everything else that is not base64 is a mistake.
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise DatasetError(f"{where}: the picture's base64 does not decode: {error}") from None


def _read_inside(folder: Path, text: str, where: str) -> tuple[Path, bytes]:
    """Return a picture's file and content; links are followed before it is asked whether it lies inside.

    Raises:
        DatasetError: the path leads elsewhere.
        PhotoError: there is no such file, or it cannot be read.
    """
    if PurePosixPath(text).is_absolute() or "\0" in text:
        raise DatasetError(f"{where}: the path {shortened(text)} must be relative to the table's folder")
    try:
        path = (folder / text).resolve()
        if not path.is_relative_to(folder):
            raise DatasetError(f"{where}: the path {shortened(text)} leads out of the table's folder")
        return path, path.read_bytes()
    except (OSError, RuntimeError) as error:  # a loop of links is a RuntimeError in older Pythons
        reason = getattr(error, "strerror", None) or error
        raise PhotoError(f"cannot read {shortened(text)}: {reason}") from None


def _suffix(data: bytes, name: str) -> str:
    """Return the file name ending that tells the truth about a picture, after decoding it once.

    Raises:
        PhotoError: it cannot be decoded.
    """
    decode_photo(data, name)
    header = read_header(data)
    kind = "" if header is None else header.format.lower()  # what was decoded has one
    return f".{kind}".replace(".jpeg", ".jpg").replace(".tiff", ".tif")
