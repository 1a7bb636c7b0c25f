"""The photos that tell a quantizer which values occur."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hangtag.contract import InputSpec
from hangtag.errors import ConversionError, DatasetError
from hangtag.labelled_folder import LabelledFolder, LabelledPhoto, content_digests
from hangtag.photos import find_photos, read_photo
from hangtag.preprocess import Tensor, preprocess, tensor_table

PHOTOS = 300
"""How many photos are calibrated on, about."""
RECOVERY_PHOTOS = 3000
"""How many are learned on when plain calibration lost too much, about."""
_MOST_ENLARGED = 4


@dataclass(frozen=True, slots=True)
class CalibrationSet:
    """Photos to calibrate on, and how they become tensors."""

    photos: tuple[LabelledPhoto, ...]
    spec: InputSpec

    def tensors(self) -> Iterator[Tensor]:
        """Give one float32 tensor per photo, shape (1, height, width, channels)."""
        for photo in self.photos:
            yield preprocess(read_photo(photo.path), self.spec)

    def thinned(self, count: int) -> CalibrationSet:
        """Return ``count`` of the photos at most, evenly through all."""
        return self.only(range(0, len(self.photos), max(1, -(-len(self.photos) // count))))

    def only(self, numbers: Sequence[int]) -> CalibrationSet:
        """Return the set of the photos of these numbers alone."""
        return CalibrationSet(tuple(self.photos[number] for number in numbers), self.spec)

    @property
    def input_range(self) -> tuple[float, float]:
        """The values that bytes from 0 to 255 become."""
        table = tensor_table(self.spec)
        return float(table.min()), float(table.max())

    def spanning(self) -> Callable[[], Iterator[Tensor]]:
        """Return :meth:`tensors` as a function, the first photo's corners made black and white.

        A byte can be anything from 0 to 255, whatever the photos hold.
        """
        darkest, brightest = tensor_table(self.spec)[0, [0, 255]]

        def tensors() -> Iterator[Tensor]:
            for number, tensor in enumerate(self.tensors()):
                if number == 0:
                    tensor[0, 0, 0], tensor[0, -1, -1] = darkest, brightest
                yield tensor

        return tensors


def choose_photos(train: LabelledFolder, count: int = PHOTOS) -> tuple[LabelledPhoto, ...]:
    """Choose ``count`` photos, or all of fewer: of each label as many as there are, evenly through its files.

    Labels take turns, so that what a small one cannot give comes from the others.
    """
    by_label: dict[int, list[LabelledPhoto]] = {}
    for photo in train.photos:
        by_label.setdefault(photo.label, []).append(photo)
    shares = _shares([len(photos) for photos in by_label.values()], count)
    chosen: list[LabelledPhoto] = []
    for photos, share in zip(by_label.values(), shares, strict=True):
        places = np.linspace(0, len(photos) - 1, share).round().astype(int)
        chosen.extend(photos[place] for place in places)
    return tuple(chosen)


def _shares(sizes: Sequence[int], count: int) -> list[int]:
    """Return how many to take of groups of these sizes: equally many, as far as there are."""
    shares, left = [0] * len(sizes), min(count, sum(sizes))
    while left:
        open_groups = [group for group, size in enumerate(sizes) if shares[group] < size]
        each = max(1, left // len(open_groups))
        for group in open_groups[:left]:
            taken = min(each, sizes[group] - shares[group], left)
            shares[group] += taken
            left -= taken
    return shares


def own_photos(folder: Path, labels: Sequence[str], spec: InputSpec) -> LabelledFolder:
    """Return the photos of a folder to calibrate on: in folders of the model's labels, or in none.

    Raises:
        DatasetError: there is no such folder, its folders are no labels of the model, or its photos are far
            smaller than the input.
        PhotoError: it holds no photo that can be read.
    """
    if not folder.is_dir():
        raise DatasetError(f"there is no folder {folder}; wanted one with photos to calibrate on")
    paths = list(find_photos([folder]))
    known = {label: index for index, label in enumerate(labels)}
    inside = [path.relative_to(folder).parts[:-1] for path in paths]
    unknown = sorted({parts[0] for parts in inside if parts and parts[0] not in known})
    if unknown:
        raise DatasetError(
            f"{folder} has the folder {unknown[0]!r}, which is no label of the model "
            f"({', '.join(labels[:5])}{', …' if len(labels) > 5 else ''}): give photos in folders of its "
            "labels, or in no folders"
        )
    _check_size(paths, spec)
    places = [known[parts[0]] if parts else 0 for parts in inside]
    photos = tuple(LabelledPhoto(path, place) for path, place in zip(paths, places, strict=True))
    return LabelledFolder(folder, tuple(labels) if any(inside) else ("any",), photos)


def _check_size(paths: Sequence[Path], spec: InputSpec) -> None:
    """Raise where the photos are so small that their enlargements hold none of the detail of real ones."""
    few = paths[:: 1 + len(paths) // 20]
    sides = [min(read_photo(path).shape[:2]) for path in few]
    smallest = min(spec.width_px, spec.height_px) / _MOST_ENLARGED
    if np.median(sides) < smallest:
        raise DatasetError(
            f"the photos beside {few[0]} are {int(np.median(sides))} px small and would be enlarged more "
            f"than {_MOST_ENLARGED} times for an input of {spec.width_px} x {spec.height_px}; give photos as "
            "the camera takes them"
        )


def check_apart(calibration: LabelledFolder, held_back: Sequence[LabelledFolder]) -> None:
    """Raise where a photo to calibrate on is one of those that are kept for measuring.

    Photos are compared by their bytes, whatever they are called.

    Raises:
        ConversionError: it is; figures measured on it would be too good.
    """
    kept: dict[str, Path] = {}
    for folder in held_back:
        paths = (photo.path for photo in folder.photos)
        kept.update(zip(content_digests(folder), paths, strict=True))
    own = zip(content_digests(calibration), calibration.photos, strict=True)
    shared = [(photo.path, kept[digest]) for digest, photo in own if digest in kept]
    if shared:
        raise ConversionError(
            f"{len(shared)} of the photos to calibrate on are kept for measuring: {shared[0][0]} is "
            f"{shared[0][1]}; calibrate on training photos or others"
        )
