"""Results with what a test of a sink needs in them."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import numpy.typing as npt

from hangtag import Classifier
from hangtag.classifier import Prediction
from hangtag.decision import Decision
from hangtag.model_file import ModelFile
from hangtag.result import Result
from hangtag.sources import Frame
from hangtag.sources.account import Counts
from hangtag.view import View


@functools.cache
def _model() -> ModelFile:
    return Classifier.bundled().model


def made_result(
    label: str = "dress",
    *,
    number: int = 0,
    time_s: float = 0.0,
    wall_s: float = 1_795_303_440.0,  # 2026-11-21 23:24:00 UTC
    unknown: bool = False,
    image: npt.NDArray[np.uint8] | None = None,
) -> Result:
    """Return a result as the loop would make it of a frame on which ``label`` is decided."""
    picture = np.full((48, 64, 3), 90, np.uint8) if image is None else image
    prediction = Prediction(label, 0.9, ((label, 0.9),), unknown)
    return Result(
        frame=Frame(picture, number, time_s, 0.0, wall_s=wall_s),
        scores=np.array([0.9]),
        model=_model(),
        alone=prediction,
        decision=Decision(prediction, changed=False, since_s=time_s),
        prepare_ms=0.1,
        infer_ms=5.0,
        age_ms=6.0,
        source="made",
        view=View(),
        seen=(8, 0, 48, 48),
        counts=Counts(),
    )


def at(result: Result, time_s: float) -> Result:
    """Return the same result at another time."""
    return dataclasses.replace(result, frame=dataclasses.replace(result.frame, time_s=time_s))
