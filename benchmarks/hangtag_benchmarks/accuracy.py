"""How many photos of a data set an engine names rightly, so that no table shows speed alone."""

from __future__ import annotations

from pathlib import Path

from hangtag.labelled_folder import digest, read_split
from hangtag.metrics import wilson_interval
from hangtag.photos import read_photo
from hangtag_benchmarks.engines.base import Engine
from hangtag_benchmarks.records import Accuracy


def score(engine: Engine, photos: tuple[str, str]) -> Accuracy:
    """Let an engine name every photo of a split.

    Args:
        engine: an opened model.
        photos: the data set's folder and the split's name.

    Raises:
        DatasetError: the photos cannot be used with the model's labels.
        PhotoError: one of them cannot be read.
    """
    root, split = photos
    folder = read_split(Path(root), split, engine.contract.labels)
    right = sum(int(engine.scores(read_photo(photo.path)).argmax()) == photo.label for photo in folder.photos)
    count = len(folder.photos)
    return Accuracy(split, count, right, wilson_interval(right, count), digest([folder]))
