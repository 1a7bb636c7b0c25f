"""When a best score is too low to mean anything: the threshold under which a frame is "unknown"."""

from __future__ import annotations

import math

import numpy as np

from hangtag.metrics import Scores

_HIGHEST_THRESHOLD = 0.5
_KNOWN_SHARE = 0.98
"""Share of photos of known things whose best score stays above the threshold."""


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
