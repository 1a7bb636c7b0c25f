"""Two models on the same photos, photo by photo: what changed, and whether it can be chance.

``before`` is the model that is trusted (the float parent, an older file), ``after`` the one that is judged.
Scores are float, shape (photos, labels); targets integer, shape (photos,).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hangtag.metrics import Z_95, Interval, Scores, Targets, agreement, calibration_error

MAX_DROP_POINTS = 0.5
"""Percentage points of top-1 that a quantized file may lose, unless its user says otherwise."""


@dataclass(frozen=True, slots=True)
class Flip:
    """One photo whose label changed: its index, its true label (None where unknown), what it is called.

    Labels are indices; ``before_score`` and ``after_score`` are the best scores of each model, 0 to 1.
    """

    photo: int
    target: int | None
    before: int
    after: int
    before_score: float
    after_score: float

    @property
    def lost(self) -> bool:
        """True where the model that is judged is the wrong one."""
        return self.before == self.target

    @property
    def gained(self) -> bool:
        """True where the model that is judged is the right one."""
        return self.after == self.target


@dataclass(frozen=True, slots=True)
class LabelChange:
    """How many photos of one label each model names right."""

    label: str
    photos: int
    before_right: int
    after_right: int


@dataclass(frozen=True, slots=True)
class AccuracyChange:
    """What happened to accuracy: fractions from 0 to 1.

    ``lost`` photos only the model before names right, ``gained`` only the one after. ``drop_interval`` holds
    the true drop with 95 % confidence. ``p_value`` is that of McNemar's exact test: how often so uneven a
    split of the photos on which they differ would come by chance between models that are equally good.
    """

    before_top1: float
    after_top1: float
    lost: int
    gained: int
    drop_interval: Interval
    p_value: float
    before_calibration_error: float
    after_calibration_error: float
    by_label: tuple[LabelChange, ...]

    @property
    def drop_points(self) -> float:
        """Percentage points of top-1 lost; below 0 where some were gained."""
        return 100 * (self.before_top1 - self.after_top1)

    def lost_more_than(self, points: float) -> bool:
        """Return True where more was lost; a hair of rounding makes no loss that equals the limit more."""
        return round(self.drop_points, 9) > points


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on the same photos.

    ``agreement`` is the fraction of photos with the same label, ``mean_difference`` and
    ``worst_difference`` are of single scores; ``accuracy`` is None where nobody knows the true labels.
    """

    photos: int
    agreement: float
    mean_difference: float
    worst_difference: float
    flips: tuple[Flip, ...]
    accuracy: AccuracyChange | None


def compare(before: Scores, after: Scores, targets: Targets | None, labels: Sequence[str]) -> Comparison:
    """Compare two models' scores.

    Raises:
        ValueError: shapes that do not fit together, or no photo.
    """
    known = targets is None or len(targets) == len(before)
    if before.shape != after.shape or before.shape[1:] != (len(labels),) or not len(before) or not known:
        raise ValueError(
            f"scores of shapes {before.shape} and {after.shape} for {len(labels)} labels"
            f"{'' if targets is None else f' and {len(targets)} targets'}; wanted the same photos in each"
        )
    difference = np.abs(after.astype(np.float64) - before)
    return Comparison(
        photos=len(before),
        agreement=agreement(after, before),
        mean_difference=float(difference.mean()),
        worst_difference=float(difference.max()),
        flips=_flips(before, after, targets),
        accuracy=None if targets is None else _accuracy(before, after, targets, labels),
    )


def _flips(before: Scores, after: Scores, targets: Targets | None) -> tuple[Flip, ...]:
    was, now = before.argmax(axis=1), after.argmax(axis=1)
    return tuple(
        Flip(
            photo=int(index),
            target=None if targets is None else int(targets[index]),
            before=int(was[index]),
            after=int(now[index]),
            before_score=float(before[index].max()),
            after_score=float(after[index].max()),
        )
        for index in np.flatnonzero(was != now)
    )


def _accuracy(before: Scores, after: Scores, targets: Targets, labels: Sequence[str]) -> AccuracyChange:
    was_right, is_right = before.argmax(axis=1) == targets, after.argmax(axis=1) == targets
    lost, gained = int((was_right & ~is_right).sum()), int((is_right & ~was_right).sum())
    return AccuracyChange(
        before_top1=float(was_right.mean()),
        after_top1=float(is_right.mean()),
        lost=lost,
        gained=gained,
        drop_interval=paired_interval(lost, gained, len(targets)),
        p_value=mcnemar(lost, gained),
        before_calibration_error=calibration_error(before, targets),
        after_calibration_error=calibration_error(after, targets),
        by_label=tuple(
            LabelChange(
                label=label,
                photos=int((targets == index).sum()),
                before_right=int(was_right[targets == index].sum()),
                after_right=int(is_right[targets == index].sum()),
            )
            for index, label in enumerate(labels)
        ),
    )


def mcnemar(lost: int, gained: int) -> float:
    """Return the two-sided p-value of McNemar's exact test (McNemar 1947; a binomial test of the pairs).

    Under no difference each photo on which the models differ in being right is as likely lost as gained.
    """
    pairs, fewer = lost + gained, min(lost, gained)
    # Whole numbers to the end: two to the power of many pairs is beyond a float.
    ways = tail = 1
    for count in range(fewer):
        ways = ways * (pairs - count) // (count + 1)
        tail += ways
    return min(1.0, float(2 * tail / 2**pairs))


def paired_interval(lost: int, gained: int, photos: int) -> Interval:
    """Return the 95 % interval of the drop in accuracy, as fractions, from paired photos.

    Bonett & Price 2012, "Adjusted Wald Confidence Interval for a Difference of Binomial Proportions Based on
    Paired Data": one photo is added to each kind of change, so that it says something even where no photo
    changed.

    Raises:
        ValueError: more changes than photos, or no photo.
    """
    if photos < 1 or min(lost, gained) < 0 or lost + gained > photos:
        raise ValueError(f"{lost} lost and {gained} gained of {photos} photos")
    down, up = (lost + 1) / (photos + 2), (gained + 1) / (photos + 2)
    half = Z_95 * math.sqrt((down + up - (down - up) ** 2) / (photos + 2))
    return Interval(max(-1.0, down - up - half), min(1.0, down - up + half))
