"""Photos as batches of the tensors that :mod:`hangtag.preprocess` defines."""

from __future__ import annotations

import dataclasses
import math
import queue
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hangtag.errors import PhotoError
from hangtag.photos import read_photo
from hangtag.preprocess import Image, Preprocessor
from hangtag_train.augment import IDENTITY, Augmentation, write_augmented

if TYPE_CHECKING:
    import keras

    from hangtag.contract import InputSpec
    from hangtag.labelled_folder import LabelledFolder, LabelledPhoto
    from hangtag.progress import Progress

_LOADER_THREADS = 2
_BATCHES_AHEAD = 4
_PREDICTION_BATCH = 32
_MEMORY_BYTES = 512 * 1024 * 1024
_SMALL_BYTES = 64 * 1024
"""Photos up to this size (decoded) are worth keeping: tiny ones are read faster than they are found."""

Batch = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


class PhotoBatches:
    """Batches of float32 tensors (n, height, width, channels) and one-hot targets (n, labels).

    Without ``augmentation`` the photos come in order and each tensor is exactly what the device computes.
    With it they come shuffled and varied; every draw depends on the seed, the epoch and the photo alone, so
    that a resumed run sees what an uninterrupted one would have seen, in whatever order threads load it.

    With ``skip_unreadable`` a photo that cannot be read is left out of its batch, and ``unreadable`` maps its
    number to the reason; without, it raises.
    """

    def __init__(
        self,
        photos: Sequence[LabelledPhoto],
        labels: int,
        spec: InputSpec,
        *,
        batch_size: int,
        augmentation: Augmentation | None = None,
        seed: int = 0,
        skip_unreadable: bool = False,
    ) -> None:
        self._photos = tuple(photos)
        self._labels = labels
        self._spec = spec
        self._batch_size = batch_size
        self._augmentation = augmentation
        self._seed = seed
        self._free_preprocessors: queue.SimpleQueue[Preprocessor] = queue.SimpleQueue()
        self._memory = _PhotoMemory()
        self._skip_unreadable = skip_unreadable
        self.unreadable: dict[int, PhotoError] = {}
        self.start_epoch(0)

    def start_epoch(self, epoch: int) -> None:
        """Shuffle and vary as the given epoch does (no effect without augmentation)."""
        self._epoch = epoch
        self._order = np.arange(len(self._photos))
        if self._augmentation is not None:
            np.random.default_rng([self._seed, epoch]).shuffle(self._order)

    def __len__(self) -> int:
        return math.ceil(len(self._photos) / self._batch_size)

    def __getitem__(self, index: int) -> Batch:
        chosen = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        tensors = np.empty((len(chosen), *self._spec.shape[1:]), np.float32)
        targets = np.zeros((len(chosen), self._labels), np.float32)
        preprocessor = self._borrow_preprocessor()
        row = 0
        try:
            for number in chosen:
                photo = self._photos[number]
                try:
                    self._write(photo, int(number), preprocessor, tensors[row : row + 1])
                except PhotoError as error:
                    if not self._skip_unreadable:
                        raise
                    self.unreadable[int(number)] = error
                    continue
                targets[row, photo.label] = 1.0
                row += 1
        finally:
            self._free_preprocessors.put(preprocessor)
        return tensors[:row], targets[:row]

    def _write(self, photo: LabelledPhoto, number: int, preprocessor: Preprocessor, tensor: Any) -> None:
        image = self._memory.read(photo.path)
        if self._augmentation is None or self._augmentation == IDENTITY:
            preprocessor.write(image, tensor)
            return
        rng = np.random.default_rng([self._seed, self._epoch, number])
        pixels = np.empty(self._spec.shape[1:], np.uint8)
        write_augmented(image, self._augmentation, rng, preprocessor, pixels)
        preprocessor.write_values(pixels, tensor[0])

    def _borrow_preprocessor(self) -> Preprocessor:
        """Take a preprocessor that no other loader thread is using."""
        try:
            return self._free_preprocessors.get_nowait()
        except queue.Empty:
            return Preprocessor(self._spec)


class _PhotoMemory:
    """Small photos stay decoded, up to half a gigabyte: seventy thousand tiny files are read once."""

    def __init__(self) -> None:
        self._images: dict[Path, Image] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def read(self, path: Path) -> Image:
        image = self._images.get(path)
        if image is not None:
            return image
        image = read_photo(path)
        with self._lock:
            if image.nbytes <= _SMALL_BYTES and self._bytes + image.nbytes <= _MEMORY_BYTES:
                self._images[path] = image
                self._bytes += image.nbytes
        return image


@dataclass(frozen=True, slots=True)
class Loaded:
    """A batch and how long the caller waited for it, in seconds."""

    tensors: npt.NDArray[np.float32]
    targets: npt.NDArray[np.float32]
    waited_s: float


def prefetched(batches: PhotoBatches) -> Iterator[Loaded]:
    """Yield every batch in order, loaded by threads while the caller computes.

    Raises:
        PhotoError: a photo cannot be read.
    """
    with ThreadPoolExecutor(_LOADER_THREADS, "photo-loader") as pool:
        waiting: deque[Future[Batch]] = deque()
        try:
            for index in range(len(batches) + _BATCHES_AHEAD):
                if index < len(batches):
                    waiting.append(pool.submit(batches.__getitem__, index))
                if index >= _BATCHES_AHEAD:
                    begun = time.perf_counter()
                    tensors, targets = waiting.popleft().result()
                    yield Loaded(tensors, targets, time.perf_counter() - begun)
        finally:
            for future in waiting:
                future.cancel()


def predict(
    model: keras.Model, photos: LabelledFolder, spec: InputSpec, progress: Progress, title: str | None = None
) -> npt.NDArray[np.float32]:
    """Return the model's outputs for every photo of a split, in its order, as float32.

    Raises:
        PhotoError: a photo cannot be read.
    """
    return _outputs(model, _in_order(photos, spec), progress, title)


def predict_readable(
    model: keras.Model, photos: LabelledFolder, spec: InputSpec, progress: Progress, title: str | None = None
) -> tuple[npt.NDArray[np.float32], LabelledFolder, tuple[PhotoError, ...]]:
    """Do as :func:`predict` with the photos that can be read.

    Returns:
        The outputs, the split without the other photos, and why each of those is left out.
    """
    batches = _in_order(photos, spec, skip_unreadable=True)
    outputs = _outputs(model, batches, progress, title)
    kept = tuple(photo for number, photo in enumerate(photos.photos) if number not in batches.unreadable)
    errors = tuple(error for _, error in sorted(batches.unreadable.items()))
    return outputs, dataclasses.replace(photos, photos=kept), errors


def _in_order(photos: LabelledFolder, spec: InputSpec, *, skip_unreadable: bool = False) -> PhotoBatches:
    return PhotoBatches(
        photos.photos,
        len(photos.labels),
        spec,
        batch_size=_PREDICTION_BATCH,
        skip_unreadable=skip_unreadable,
    )


def _outputs(
    model: keras.Model, batches: PhotoBatches, progress: Progress, title: str | None
) -> npt.NDArray[np.float32]:
    outputs = [np.empty((0, *model.output_shape[1:]), np.float32)]
    with progress.bar(title, len(batches)) as advance:
        for batch in prefetched(batches):
            if len(batch.tensors):
                outputs.append(np.asarray(model.predict_on_batch(batch.tensors)))
            advance()
    return np.concatenate(outputs)
