"""The gate: no file leaves conversion that lost more than its user allows."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hangtag.calibration import energy_threshold, refitted_threshold
from hangtag.classifier import Classifier
from hangtag.comparison import Comparison, compare
from hangtag.contract import Calibration, ModelContract
from hangtag.errors import ContractError
from hangtag.logits_output import why_no_energy
from hangtag.metrics import Scores
from hangtag.model_file import parse_model
from hangtag.preprocess import Preprocessor
from hangtag.progress import Progress
from hangtag.scoring import PhotoScores
from hangtag.tflite_schema import read_model_info
from hangtag_convert.formats import Format
from hangtag_convert.metadata import completed_contract, embed
from hangtag_convert.yardstick import Yardstick

_SUM_SLACK = 0.01
"""How far a float network's probabilities may be from adding up to 1."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A converted model and what the gate found: its contract is complete but for the golden cases."""

    format: Format
    bare: bytes
    contract: ModelContract
    comparison: Comparison
    max_drop_points: float

    @property
    def passed(self) -> bool:
        """False where more accuracy was lost than allowed; True as well where nothing could be measured."""
        accuracy = self.comparison.accuracy
        return accuracy is None or not accuracy.lost_more_than(self.max_drop_points)

    @property
    def verdict(self) -> str:
        """One line: why it failed."""
        accuracy = self.comparison.accuracy
        if accuracy is None or self.passed:
            return ""
        return (
            f"{self.format.value} loses {accuracy.drop_points:.2f} points of top-1 "
            f"({accuracy.before_top1:.4f} to {accuracy.after_top1:.4f} on {self.comparison.photos} photos), "
            f"more than --max-drop {self.max_drop_points:g}"
        )


def judge(
    bare: bytes,
    kind: Format,
    contract: ModelContract,
    parent: Scores,
    yardstick: Yardstick,
    *,
    max_drop_points: float,
    progress: Progress,
) -> Judged:
    """Measure a bare model against its float parent and complete its contract.

    Args:
        bare: TFLite bytes without metadata.
        kind: its format.
        contract: of the float parent, as files state it.
        parent: the parent's scores.
        yardstick: the photos that they are of.
        max_drop_points: percentage points of top-1 that may be lost.
        progress: where progress is shown.

    Raises:
        ContractError: the model's tensors are not the contract's.
        ModelFileError: the engine refuses the model, or it computes something that is not a number.
    """
    completed = completed_contract(contract, read_model_info(bare))
    whole = parse_model(embed(bare, completed, None), f"{contract.name}-{kind.value}")
    classifier = Classifier(whole, energy=why_no_energy(whole.data, completed) is None)
    if kind is Format.INT8 and not Preprocessor(completed.input).is_byte_copy:
        progress.say(
            "note: with this normalisation the int8 model's bytes are not pixel bytes; "
            "it works, with a table look-up per pixel"
        )
    found = yardstick.measure(classifier, progress, f"checking {kind.value}")
    scores = found.scores
    comparison = compare(parent, scores, yardstick.targets, contract.labels)
    calibration = completed.calibration
    if comparison.accuracy is not None:
        calibration = _refitted(calibration, parent, found)
    measured = (
        {}
        if comparison.accuracy is None
        else {f"{kind.value}_validation_top1": round(comparison.accuracy.after_top1, 6)}
    )
    origin = completed.provenance
    described = completed.replace(
        calibration=calibration,
        provenance=dataclasses.replace(origin, metrics={**origin.metrics, **measured}),
    )
    return Judged(kind, bare, described, comparison, max_drop_points)


def _refitted(calibration: Calibration, parent: Scores, found: PhotoScores) -> Calibration:
    """Return the thresholds for a format: quantization moves scores and energies, and what they let pass.

    One of the energy is fitted where unknown was decided at all, and the format gives energies: a run has
    none, since its network ends in the softmax.
    """
    score, energy = calibration.unknown_threshold, calibration.energy_threshold
    if found.energies is not None and (score is not None or energy is not None):
        energy = energy_threshold(found.energies)
    if score is not None:
        score = refitted_threshold(score, parent, found.scores)
    return dataclasses.replace(calibration, unknown_threshold=score, energy_threshold=energy)


def check_probabilities(scores: Scores, what: str, *, slack: float = 1e-4) -> None:
    """Raise unless scores are probabilities: a network of logits under a contract that says softmax is not.

    Args:
        scores: shape (pictures, labels).
        what: whose they are, for the message.
        slack: how far rounding may bring them off.

    Raises:
        ContractError: one lies outside 0 to 1, or those of a picture do not add up to 1.
    """
    off = np.abs(scores.sum(axis=1) - 1).max()
    low, high = float(scores.min()), float(scores.max())
    if low < -slack or high > 1 + slack or off > max(_SUM_SLACK, slack * scores.shape[1]):
        raise ContractError(
            f"the scores of {what} are no probabilities (from {low:.3g} to {high:.3g}): if they are logits, "
            "say so in the contract, output kind logits"
        )


def failures(judged: Sequence[Judged]) -> tuple[str, ...]:
    """Return a line for each file that did not pass."""
    return tuple(one.verdict for one in judged if not one.passed)
