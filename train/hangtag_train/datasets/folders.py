"""Folders of photos as a source: split already, split in part, or one folder per label and nothing else."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from hangtag.errors import DatasetError
from hangtag.labelled_folder import is_label_folder, label_photos
from hangtag.progress import Progress
from hangtag_train.datasets.source import SPLIT_NAMES, Sample, Source, file_sha256, label_folder_name


def is_normal_form(folder: Path) -> bool:
    """True when a folder has ``train`` and ``validation`` and can be used as it is."""
    return all(_is_split(folder / split) for split in ("train", "validation"))


def is_labelled(folder: Path) -> bool:
    """True when a folder holds splits, or at least two label folders."""
    return bool(_splits(folder)) or sum(_has_photo(child) for child in _folders(folder)) >= 2


def folder_source(folder: Path, name: str, record: dict[str, object], progress: Progress) -> Source:
    """List a folder of label folders, or one whose splits are named otherwise or lack validation.

    Raises:
        DatasetError: two folders are the same split, a label has no photo, or a file cannot be read.
    """
    splits = _splits(folder)
    roots = splits or {None: folder}
    files = [
        (split, label.name, photo)
        for split, root in roots.items()
        for label in _label_folders(root)
        for photo in _photos(label)
    ]
    if not files:
        raise DatasetError(f"{folder} holds no label folders; wanted {folder}/LABEL/photo.jpg")
    samples = []
    with progress.bar("reading photos", len(files)) as advance:
        for split, label, photo in files:
            place = label_folder_name(label, str(photo.parent))
            samples.append(Sample(place, photo.name, file_sha256(photo), photo, split))
            advance()
    return Source(
        name=name, fingerprint=listing_digest(samples), samples=lambda: samples, record=record, linked=True
    )


def listing_digest(samples: Iterable[Sample]) -> str:
    """Return a SHA-256 over every sample's split, label, name and content."""
    total = hashlib.sha256()
    for line in sorted(f"{item.split}\0{item.label}\0{item.name}\0{item.digest}" for item in samples):
        total.update(line.encode(errors="surrogateescape") + b"\n")
    return total.hexdigest()


def _splits(folder: Path) -> dict[str | None, Path]:
    found = [child for child in _folders(folder) if _is_split(child)]
    names = [SPLIT_NAMES[child.name.lower()] for child in found]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        both = ", ".join(child.name for child in found if SPLIT_NAMES[child.name.lower()] == twice[0])
        raise DatasetError(f"{folder} has more than one folder for {twice[0]}: {both}; keep one")
    return dict(zip(names, found, strict=True))


def _is_split(folder: Path) -> bool:
    """True for a folder with a split's name; with photos directly in it, it is a label that is called so."""
    return folder.is_dir() and folder.name.lower() in SPLIT_NAMES and not _has_photo(folder)


def _has_photo(folder: Path) -> bool:
    try:
        return bool(label_photos(folder))
    except OSError:
        return False


def _label_folders(root: Path) -> list[Path]:
    return [child for child in _folders(root) if is_label_folder(child)]


def _photos(label: Path) -> list[Path]:
    try:
        photos = label_photos(label)
    except OSError as error:
        raise DatasetError(f"cannot look into {label}: {error.strerror or error}") from None
    if not photos:
        raise DatasetError(f"{label} holds no image; add photos of {label.name!r} or remove it")
    return photos


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(child for child in folder.iterdir() if child.is_dir())
    except OSError:
        return []
