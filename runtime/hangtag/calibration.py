"""When a frame looks like none of the labels: the thresholds under which it is "unknown".

How well a model tells known things from others is measured on their **confidences**, one number per photo: a
photo is accepted as known where its confidence is the threshold or more. Two confidences have thresholds in a
contract: the energy (:mod:`hangtag.logits_output`), and for clients that see scores alone the best score
(Hendrycks & Gimpel 2017, "A Baseline for Detecting Misclassified and Out-of-Distribution Examples").
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hangtag.contract import Calibration
from hangtag.metrics import BOOTSTRAP_RESAMPLES, Interval, Scores, wilson_interval

Confidences = npt.NDArray[np.floating[Any]]

FEWEST_UNKNOWN = 10
"""Pictures; fewer say next to nothing about what is accepted."""

ENERGY_KNOWN_SHARE = 0.97
"""Share of photos of known things whose energy reaches the threshold that conversion fits.

Chosen on the bundled model's validation photos. With 0.98 three in four plain surfaces pass for clothes, and
those are what a camera sees most of the day; with 0.95 the right label comes within half a second after less
than nine in ten changes in front of the simulated camera. In between it comes as soon as with a threshold of
the score, plain surfaces pass as rarely, and other things about a third as often.
"""

_HIGHEST_THRESHOLD = 0.5
_KNOWN_SHARE = 0.98
"""Share of photos of known things whose best score stays above the threshold."""


def what_decides(calibration: Calibration) -> str:
    """Return in a few words by what this runtime tells what is unknown, such as "energy below 2.5"."""
    if calibration.energy_threshold is not None:
        return f"energy below {calibration.energy_threshold:g}"
    if calibration.unknown_threshold is not None:
        return f"best score below {calibration.unknown_threshold:g}"
    return "no threshold"


@dataclass(frozen=True, slots=True)
class Rejection:
    """How well confidences tell photos of known things from others: fractions, each with its 95 % interval.

    Args:
        threshold: the lowest confidence that is accepted.
        true_accept: known photos that are accepted.
        false_accept: others that are accepted, though they should not be.
        auroc: the probability that a known photo has more confidence than another, ties counted by half;
            ``auroc_interval`` is None where it is 0 or 1, which resampling can say nothing about.
    """

    threshold: float
    known_photos: int
    unknown_photos: int
    true_accept: float
    true_accept_interval: Interval
    false_accept: float
    false_accept_interval: Interval
    auroc: float
    auroc_interval: Interval | None


def confidences(scores: Scores) -> Confidences:
    """Return each photo's best score, shape (photos,), of scores of shape (photos, labels)."""
    return np.asarray(scores.max(axis=1))


def fewest_known(true_accept: float) -> int:
    """Return how many known photos a threshold needs so that one of them at least may lie below it."""
    # Rounded, because 1 - 0.95 is a little less than a twentieth.
    return math.ceil(round(1 / (1 - true_accept), 6))


def accepting_threshold(known: Confidences, true_accept: float) -> float:
    """Return the highest threshold that accepts a share of known photos, in steps of 0.0001.

    Args:
        known: confidences of photos of known things, at least :func:`fewest_known` of them.
        true_accept: the share to accept, above 0 and below 1; as much or a little more is.

    Raises:
        ValueError: too few photos, or no such share.
    """
    if not 0 < true_accept < 1:
        raise ValueError(f"true_accept is {true_accept}; wanted above 0 and below 1")
    if len(known) < fewest_known(true_accept):
        raise ValueError(f"{len(known)} photos of known things; wanted {fewest_known(true_accept)} or more")
    return _highest_accepting(known, true_accept)


def energy_threshold(known: Confidences) -> float:
    """Return the threshold of the energy that nearly all photos of known things reach.

    Args:
        known: energies of photos of known things, one at least; of fewer than 34 all pass.
    """
    return _highest_accepting(known, ENERGY_KNOWN_SHARE)


def _highest_accepting(known: Confidences, share: float) -> float:
    refused = math.floor(round(len(known) * (1 - share), 6))
    # Rounded up it could lie above the photo that it was made of.
    return _rounded_down(float(np.sort(known)[refused]))


def auroc(known: Confidences, unknown: Confidences) -> float:
    """Return the area under the receiver operating characteristic, by ranks (Mann & Whitney 1947).

    Raises:
        ValueError: one of the two is empty.
    """
    if len(known) == 0 or len(unknown) == 0:
        raise ValueError(f"{len(known)} known and {len(unknown)} unknown photos; wanted one of each at least")
    levels, place = np.unique(np.concatenate([known, unknown]), return_inverse=True)
    of_known = np.bincount(place[: len(known)], minlength=len(levels))
    of_unknown = np.bincount(place[len(known) :], minlength=len(levels))
    below = np.cumsum(of_unknown) - of_unknown
    return float((of_known * (below + of_unknown / 2)).sum() / (len(known) * len(unknown)))


def measure_rejection(
    known: Confidences,
    unknown: Confidences,
    threshold: float,
    *,
    resamples: int = BOOTSTRAP_RESAMPLES,
    seed: int = 0,
) -> Rejection:
    """Measure how a threshold divides known photos from others.

    The shares' intervals are Wilson's, for the threshold as it is; that of the AUROC is the percentile
    bootstrap's, known photos and others resampled each among themselves.

    Raises:
        ValueError: there are no known photos or no others.
    """
    area = auroc(known, unknown)
    accepted_known, accepted_unknown = int((known >= threshold).sum()), int((unknown >= threshold).sum())
    return Rejection(
        threshold=threshold,
        known_photos=len(known),
        unknown_photos=len(unknown),
        true_accept=accepted_known / len(known),
        true_accept_interval=wilson_interval(accepted_known, len(known)),
        false_accept=accepted_unknown / len(unknown),
        false_accept_interval=wilson_interval(accepted_unknown, len(unknown)),
        auroc=area,
        auroc_interval=two_sample_interval(auroc, known, unknown, resamples=resamples, seed=seed)
        if 0 < area < 1
        else None,
    )


def two_sample_interval(
    statistic: Callable[[Confidences, Confidences], float],
    known: Confidences,
    unknown: Confidences,
    *,
    resamples: int = BOOTSTRAP_RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Return the 95 % percentile bootstrap interval of a statistic of two independent groups of photos."""
    rng = np.random.default_rng(seed)
    values = [
        statistic(rng.choice(known, len(known)), rng.choice(unknown, len(unknown))) for _ in range(resamples)
    ]
    low, high = np.percentile(values, [2.5, 97.5])
    return Interval(float(low), float(high))


def unknown_threshold(scores: Scores) -> float:
    """Return the threshold that nearly all photos of known things pass, 0 to 0.5.

    Args:
        scores: of photos that each show one of the labels, shape (photos, labels).
    """
    quantile = float(np.quantile(scores.max(axis=1), 1 - _KNOWN_SHARE))
    # Rounded up it could lie above every score; few or easy photos would put it there, too. A label with
    # more than half of the score is never "none of these".
    return min(_rounded_down(quantile), _HIGHEST_THRESHOLD)


def refitted_threshold(threshold: float, before: Scores, after: Scores) -> float:
    """Return the threshold with which another model lets the same share of photos pass.

    Quantization moves scores a little, and with them what a threshold lets through. Whatever rule chose
    ``threshold``, its share of the photos is kept: exactly, or as nearly as equal scores allow. No threshold
    of a half or less becomes more than a half.

    Args:
        threshold: of the model before, 0 to 1.
        before: that model's scores, shape (photos, labels).
        after: the other model's scores on the same photos.
    """
    refused = int((before.max(axis=1) < threshold).sum())
    best = np.sort(after.max(axis=1).astype(np.float64))
    if int((best < threshold).sum()) == refused:
        return threshold
    # Between each two neighbours lies one threshold to choose from; of scores that are equal there is none.
    places = np.concatenate([[best[0]], (best[1:] + best[:-1]) / 2, [1.0]])
    counts = np.searchsorted(best, places, side="left")
    nearest = np.abs(counts - refused)
    fitting = places[nearest == nearest.min()]
    chosen = float(fitting[np.abs(fitting - threshold).argmin()])
    rounded = _rounded_down(chosen)
    same = int((best < rounded).sum()) == int((best < chosen).sum())
    return min(rounded if same else chosen, max(threshold, _HIGHEST_THRESHOLD))


def _rounded_down(value: float) -> float:
    return math.floor(value * 1e4) / 1e4
