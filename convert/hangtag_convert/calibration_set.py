"""The training photos that tell a quantizer which values occur."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from hangtag.contract import InputSpec
from hangtag.labelled_folder import LabelledFolder, LabelledPhoto
from hangtag.photos import read_photo
from hangtag.preprocess import preprocess, tensor_table

PHOTOS = 300
"""How many training photos are calibrated on, about."""


def choose_photos(train: LabelledFolder, count: int = PHOTOS) -> tuple[LabelledPhoto, ...]:
    """Choose about ``count`` photos, as many of each label as there are, evenly through its sorted files."""
    by_label = [
        [photo for photo in train.photos if photo.label == index] for index in range(len(train.labels))
    ]
    share = max(1, count // len(by_label))
    chosen: list[LabelledPhoto] = []
    for photos in by_label:
        places = np.linspace(0, len(photos) - 1, min(share, len(photos))).round().astype(int)
        chosen.extend(photos[place] for place in places)
    return tuple(chosen)


def representative_dataset(
    photos: tuple[LabelledPhoto, ...], spec: InputSpec
) -> Callable[[], Iterator[list[npt.NDArray[np.float32]]]]:
    """Return the generator function that TensorFlow's converter asks for: float32 (1, h, w, c) tensors.

    Two corner pixels of the first photo are made black and white: a byte can be anything from 0 to 255,
    whatever the photos hold, and the input's range must say so for a pixel's byte to be the tensor's byte.
    Two pixels of one photo move no other layer's range that its own photos do not.
    """
    darkest, brightest = tensor_table(spec)[0, [0, 255]]

    def tensors() -> Iterator[list[npt.NDArray[np.float32]]]:
        for number, photo in enumerate(photos):
            tensor = preprocess(read_photo(photo.path), spec)
            if number == 0:
                tensor[0, 0, 0], tensor[0, -1, -1] = darkest, brightest
            yield [tensor]

    return tensors
