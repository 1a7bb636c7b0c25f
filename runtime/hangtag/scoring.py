"""A model's scores for frames and for every photo of a folder, whatever computes them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import numpy.typing as npt

from hangtag.classifier import Classifier, to_scores
from hangtag.contract import ModelContract
from hangtag.labelled_folder import LabelledFolder
from hangtag.photos import read_photo
from hangtag.preprocess import Image, Preprocessor, Tensor
from hangtag.progress import Progress

Scores = npt.NDArray[np.float64]

_BATCH = 32


class Scorer:
    """A contract and a function from input tensors to the model's raw output: all that measuring needs.

    Frames go through :mod:`hangtag.preprocess` as the contract says, outputs through
    :func:`hangtag.classifier.to_scores`: a sigmoid unit becomes two columns and logits get their softmax, for
    a Keras model as for a ``.tflite`` file. Not thread-safe.

    Args:
        contract: how frames become tensors and outputs become scores.
        outputs: gives outputs, shape (n, units), for tensors, shape (n, height, width, channels), both in the
            dtypes of the contract.
    """

    def __init__(self, contract: ModelContract, outputs: Callable[[Tensor], Tensor]) -> None:
        self._contract = contract
        self._outputs = outputs
        self._preprocessor = Preprocessor(contract.input)

    @classmethod
    def of_classifier(cls, classifier: Classifier) -> Scorer:
        """Return a scorer that runs a ``.tflite`` model, tensor by tensor."""
        interpreter = classifier.interpreter

        def outputs(tensors: Tensor) -> Tensor:
            rows = []
            for tensor in tensors:
                interpreter.input_view()[0] = tensor
                interpreter.invoke()
                rows.append(interpreter.output())
            return np.stack(rows)

        return cls(classifier.contract, outputs)

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
        spec = self._contract.input
        frames, parts = iter(frames_bgr), [np.empty((0, len(self._contract.labels)))]
        while True:
            tensors = np.empty((_BATCH, *spec.shape[1:]), spec.tensor.dtype)
            filled = 0
            for filled, frame in enumerate(itertools.islice(frames, _BATCH), 1):
                self._preprocessor.write(frame, tensors[filled - 1 : filled])
            if filled:
                outputs = self._outputs(tensors[:filled])
                parts.append(np.stack([to_scores(output, self._contract.output) for output in outputs]))
            if filled < _BATCH:
                return np.concatenate(parts)


def score_photos(
    model: Classifier | Scorer, photos: LabelledFolder, progress: Progress, title: str | None = None
) -> Scores:
    """Return scores of shape (photos, labels), in the folder's order.

    Raises:
        PhotoError: a photo cannot be read.
    """
    scorer = Scorer.of_classifier(model) if isinstance(model, Classifier) else model
    with progress.bar(title, len(photos.photos)) as advance:

        def frames() -> Iterator[Image]:
            for photo in photos.photos:
                yield read_photo(photo.path)
                advance()

        return scorer.scores(frames())
