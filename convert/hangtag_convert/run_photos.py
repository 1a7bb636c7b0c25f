"""The photos of a run, found again: to calibrate on and to measure on."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from hangtag.contract import ModelContract
from hangtag.errors import ConversionError, DatasetError
from hangtag.labelled_folder import LabelledFolder, LabelledPhoto, dataset_digest, read_split
from hangtag.photos import find_photos
from hangtag.progress import Progress
from hangtag.readable import keep_readable, say_skipped
from hangtag.run_seal import SealedRun
from hangtag_convert.source import Source

_PATHS = frozenset({"archive", "folder", "idx", "npz", "pixel table", "table of images"})
"""Kinds of source that are known by their path; every other kind is the name of a known data set."""
_NAME = re.compile(r"[a-z0-9-]+")


@dataclass(frozen=True, slots=True)
class Splits:
    """A data set's photos: the readable ones of ``validation``; ``test`` is None where it has none."""

    train: LabelledFolder
    validation: LabelledFolder
    test: LabelledFolder | None


def splits_of(source: Source, data: Path | None, progress: Progress) -> Splits:
    """Return the photos of a run that has some, or of a network that comes with a data set.

    Args:
        source: a run's record says where they are.
        data: where they are instead.
        progress: where is said which photos are left out.

    Raises:
        DatasetError: they are gone or laid out otherwise.
        ConversionError: they are not the run's.
        ValueError: there are no photos.
    """
    run = source.run
    folder = data if data is not None or run is None else run.data
    if folder is None:
        raise ValueError(f"{source.network} was made without photos")
    if run is not None and data is None and not folder.is_dir():
        raise DatasetError(f"the photos of this run are gone from {folder}: {_how_to_get_them(run)}")
    labels = source.contract.labels
    train, validation = (read_split(folder, split, labels) for split in ("train", "validation"))
    test = read_split(folder, "test", labels) if (folder / "test").is_dir() else None
    _check_same_photos(folder, source.contract)
    return Splits(train, readable(validation, progress), test)


def any_photos(folder: Path) -> LabelledFolder:
    """Return the photos below any folder, as if they had one label; of a data set, those of ``train`` alone.

    Raises:
        DatasetError: there is no such folder, or its photos are kept for measuring.
        PhotoError: it holds no photo.
    """
    if not folder.is_dir():
        raise DatasetError(
            f"there is no folder {folder}; wanted one with photos, in folders of labels or not"
        )
    inside = folder / "train"
    kept = [split for split in ("validation", "test") if (folder / split).is_dir()]
    if kept and not inside.is_dir():
        raise DatasetError(
            f"{folder} has {kept[0]}/, whose photos are kept for measuring, and no train/; "
            "give photos to calibrate on that are neither"
        )
    searched = inside if inside.is_dir() else folder
    photos = tuple(LabelledPhoto(path, 0) for path in find_photos([searched]))
    return LabelledFolder(searched, ("any",), photos)


def readable(split: LabelledFolder, progress: Progress) -> LabelledFolder:
    """Return the photos that can be read, as training does, and say which are left out.

    Raises:
        DatasetError: there is none.
    """
    kept, errors = keep_readable(split, progress, f"checking {split.path.name}")
    say_skipped(progress, errors)
    if not kept.photos:
        raise DatasetError(f"no photo in {split.path} can be read: {errors[0]}")
    return kept


def _check_same_photos(data: Path, contract: ModelContract) -> None:
    """Raise unless these are the photos of the run: others would calibrate and measure something else."""
    wanted = contract.provenance.dataset_sha256
    if wanted is None:
        return
    found = dataset_digest(data, contract.labels)
    if found != wanted:
        raise ConversionError(
            f"the photos in {data} are not those that the network was trained on "
            f"(digest {found[:12]}…, its own {wanted[:12]}…): "
            "name the right folder with --data, or train again"
        )


def _how_to_get_them(run: SealedRun) -> str:
    """Return what to do about photos that are gone: what was prepared in a cache can be prepared again."""
    kind, path = (str(run.source.get(name, "")) for name in ("kind", "path"))
    origin = path if kind in _PATHS else kind
    if not origin.isprintable() or not (Path(origin).exists() if kind in _PATHS else _NAME.fullmatch(origin)):
        return "say with --data where they are now"
    given = [
        f"--{name.replace('_', '-')} {value}"
        for name in ("split_seed", "validation_share", "test_share")
        if isinstance(value := run.source.get(name), int | float)
    ]
    command = " ".join(["hangtag data check", shlex.quote(origin), *given])
    return f"prepare them again, as training did, with {command}"
