"""What the camera loop hands to its sinks."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from hangtag.classifier import Prediction, Scores
from hangtag.decision import Decision
from hangtag.model_file import ModelFile
from hangtag.preprocess import Image, Rectangle
from hangtag.sources.account import Counts
from hangtag.sources.base import Frame
from hangtag.view import View

_NO_PICTURE: Image = np.empty((0, 0, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class Result:
    """A frame and what the classifier says about it.

    Args:
        frame: as the source gave it.
        scores: of this frame alone, one per label in the contract's order, calibrated, float64.
        model: whose scores they are; another one from some frame on where models are taken up while running.
        alone: what the model says of this frame alone.
        decision: what stands, smoothed over time.
        prepare_ms: crop, resize and colour order into the input tensor.
        infer_ms: the model and its scores.
        age_ms: the time from the frame's capture to its label.
        source: what to call the source.
        view: how the source's pictures are turned and cut.
        seen: x, y, width, height of what the model saw, in the upright picture.
        counts: what the feed has done so far.
    """

    frame: Frame
    scores: Scores
    model: ModelFile
    alone: Prediction
    decision: Decision
    prepare_ms: float
    infer_ms: float
    age_ms: float
    source: str
    view: View
    seen: Rectangle
    counts: Counts

    @property
    def prediction(self) -> Prediction:
        """What is shown: the decision's label and score."""
        return self.decision.prediction

    def without_picture(self) -> Result:
        """Return the result with an empty picture, for those who only read: a queue of them stays small."""
        return dataclasses.replace(self, frame=dataclasses.replace(self.frame, image_bgr=_NO_PICTURE))

    def picture(self) -> Image:
        """Return the upright picture (BGR uint8); not always a copy: do not write to it."""
        return self.view.upright(self.frame.image_bgr)
