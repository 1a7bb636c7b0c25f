"""A model's scores for frames and for every photo of a folder, whatever computes them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hangtag.classifier import Classifier, to_scores
from hangtag.contract import ModelContract
from hangtag.labelled_folder import LabelledFolder
from hangtag.logits_output import Energies
from hangtag.photos import read_photo
from hangtag.preprocess import Image, Preprocessor, Tensor
from hangtag.progress import Progress

Scores = npt.NDArray[np.float64]

_BATCH = 32


@dataclass(frozen=True, slots=True)
class PhotoScores:
    """Scores of shape (photos, labels), and an energy per photo; None where the model's are not computed."""

    scores: Scores
    energies: Energies | None

    @classmethod
    def joined(cls, parts: Sequence[PhotoScores]) -> PhotoScores:
        """Return the photos of all parts, of one model, in order."""
        energies = [part.energies for part in parts if part.energies is not None]
        return cls(
            np.concatenate([part.scores for part in parts]),
            np.concatenate(energies) if len(energies) == len(parts) else None,
        )


class Scorer:
    """A contract and a function from input tensors to the model's raw output: all that measuring needs.

    Frames go through :mod:`hangtag.preprocess` as the contract says, outputs through
    :func:`hangtag.classifier.to_scores`: a sigmoid unit becomes two columns and logits get their softmax, for
    a Keras model as for a ``.tflite`` file. Not thread-safe.

    Args:
        contract: how frames become tensors and outputs become scores.
        outputs: gives outputs, shape (n, units), for tensors, shape (n, height, width, channels), both in the
            dtypes of the contract.
        energies: gives one energy for each of the tensors that ``outputs`` was called with last; None where
            they are not to be had, as of a Keras model that ends in its softmax.
    """

    def __init__(
        self,
        contract: ModelContract,
        outputs: Callable[[Tensor], Tensor],
        energies: Callable[[], Energies] | None = None,
    ) -> None:
        self._contract = contract
        self._outputs, self._energies = outputs, energies
        self._preprocessor = Preprocessor(contract.input)

    @classmethod
    def of_classifier(cls, classifier: Classifier) -> Scorer:
        """Return a scorer that runs a ``.tflite`` model, tensor by tensor; energies where it has them."""
        interpreter, logits = classifier.interpreter, classifier.logits
        energies: list[float] = []

        def outputs(tensors: Tensor) -> Tensor:
            rows = []
            energies.clear()
            for tensor in tensors:
                interpreter.input_view()[0] = tensor
                interpreter.invoke()
                rows.append(interpreter.output())
                if logits is not None:
                    energies.append(logits.energy(interpreter))
            return np.stack(rows)

        return cls(classifier.contract, outputs, None if logits is None else lambda: np.array(energies))

    @property
    def contract(self) -> ModelContract:
        """What the model was trained for."""
        return self._contract

    def scores(self, frames_bgr: Iterable[Image]) -> Scores:
        """Return scores, float64, shape (frames, labels), for BGR uint8 frames of any sizes.

        Frames are taken one at a time, so that an iterator need not hold them all.

        Raises:
            TypeError: a frame is not a uint8 array.
            ValueError: a frame has no pixels or not three channels.
            ModelFileError: the model computes something that is not a number.
        """
        return self.measure(frames_bgr).scores

    def measure(self, frames_bgr: Iterable[Image]) -> PhotoScores:
        """Return :meth:`scores`, and energies where the model has them; it raises what that raises."""
        spec = self._contract.input
        frames, parts = iter(frames_bgr), []
        while True:
            tensors = np.empty((_BATCH, *spec.shape[1:]), spec.tensor.dtype)
            filled = 0
            for filled, frame in enumerate(itertools.islice(frames, _BATCH), 1):
                self._preprocessor.write(frame, tensors[filled - 1 : filled])
            if filled:
                rows = [
                    to_scores(output, self._contract.output) for output in self._outputs(tensors[:filled])
                ]
                energies = None if self._energies is None else self._energies()
                parts.append(PhotoScores(np.stack(rows), energies))
            if filled < _BATCH:
                none = np.empty((0, len(self._contract.labels)))
                return PhotoScores.joined(parts) if parts else PhotoScores(none, None)


def score_photos(
    model: Classifier | Scorer, photos: LabelledFolder, progress: Progress, title: str | None = None
) -> Scores:
    """Return scores of shape (photos, labels), in the folder's order.

    Raises:
        PhotoError: a photo cannot be read.
    """
    return measure_photos(model, photos, progress, title).scores


def measure_photos(
    model: Classifier | Scorer, photos: LabelledFolder, progress: Progress, title: str | None = None
) -> PhotoScores:
    """Return :func:`score_photos`, and energies where the model has them; it raises what that raises."""
    scorer = Scorer.of_classifier(model) if isinstance(model, Classifier) else model
    with progress.bar(title, len(photos.photos)) as advance:

        def frames() -> Iterator[Image]:
            for photo in photos.photos:
                yield read_photo(photo.path)
                advance()

        return scorer.measure(frames())
