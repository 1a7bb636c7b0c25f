"""What sources of photos have in common: how they are asked for, what they list, what becomes of them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hangtag.errors import DatasetError

SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}
"""What data sets call their splits, in lower case, and what they are called here."""


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """How a source is read and split.

    ``validation_share`` and ``test_share`` are fractions of what is split; None takes the source's own
    (0.1 each; Fashion-MNIST and MNIST: 5,000 of the 60,000 for validation). They matter where the source
    does not bring the split itself. ``cache`` is where prepared data sets and downloads are kept, None for
    :func:`hangtag.cache.cache_folder`.
    """

    data_dir: Path | None = None
    validation_share: float | None = None
    test_share: float | None = None
    seed: int = 1
    cache: Path | None = None
    image_column: str | None = None
    label_column: str | None = None
    labels_file: Path | None = None

    def __post_init__(self) -> None:
        for name, share in (("validation_share", self.validation_share), ("test_share", self.test_share)):
            if share is not None and not 0 <= share < 1:
                raise ValueError(f"{name} must be from 0 up to but not including 1, got {share}")
        if self.validation_share == 0:
            raise ValueError("validation_share must be above 0: training is judged on validation")
        if (self.validation_share or 0.0) + (self.test_share or 0.0) >= 1:
            raise ValueError("validation_share and test_share together must leave photos to train on")

    def refuse_columns(self, what: str) -> None:
        """Raise unless everything that belongs to tables and numbered labels was left out.

        Raises:
            DatasetError: ``what`` has no use for an option that was given.
        """
        given = [name for name in ("image_column", "label_column", "labels_file") if getattr(self, name)]
        if given:
            raise DatasetError(f"{what} has no use for {given[0]}: leave it out")


@dataclass(frozen=True, slots=True)
class PreparedDataset:
    """A data set in normal form.

    ``path`` holds ``{train,validation[,test]}/LABEL/photo``; ``greyscale_size_wh`` is the width and height
    of every picture where all are grey and of one size, as in Fashion-MNIST, else None; ``source`` is what a
    record of a run should say about where it came from (JSON values); ``skipped`` is what the source lists
    and the folder lacks, because it cannot be read: place (``photos.csv line 7``) -> reason.
    """

    path: Path
    name: str
    source: Mapping[str, Any]
    greyscale_size_wh: tuple[int, int] | None = None
    skipped: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture of a source: its label, its future file name, its split where the source says so.

    ``content`` is the file that holds it or an image file's bytes; ``digest`` the SHA-256 of those bytes.
    """

    label: str
    name: str
    digest: str
    content: Path | bytes
    split: str | None = None


@dataclass(frozen=True, slots=True)
class Shares:
    """Fractions for validation and test; a ``test`` of 0 makes no test split."""

    validation: float
    test: float

    def chosen(self, options: SourceOptions) -> Shares:
        """Return these shares where the options leave them open.

        Raises:
            DatasetError: they leave nothing to train on.
        """
        validation = self.validation if options.validation_share is None else options.validation_share
        test = self.test if options.test_share is None else options.test_share
        if validation + test >= 1:
            raise DatasetError(
                f"shares of {validation} for validation and {test} for test leave nothing to train on"
            )
        return Shares(validation, test)


DEFAULT_SHARES = Shares(0.1, 0.1)


@dataclass(frozen=True, slots=True)
class Source:
    """A source that was found and identified, and not yet read.

    ``fingerprint`` changes when the content does; ``samples`` reads it; ``record`` is what is written down
    about it (JSON values); ``skipped`` is the pictures that it lists and that cannot be read, as in
    :class:`PreparedDataset`, and part of the fingerprint; ``linked`` is True where the samples are files that
    prepared folders link to (and listing them again costs nothing).
    """

    name: str
    fingerprint: str
    samples: Callable[[], Sequence[Sample]]
    record: Mapping[str, Any]
    shares: Shares = DEFAULT_SHARES
    linked: bool = False
    skipped: Mapping[str, str] = field(default_factory=dict)


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content in hexadecimal.

    Raises:
        DatasetError: it cannot be read.
    """
    total = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                total.update(chunk)
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror or error}") from None
    return total.hexdigest()


def label_folder_name(label: str, where: str) -> str:
    """Return a label as it may name a folder; ``where`` is what an error calls its place.

    Raises:
        DatasetError: it is empty or would not stay inside its folder.
    """
    name = label.strip()
    if not name:
        raise DatasetError(f"{where}: the label is missing")
    if len(name.encode(errors="surrogateescape")) > 200:
        raise DatasetError(f"{where}: the label {name[:40]!r}… is longer than a folder's name may be")
    if name.startswith(".") or re.search(r"[/\\\x00-\x1f\x7f]", name):
        raise DatasetError(
            f"{where}: the label {name!r} cannot name a folder; "
            "labels begin with no dot and hold no slash, backslash or control character"
        )
    return name
