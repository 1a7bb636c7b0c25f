"""Thresholds under which a frame is unknown, and how well they tell known things from others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hangtag.calibration import (
    accepting_threshold,
    auroc,
    confidences,
    fewest_known,
    measure_rejection,
    refitted_threshold,
    two_sample_interval,
    unknown_threshold,
)


@pytest.mark.parametrize(("best", "threshold"), [(0.99998, 0.5), (0.5, 0.5), (0.45678, 0.4567), (0.3, 0.3)])
def test_a_threshold_is_rounded_down_and_never_above_a_half(best: float, threshold: float) -> None:
    scores = np.array([[best, *[(1 - best) / 9] * 9]] * 9)
    assert unknown_threshold(scores) == pytest.approx(threshold, abs=1e-9)
    assert unknown_threshold(scores) <= best


def _scores(best: list[float]) -> np.ndarray:
    return np.array([[value, 1 - value] if value >= 0.5 else [value, value / 2] for value in best])


bests = st.lists(st.floats(0.05, 0.99), min_size=1, max_size=40)


@given(bests, st.integers(0, 100))
def test_a_model_that_is_the_same_keeps_its_threshold(best: list[float], per_cent: int) -> None:
    assert refitted_threshold(per_cent / 100, _scores(best), _scores(best)) == per_cent / 100


@given(
    st.lists(st.tuples(st.floats(0.3, 0.9), st.integers(77, 230)), min_size=1, max_size=40), st.floats(0, 1)
)
def test_as_many_photos_are_unknown_as_before_or_as_nearly_as_equal_scores_allow(
    pairs: list[tuple[float, int]], threshold: float
) -> None:
    before, after = _scores([was for was, _ in pairs]), _scores([now / 256 for _, now in pairs])
    refused = (before.max(axis=1) < threshold).sum()
    fitted = refitted_threshold(threshold, before, after)
    highest = max(threshold, 0.5)
    assert 0 <= fitted <= highest
    levels = [*(level / 512 for level in range(513) if level / 512 <= highest), highest]
    possible = [(after.max(axis=1) < level).sum() for level in levels]
    assert abs((after.max(axis=1) < fitted).sum() - refused) == min(
        abs(count - refused) for count in possible
    )


def test_the_threshold_moves_with_the_scores() -> None:
    before = _scores([0.31, 0.42, 0.58, 0.97])
    assert refitted_threshold(0.5, before, before - 0.1) == pytest.approx(0.4, abs=0.01)
    # 0.5 lies between 0.32 and 0.48 no more: what was refused stays refused, what passed passes.
    lower = _scores([0.21, 0.32, 0.48, 0.87])
    assert 0.32 < refitted_threshold(0.5, before, lower) <= 0.48


# Few levels, so that ties are common, as in 8-bit scores.
levels = st.lists(st.integers(0, 20).map(lambda level: level / 20), min_size=1, max_size=30)


@given(levels, levels)
def test_the_auroc_is_the_share_of_pairs_in_the_right_order(known: list[float], unknown: list[float]) -> None:
    pairs = [(one > other) + (one == other) / 2 for one in known for other in unknown]
    assert auroc(np.array(known), np.array(unknown)) == pytest.approx(np.mean(pairs), abs=1e-12)


def test_the_auroc_needs_photos_of_both_kinds() -> None:
    with pytest.raises(ValueError, match="0 known and 2 unknown"):
        auroc(np.array([]), np.array([0.1, 0.2]))


@pytest.mark.parametrize(("share", "fewest"), [(0.95, 20), (0.9, 10), (0.99, 100), (0.5, 2), (0.97, 34)])
def test_one_photo_at_least_may_be_refused(share: float, fewest: int) -> None:
    assert fewest_known(share) == fewest
    with pytest.raises(ValueError, match=f"wanted {fewest} or more"):
        accepting_threshold(np.full(fewest - 1, 0.9), share)
    # The lowest of them is the one.
    ladder = np.linspace(0.5, 0.9, fewest)
    assert (ladder < accepting_threshold(ladder, share)).sum() == 1


@given(st.lists(st.floats(0.05, 1), min_size=20, max_size=200), st.sampled_from([0.9, 0.95]))
def test_the_threshold_is_the_highest_that_lets_the_share_pass(best: list[float], share: float) -> None:
    known = np.array(best)
    threshold = accepting_threshold(known, share)
    assert (known >= threshold).mean() >= share
    # A step and a half higher it would refuse too many.
    assert (known >= threshold + 1.5e-4).mean() < share


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, 1.5])
def test_a_share_must_leave_something_to_refuse(share: float) -> None:
    with pytest.raises(ValueError, match="wanted above 0 and below 1"):
        accepting_threshold(np.full(100, 0.9), share)


def test_a_rejection_counts_who_is_accepted() -> None:
    known, unknown = np.array([0.2, 0.6, 0.7, 0.8]), np.array([0.1, 0.3, 0.6, 0.65, 0.9])
    found = measure_rejection(known, unknown, 0.6)
    assert (found.true_accept, found.false_accept) == (0.75, 0.6)
    assert (found.known_photos, found.unknown_photos, found.threshold) == (4, 5, 0.6)
    assert found.auroc == pytest.approx((1 + 2.5 + 4 + 4) / 20)
    assert found.auroc_interval is not None
    assert found.auroc_interval.low < found.auroc < found.auroc_interval.high
    assert found.true_accept_interval.low < 0.75 < found.true_accept_interval.high
    assert found.false_accept_interval.low < 0.6 < found.false_accept_interval.high


def test_resampling_says_nothing_of_photos_that_are_told_apart_without_fail() -> None:
    found = measure_rejection(np.full(30, 0.9), np.full(20, 0.1), 0.5)
    assert (found.auroc, found.auroc_interval, found.false_accept) == (1.0, None, 0.0)
    assert found.false_accept_interval.high > 0.1


def test_the_interval_narrows_with_the_photos_and_is_the_same_again() -> None:
    rng = np.random.default_rng(0)
    widths = []
    for photos in (40, 640):
        known, unknown = rng.normal(1, 1, photos), rng.normal(0, 1, photos)
        first, second = (two_sample_interval(auroc, known, unknown, resamples=300) for _ in range(2))
        assert first == second
        widths.append(first.high - first.low)
    # Sixteen times the photos, a quarter of the width.
    assert widths[0] / widths[1] == pytest.approx(4, rel=0.4)


def test_the_confidence_is_the_best_score() -> None:
    assert confidences(np.array([[0.2, 0.8], [0.6, 0.4]])).tolist() == [0.8, 0.6]
