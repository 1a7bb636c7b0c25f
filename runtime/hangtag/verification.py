"""Runs a model's golden cases on this device."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hangtag.classifier import Classifier
from hangtag.golden import GoldenCase, tensor_sha256
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
