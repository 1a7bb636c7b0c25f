"""Runs a model's golden cases on this device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from hangtag.classifier import Classifier
from hangtag.engines import OTHER_ENGINE_ADVICE, titled
from hangtag.golden import GoldenCase, tensor_sha256
from hangtag.interpreter import DEFAULT_ENGINE
from hangtag.preprocess import preprocess


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One golden case on this device; ``worst_difference`` is the largest of any score."""

    name: str
    same_tensor: bool
    worst_difference: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """True when the tensor is the same to the byte and the scores are within the tolerance."""
        return self.same_tensor and self.worst_difference <= self.tolerance


def verify_cases(classifier: Classifier) -> tuple[CaseResult, ...]:
    """Prepare and classify every golden frame; empty where the model carries none."""
    golden = classifier.model.golden
    if golden is None:
        return ()
    return tuple(_result(classifier, case, golden.score_tolerance) for case in golden.cases)


def failure(results: Sequence[CaseResult], engine: str) -> str | None:
    """Return one line about golden cases that failed with an engine, or None where all passed.

    It names what differs (the pixels that OpenCV prepared, or the engine's scores), by how much, and what to
    do.
    """
    failed = [result for result in results if not result.passed]
    if not failed:
        return None
    count = f"{len(failed)} of {len(results)} golden cases failed"
    if not all(result.same_tensor for result in failed):
        return (
            f"this device does not prepare what the trainer did: {count}, OpenCV {cv2.__version__} makes "
            "other pixels of the same frame; install the OpenCV that made the model (see hangtag inspect)"
        )
    worst = max(failed, key=lambda result: result.worst_difference)
    times = f" ({worst.worst_difference / worst.tolerance:.1f} times as much)" if worst.tolerance else ""
    advice = OTHER_ENGINE_ADVICE if engine != DEFAULT_ENGINE else "report it, with what hangtag doctor says"
    return (
        f"{titled(engine)} on this device does not compute what the trainer did: {count}, scores differ by "
        f"up to {worst.worst_difference:.6f} where {worst.tolerance:.6f} is allowed{times}; {advice}"
    )


def _result(classifier: Classifier, case: GoldenCase, tolerance: float) -> CaseResult:
    image = case.image()
    tensor = preprocess(image, classifier.contract.input)
    difference = np.abs(classifier.scores(image) - np.array(case.scores)).max()
    return CaseResult(
        name=case.name,
        same_tensor=tensor_sha256(tensor) == case.tensor_sha256,
        # A score that is not a number must not pass by comparing false.
        worst_difference=float(difference) if np.isfinite(difference) else float("inf"),
        tolerance=tolerance,
    )
