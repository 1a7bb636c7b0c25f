"""MediaPipe Tasks' ImageClassifier, the usual way to run a classifier in a phone's app, in its Python form.

It takes a whole frame and the part of it that the contract's geometry takes as the region of interest, and
prepares the pixels itself: it has no steps that could be timed one by one.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any, ClassVar

import cv2
import numpy as np

from hangtag.classifier import Scores
from hangtag.contract import Geometry
from hangtag.errors import BenchmarkError
from hangtag.mediapipe import region_of_interest, why_no_mediapipe
from hangtag.preprocess import Image, Preprocessor
from hangtag_benchmarks.engines.base import Engine, read_model
from hangtag_benchmarks.engines.peer_check import golden_check
from hangtag_benchmarks.measurements import OutputCheck

_VISION = "mediapipe.tasks.python.vision"
_RECTANGLE = "mediapipe.tasks.python.components.containers.rect"
_IMAGE_OPTIONS = "mediapipe.tasks.python.vision.core.image_processing_options"


class MediaPipeTasks(Engine):
    """A .tflite as it is, with the contract's region of interest.

    How many threads it takes cannot be told: its Python has no option for it.

    Raises:
        BenchmarkError: it does not give the model what its contract asks for, or refuses it.
    """

    has_stages: ClassVar[bool] = False
    packages: ClassVar[tuple[str, ...]] = ("mediapipe",)

    def __init__(self, model_path: str | None, threads: int) -> None:
        del threads
        self._model = read_model(model_path)
        self.contract = self._model.contract
        reason = why_no_mediapipe(self._model)
        if reason is None and self.contract.input.geometry is Geometry.LETTERBOX:
            reason = "it stretches a region to the input, and this model wants bars beside the picture"
        if reason is not None:
            raise BenchmarkError(f"MediaPipe cannot run the model as its contract asks: {reason}")
        mediapipe = importlib.import_module("mediapipe")
        self._image, self._format = mediapipe.Image, mediapipe.ImageFormat.SRGB
        self._rectangle = importlib.import_module(_RECTANGLE).RectF
        self._options = importlib.import_module(_IMAGE_OPTIONS).ImageProcessingOptions
        self._whole = self._options()
        # Of one result, as a label is one; more would cost it more.
        self._classifier = self._opened(1)
        self._all_labels: Any = None
        self._region: tuple[tuple[int, ...], Any] | None = None

    @classmethod
    def import_engine(cls) -> None:
        """Import the library."""
        importlib.import_module(_VISION)

    def _opened(self, most_results: int) -> Any:
        tasks, vision = importlib.import_module("mediapipe.tasks.python"), importlib.import_module(_VISION)
        try:
            return vision.ImageClassifier.create_from_options(
                vision.ImageClassifierOptions(
                    base_options=tasks.BaseOptions(model_asset_buffer=self._model.data),
                    max_results=most_results,
                )
            )
        except (RuntimeError, ValueError) as error:
            raise BenchmarkError(f"MediaPipe refuses the model: {error}") from None

    def classify(self, image_bgr: Image) -> str:
        """Return a frame's best label, as an app asks for it."""
        categories = self._categories(self._classifier, self._rgb(image_bgr), self._region_of(image_bgr))
        label: str = categories[0].category_name
        return label

    def scores(self, image_bgr: Image) -> Scores:
        """Return the scores of a frame, of which MediaPipe prepares the pixels in its own way."""
        return self._scores(self._rgb(image_bgr), self._region_of(image_bgr))

    def prepared_scores(self, image_bgr: Image) -> Scores:
        """Return the scores of the pixels that Hangtag prepares of a frame."""
        spec = self.contract.input
        pixels = np.empty(spec.shape[1:], np.uint8)
        Preprocessor(spec).write_pixels(image_bgr, pixels)
        return self._scores(pixels, self._whole)

    def check_outputs(self, frames: Sequence[Image]) -> OutputCheck:
        """Compare with the golden scores, of the same pixels: what is left is the interpreter inside."""
        del frames
        tolerance = 0.0 if self._model.golden is None else self._model.golden.score_tolerance
        return golden_check(self.prepared_scores, self._model, tolerance)

    def _scores(self, rgb: Image, options: Any) -> Scores:
        if self._all_labels is None:
            self._all_labels = self._opened(-1)
        found = np.full(len(self.contract.labels), np.nan)
        for category in self._categories(self._all_labels, rgb, options):
            found[category.index] = category.score
        return found

    def _categories(self, classifier: Any, rgb: Image, options: Any) -> Any:
        image = self._image(image_format=self._format, data=rgb)
        return classifier.classify(image, options).classifications[0].categories

    @staticmethod
    def _rgb(image_bgr: Image) -> Image:
        # A camera gives BGR; turning it is part of the way.
        return cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)

    def _region_of(self, image_bgr: Image) -> Any:
        """Return the region for frames of a size; a camera's frames all have the same."""
        if self._region is None or self._region[0] != image_bgr.shape:
            height, width, _ = image_bgr.shape
            rectangle = self._rectangle(**region_of_interest((width, height), self.contract.input))
            self._region = (image_bgr.shape, self._options(region_of_interest=rectangle))
        return self._region[1]
