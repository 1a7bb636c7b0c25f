"""The training photos that tell a quantizer which values occur."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from hangtag.contract import InputSpec
from hangtag.labelled_folder import LabelledFolder, LabelledPhoto
from hangtag.photos import read_photo
from hangtag.preprocess import preprocess

PHOTOS = 300
"""How many photos are calibrated on: more changes the ranges of our models by less than a quantization step."""


def choose_photos(train: LabelledFolder, count: int = PHOTOS) -> tuple[LabelledPhoto, ...]:
    """Choose about ``count`` photos, as many of each label as there are, evenly through its sorted files."""
    by_label = [[photo for photo in train.photos if photo.label == index] for index in range(len(train.labels))]
    share = max(1, count // len(by_label))
    chosen: list[LabelledPhoto] = []
    for photos in by_label:
        places = np.linspace(0, len(photos) - 1, min(share, len(photos))).round().astype(int)
        chosen.extend(photos[place] for place in places)
    return tuple(chosen)


def representative_dataset(
    photos: tuple[LabelledPhoto, ...], spec: InputSpec
) -> Callable[[], Iterator[list[npt.NDArray[np.float32]]]]:
    """Return the generator function that TensorFlow's converter asks for: float32 (1, h, w, 3) tensors."""

    def tensors() -> Iterator[list[npt.NDArray[np.float32]]]:
        for photo in photos:
            yield [preprocess(read_photo(photo.path), spec)]

    return tensors
