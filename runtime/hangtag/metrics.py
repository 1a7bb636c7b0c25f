"""What is measured about a classifier's scores: NumPy only, shared by training, conversion and benchmarks.

Everywhere ``scores`` is float, shape (photos, labels), rows adding up to 1; ``targets`` is integer, shape
(photos,), the index of each photo's label.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.floating[Any]]
Targets = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class ClassReport:
    """Quality of one label: fractions from 0 to 1 (None where nothing to divide by) and its photos."""

    label: str
    precision: float | None
    recall: float | None
    photos: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A model's quality on one set of photos.

    ``top1`` and ``top3`` are fractions; ``calibration_error`` is the expected calibration error in 15 bins;
    ``confusion[i][j]`` counts photos of label i called label j.
    """

    photos: int
    top1: float
    top3: float
    calibration_error: float
    negative_log_likelihood: float
    classes: tuple[ClassReport, ...]
    confusion: tuple[tuple[int, ...], ...]


def evaluate(scores: Scores, targets: Targets, labels: Sequence[str]) -> Evaluation:
    """Measure scores against the truth.

    Raises:
        ValueError: shapes that do not fit together, a target that is no label, or no photo.
    """
    _check(scores, targets, len(labels))
    table = confusion(scores.argmax(axis=1), targets, len(labels))
    return Evaluation(
        photos=len(targets),
        top1=top_k(scores, targets, 1),
        top3=top_k(scores, targets, 3),
        calibration_error=calibration_error(scores, targets),
        negative_log_likelihood=negative_log_likelihood(scores, targets),
        classes=tuple(_class_report(label, index, table) for index, label in enumerate(labels)),
        confusion=tuple(tuple(int(count) for count in row) for row in table),
    )


def top_k(scores: Scores, targets: Targets, k: int) -> float:
    """Return the fraction of photos whose label is among the ``k`` best scores (ties: lower index first)."""
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return float((best == np.asarray(targets)[:, None]).any(axis=1).mean())


def agreement(a: Scores, b: Scores) -> float:
    """Return the fraction of photos that two models give the same label."""
    return float((a.argmax(axis=1) == b.argmax(axis=1)).mean())


def confusion(predicted: Targets, targets: Targets, labels: int) -> npt.NDArray[np.int64]:
    """Return counts of shape (labels, labels): true label by row, predicted label by column."""
    table = np.zeros((labels, labels), np.int64)
    np.add.at(table, (np.asarray(targets), np.asarray(predicted)), 1)
    return table


def calibration_error(scores: Scores, targets: Targets, bins: int = 15) -> float:
    """Return the expected calibration error: mean gap of confidence and accuracy over equal-width bins.

    As in Guo et al. 2017, weighted by each bin's photos.
    """
    confidence = scores.max(axis=1)
    right = scores.argmax(axis=1) == targets
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        abs(float(confidence[place == index].mean()) - float(right[place == index].mean()))
        * int((place == index).sum())
        for index in range(bins)
        if (place == index).any()
    ]
    return float(sum(gaps) / len(targets))


def negative_log_likelihood(scores: Scores, targets: Targets) -> float:
    """Return the mean of -ln(score of the true label), scores below 1e-12 counted as 1e-12."""
    true = scores[np.arange(len(targets)), targets].astype(np.float64)
    return float(-np.log(np.maximum(true, 1e-12)).mean())


def _class_report(label: str, index: int, table: npt.NDArray[np.int64]) -> ClassReport:
    hits, named, present = int(table[index, index]), int(table[:, index].sum()), int(table[index].sum())
    return ClassReport(
        label=label,
        precision=hits / named if named else None,
        recall=hits / present if present else None,
        photos=present,
    )


def _check(scores: Scores, targets: Targets, labels: int) -> None:
    if scores.ndim != 2 or scores.shape != (len(targets), labels) or len(targets) == 0:
        raise ValueError(
            f"scores have shape {scores.shape} for {len(targets)} targets and {labels} labels; "
            "wanted (photos, labels) with at least one photo"
        )
    if np.min(targets) < 0 or np.max(targets) >= labels:
        raise ValueError(f"targets run from {np.min(targets)} to {np.max(targets)}; wanted 0 to {labels - 1}")
