"""What is measured about a classifier's scores: NumPy only, shared by training, conversion and benchmarks.

Everywhere ``scores`` is float, shape (photos, labels), rows adding up to 1; ``targets`` is integer, shape
(photos,), the index of each photo's label.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.floating[Any]]
Targets = npt.NDArray[np.integer[Any]]


CALIBRATION_BINS = 15
"""Bins of the expected calibration error."""

FEWEST_FOR_CALIBRATION = 10 * CALIBRATION_BINS
"""Photos; of fewer the expected calibration error is mostly chance."""

BOOTSTRAP_RESAMPLES = 1000
"""Resamples behind a bootstrap interval: its ends then move by about a thirtieth of its width by chance."""

Z_95 = 1.959963984540054
"""The standard normal distribution's 97.5 % quantile."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval that holds the true value with 95 % confidence."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ClassReport:
    """Quality of one label: fractions from 0 to 1 (None where nothing to divide by) and its photos."""

    label: str
    precision: float | None
    recall: float | None
    f1: float | None
    photos: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A model's quality on one set of photos.

    ``top1``, ``top3`` and ``macro_f1`` are fractions; ``calibration_error`` is the expected calibration error
    in 15 equal-mass bins; ``confusion[i][j]`` counts photos of label i called label j. Intervals are of 95 %:
    ``top1_wilson`` by Wilson's formula, those called ``bootstrap`` by resampling the photos.
    """

    photos: int
    top1: float
    top1_wilson: Interval
    top1_bootstrap: Interval
    top3: float
    macro_f1: float
    macro_f1_bootstrap: Interval
    calibration_error: float
    calibration_error_bootstrap: Interval
    negative_log_likelihood: float
    classes: tuple[ClassReport, ...]
    confusion: tuple[tuple[int, ...], ...]

    @property
    def calibration_tells(self) -> bool:
        """True where there are photos enough for the calibration error to mean something.

        With few in a bin, being right or wrong by chance looks like a gap, however good the scores are: one
        photo with a score of 0.6 has a gap of 0.4 or 0.6.
        """
        return self.photos >= FEWEST_FOR_CALIBRATION

    @property
    def resampling_tells(self) -> bool:
        """False where all photos are called right, or none: resampling draws no other kind than there is.

        The bootstrap intervals are then far too narrow, mostly a single value.
        """
        return 0 < self.top1 < 1

    @property
    def top3_tells(self) -> bool:
        """False where there are not more than three labels, one of which is always the right one."""
        return len(self.classes) > 3


def evaluate(
    scores: Scores,
    targets: Targets,
    labels: Sequence[str],
    *,
    resamples: int = BOOTSTRAP_RESAMPLES,
    seed: int = 0,
) -> Evaluation:
    """Measure scores against the truth; the same seed gives the same bootstrap intervals.

    Raises:
        ValueError: shapes that do not fit together, a target that is no label, or no photo.
    """
    _check(scores, targets, len(labels))
    predicted = scores.argmax(axis=1)
    table = confusion(predicted, targets, len(labels))
    confidence, right = scores.max(axis=1), predicted == targets

    def resampled(statistic: Callable[[Targets], float]) -> Interval:
        return bootstrap_interval(statistic, len(targets), resamples=resamples, seed=seed)

    return Evaluation(
        photos=len(targets),
        top1=top_k(scores, targets, 1),
        top1_wilson=wilson_interval(int(right.sum()), len(targets)),
        top1_bootstrap=resampled(lambda chosen: float(right[chosen].mean())),
        top3=top_k(scores, targets, 3),
        macro_f1=macro_f1(predicted, targets, len(labels)),
        macro_f1_bootstrap=resampled(
            lambda chosen: macro_f1(predicted[chosen], targets[chosen], len(labels))
        ),
        calibration_error=calibration_error(scores, targets),
        calibration_error_bootstrap=resampled(
            lambda chosen: _binned_gap(confidence[chosen], right[chosen], CALIBRATION_BINS)
        ),
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


def macro_f1(predicted: Targets, targets: Targets, labels: int) -> float:
    """Return the mean over labels of F1 = 2 hits / (photos of the label + photos called it).

    The harmonic mean of precision and recall (van Rijsbergen 1979), averaged as Opitz & Burst 2019 ("Macro F1
    and Macro F1") advise: first by label, then over labels. A label with neither photos nor calls is left
    out, as in scikit-learn.
    """
    hits = np.bincount(np.asarray(targets)[predicted == targets], minlength=labels)
    both = np.bincount(targets, minlength=labels) + np.bincount(predicted, minlength=labels)
    there = both > 0
    return float((2 * hits[there] / both[there]).mean())


def calibration_error(scores: Scores, targets: Targets, bins: int = CALIBRATION_BINS) -> float:
    """Return the expected calibration error over equal-mass bins: the mean gap of confidence and accuracy.

    Guo et al. 2017 ("On Calibration of Modern Neural Networks"), with bins that hold equally many photos, to
    within one, in place of equal widths (Nguyen & O'Connor 2015; Nixon et al. 2019, "Measuring Calibration in
    Deep Learning"): a good model's confidences crowd at 1, and most bins of equal width stay all but empty.
    Photos with the very same confidence, many in an 8-bit model, count with their common accuracy, so that
    their order does not matter. Fewer photos than bins make a bin each.
    """
    return _binned_gap(scores.max(axis=1), scores.argmax(axis=1) == targets, bins)


def _binned_gap(confidence: Scores, right: npt.NDArray[np.bool_], bins: int) -> float:
    levels, place, count = np.unique(confidence, return_inverse=True, return_counts=True)
    accuracy = np.bincount(place, weights=right) / count
    # Photo by photo, in order of confidence: how much more sure than right.
    gap = np.repeat(levels.astype(np.float64) - accuracy, count)
    starts = np.arange(min(bins, len(gap))) * len(gap) // min(bins, len(gap))
    return float(np.abs(np.add.reduceat(gap, starts)).sum() / len(gap))


def wilson_interval(hits: int, trials: int) -> Interval:
    """Return Wilson's 95 % score interval of a share (Wilson 1927, "Probable Inference").

    Unlike the textbook's normal approximation it stays within 0 and 1 and is right near them.

    Raises:
        ValueError: no trial, or more hits than trials.
    """
    if not 0 <= hits <= trials or trials == 0:
        raise ValueError(f"{hits} hits in {trials} trials; wanted at least one trial and no more hits")
    share, shrink = hits / trials, Z_95**2 / trials
    centre = (share + shrink / 2) / (1 + shrink)
    half = math.sqrt(shrink * (share * (1 - share) + shrink / 4)) / (1 + shrink)
    # Where all or none are hits one end is the share itself, which rounding could miss.
    return Interval(min(max(0.0, centre - half), share), max(min(1.0, centre + half), share))


def bootstrap_interval(
    statistic: Callable[[Targets], float], photos: int, *, resamples: int = BOOTSTRAP_RESAMPLES, seed: int = 0
) -> Interval:
    """Return the 95 % percentile bootstrap interval of a statistic (Efron & Tibshirani 1993, chapter 13).

    Of few photos, resamples are less even than the photos themselves, which raises the calibration error:
    its interval lies a little high and need not hold the point. Photos that are all right, or all wrong,
    give an interval that says nothing (:attr:`Evaluation.resampling_tells`).

    Args:
        statistic: gives the value on chosen photos, by their indices (with repetitions), shape (photos,).
        photos: how many there are to choose from.
        resamples: how often as many photos as there are are drawn, with replacement.
        seed: of the draws.

    Raises:
        ValueError: no photo or no resample.
    """
    if photos < 1 or resamples < 1:
        raise ValueError(f"{resamples} resamples of {photos} photos; wanted at least one of each")
    rng = np.random.default_rng(seed)
    values = [statistic(rng.integers(photos, size=photos)) for _ in range(resamples)]
    low, high = np.percentile(values, [2.5, 97.5])
    return Interval(float(low), float(high))


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
        f1=2 * hits / (named + present) if named + present else None,
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
