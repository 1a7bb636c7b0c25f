"""Photos as batches of the tensors that :mod:`hangtag.preprocess` defines."""

from __future__ import annotations

import math
import queue
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import numpy.typing as npt

from hangtag.photos import read_photo
from hangtag.preprocess import Preprocessor
from hangtag.progress import Progress
from hangtag_train.augment import Augmentation, write_augmented

if TYPE_CHECKING:
    from hangtag.contract import InputSpec
    from hangtag.labelled_folder import LabelledFolder, LabelledPhoto

_LOADER_THREADS = 2
_PREDICTION_BATCH = 32

Batch = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


class PhotoBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of float32 tensors (n, height, width, channels) and one-hot targets (n, labels).

    Without ``augmentation`` the photos come in order and each tensor is exactly what the device computes.
    With it they come shuffled and varied; every draw depends on the seed, the epoch and the photo alone, so
    that a resumed run sees what an uninterrupted one would have seen, in whatever order threads load it.
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
    ) -> None:
        super().__init__(workers=_LOADER_THREADS, use_multiprocessing=False, max_queue_size=8)
        self._photos = tuple(photos)
        self._labels = labels
        self._spec = spec
        self._batch_size = batch_size
        self._augmentation = augmentation
        self._seed = seed
        self._free_preprocessors: queue.SimpleQueue[Preprocessor] = queue.SimpleQueue()
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
        try:
            for row, number in enumerate(chosen):
                photo = self._photos[number]
                self._write(photo, int(number), preprocessor, tensors[row : row + 1])
                targets[row, photo.label] = 1.0
        finally:
            self._free_preprocessors.put(preprocessor)
        return tensors, targets

    def _write(self, photo: LabelledPhoto, number: int, preprocessor: Preprocessor, tensor: Any) -> None:
        image = read_photo(photo.path)
        if self._augmentation is None:
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


class Advance(keras.callbacks.Callback):  # type: ignore[misc]
    """Moves a progress bar on by one per batch."""

    def __init__(self, advance: Callable[[], None]) -> None:
        super().__init__()
        self._advance = advance

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Move on."""
        del batch, logs
        self._advance()


def predict(
    model: keras.Model, photos: LabelledFolder, spec: InputSpec, progress: Progress, title: str | None = None
) -> npt.NDArray[np.float32]:
    """Return the model's outputs for every photo of a split, in its order, as float32.

    Raises:
        PhotoError: a photo cannot be read.
    """
    batches = PhotoBatches(photos.photos, len(photos.labels), spec, batch_size=_PREDICTION_BATCH)
    outputs: list[npt.NDArray[np.float32]] = []
    with progress.bar(title, len(batches)) as advance:
        # A plain loop: inside Keras's own, a photo that cannot be read would end as an error of TensorFlow.
        for index in range(len(batches)):
            outputs.append(np.asarray(model.predict_on_batch(batches[index][0])))
            advance()
    return np.concatenate(outputs)
