"""Folders of labelled photos: ``DATA/{train,validation,test}/LABEL/photo.jpg``.

Only the layout is looked at here; whether a photo can be read is found out by reading it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hangtag.errors import DatasetError
from hangtag.photos import IMAGE_SUFFIXES

SPLITS = ("train", "validation", "test")
"""The folders of a data set: to learn from, to choose on, to report once."""


@dataclass(frozen=True, slots=True)
class LabelledPhoto:
    """A photo's file and the index of its label."""

    path: Path
    label: int


@dataclass(frozen=True, slots=True)
class LabelledFolder:
    """One split: its labels in sorted order, its photos sorted by label and name."""

    path: Path
    labels: tuple[str, ...]
    photos: tuple[LabelledPhoto, ...]

    @property
    def targets(self) -> tuple[int, ...]:
        """The label index of each photo."""
        return tuple(photo.label for photo in self.photos)


def read_split(dataset: Path, split: str, labels: Sequence[str] | None = None) -> LabelledFolder:
    """List one split of a data set.

    Args:
        dataset: the folder that holds ``train``, ``validation`` and ``test``.
        split: which of them.
        labels: the labels and their order, where a model or the training split has fixed them; else the
            sorted names of the folders. A label without a folder is then fine outside ``train``.

    Raises:
        DatasetError: the folder is missing or laid out otherwise, a class has no photo, or a folder's name
            is not one of ``labels``.
    """
    try:
        return _read_split(dataset, split, labels)
    except OSError as error:
        raise DatasetError(f"cannot look into {dataset / split}: {error.strerror or error}") from None


def _read_split(dataset: Path, split: str, labels: Sequence[str] | None) -> LabelledFolder:
    folder = dataset / split
    if not folder.is_dir():
        raise DatasetError(_layout_message(dataset, split))
    found = tuple(sorted(child.name for child in folder.iterdir() if is_label_folder(child)))
    if not found:
        raise DatasetError(f"{folder} holds no label folders; wanted {folder}/LABEL/photo.jpg")
    order = found if labels is None else tuple(labels)
    strangers = sorted(set(found) - set(order))
    if strangers:
        raise DatasetError(
            f"{folder} has folders that are not labels of the model: {_listing(strangers)}; "
            f"the labels are {_listing(order)}"
        )
    photos: list[LabelledPhoto] = []
    for index, label in enumerate(order):
        files = label_photos(folder / label) if label in found else []
        if label in found and not files:
            raise DatasetError(f"{folder / label} holds no image; add photos of {label!r} or remove it")
        photos.extend(LabelledPhoto(path, index) for path in files)
    return LabelledFolder(folder, order, tuple(photos))


def dataset_digest(dataset: Path, labels: Sequence[str]) -> str:
    """Return :func:`digest` of all splits that a data set has.

    Raises:
        DatasetError: it is laid out otherwise, or cannot be read.
    """
    there = [split for split in SPLITS if (dataset / split).is_dir()]
    return digest(read_split(dataset, split, labels) for split in there)


def content_digests(folder: LabelledFolder) -> tuple[str, ...]:
    """Return the SHA-256 of each photo's file, in the folder's order.

    Raises:
        DatasetError: a file cannot be read.
    """
    return tuple(hashlib.sha256(_content(photo.path)).hexdigest() for photo in folder.photos)


def digest(folders: Iterable[LabelledFolder], contents: Iterable[Sequence[str]] | None = None) -> str:
    """Return a SHA-256 over every photo's split, label, name and content, independent of where they lie.

    Args:
        folders: the splits.
        contents: their :func:`content_digests`, where the caller has them already.

    Raises:
        DatasetError: a file cannot be read.
    """
    total = hashlib.sha256()
    splits = tuple(folders)
    known = tuple(contents) if contents is not None else tuple(content_digests(split) for split in splits)
    for folder, contents_of in zip(splits, known, strict=True):
        for photo, content in zip(folder.photos, contents_of, strict=True):
            line = f"{folder.path.name}/{folder.labels[photo.label]}/{photo.path.name} {content}\n"
            # File names are bytes to the system: those that are not UTF-8 come as surrogates.
            total.update(line.encode(errors="surrogateescape"))
    return total.hexdigest()


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror or error}") from None


def is_label_folder(path: Path) -> bool:
    """True for a folder whose name is a label: hidden ones are not."""
    return path.is_dir() and not path.name.startswith(".")


def label_photos(folder: Path) -> list[Path]:
    """Return a label folder's image files, sorted; hidden ones and folders in it are passed over.

    Raises:
        OSError: the folder cannot be looked into.
    """
    return sorted(
        file
        for file in folder.iterdir()
        # Hidden ones are not photos: macOS leaves ._photo.jpg beside photo.jpg in archives.
        if file.suffix.lower() in IMAGE_SUFFIXES and not file.name.startswith(".") and file.is_file()
    )


def _layout_message(dataset: Path, split: str) -> str:
    wanted = f"wanted {dataset}/{split}/LABEL/photo.jpg"
    if not dataset.is_dir():
        return f"there is no folder {dataset}; {wanted}"
    given, dataset = dataset, dataset.absolute()  # "." has a telling name too
    if dataset.name in SPLITS and any((dataset.parent / name).is_dir() for name in SPLITS):
        return f"{given} is one split of a data set; give the folder above it: {dataset.parent}"
    if dataset.parent.name in SPLITS:
        return f"{given} is one label of a data set; give the folder two above it: {dataset.parent.parent}"
    inside = sorted(child.name for child in dataset.iterdir() if child.is_dir())
    for child in inside:
        if (dataset / child / split).is_dir():
            return f"{given} has no {split} folder, but {given / child} has; give that folder"
    listing = _listing(inside, 5) if inside else "no folders"
    return f"{given} has no folder {split!r} (it holds {listing}); {wanted}"


def _listing(names: Sequence[str], most: int = 20) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
