"""How many photos of a data set an engine names rightly, so that no table shows speed alone."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from hangtag.errors import DatasetError, PhotoError
from hangtag.labelled_folder import LabelledPhoto, digest, read_split
from hangtag.metrics import wilson_interval
from hangtag.photos import read_photo
from hangtag_benchmarks.engines.base import Engine
from hangtag_benchmarks.measurements import Accuracy


def score(engine: Engine, photos: tuple[str, str]) -> Accuracy:
    """Let an engine name every photo of a split; those that cannot be read are left out.

    Args:
        engine: an opened model.
        photos: the data set's folder and the split's name.

    Raises:
        DatasetError: the photos cannot be used with the model's labels, or none can be read.
    """
    root, split = photos
    folder = read_split(Path(root), split, engine.contract.labels)
    named = [(photo, label) for photo in folder.photos if (label := _named(engine, photo)) is not None]
    count, right = len(named), sum(label == photo.label for photo, label in named)
    if not count:
        raise DatasetError(f"none of the {len(folder.photos)} photos in {folder.path} can be read")
    read = dataclasses.replace(folder, photos=tuple(photo for photo, _ in named))
    return Accuracy(split, count, right, wilson_interval(right, count), digest([read]))


def _named(engine: Engine, photo: LabelledPhoto) -> int | None:
    """Return the index of the label that an engine gives a photo, None where it cannot be read."""
    try:
        image = read_photo(photo.path)
    except PhotoError:
        return None
    return int(engine.scores(image).argmax())
