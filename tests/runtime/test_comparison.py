"""Two models on the same photos: what changed, and whether it can be chance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hangtag.comparison import compare, mcnemar, paired_interval

LABELS = ("hat", "scarf", "belt")


def _scores(*called: int, sure: float = 0.8) -> np.ndarray:
    """One photo a row, so sure of the label it is called."""
    scores = np.full((len(called), 3), (1 - sure) / 2)
    scores[np.arange(len(called)), called] = sure
    return scores


def test_each_photo_that_changed_is_told() -> None:
    targets = np.array([0, 1, 2, 2])
    found = compare(_scores(0, 1, 2, 0), _scores(0, 2, 2, 1, sure=0.6), targets, LABELS)
    lost, other = found.flips
    assert (lost.photo, lost.target, lost.before, lost.after) == (1, 1, 1, 2)
    assert (lost.before_score, lost.after_score) == pytest.approx((0.8, 0.6))
    assert (lost.lost, lost.gained, other.lost, other.gained) == (True, False, False, False)
    assert found.agreement == 0.5
    assert found.worst_difference == pytest.approx(0.6)
    assert found.accuracy is not None
    assert (found.accuracy.before_top1, found.accuracy.after_top1) == (0.75, 0.5)
    assert found.accuracy.drop_points == 25.0
    assert (found.accuracy.lost, found.accuracy.gained) == (1, 0)
    assert [
        (row.label, row.photos, row.before_right, row.after_right) for row in found.accuracy.by_label
    ] == [
        ("hat", 1, 1, 1),
        ("scarf", 1, 1, 0),
        ("belt", 2, 1, 1),
    ]


def test_the_same_scores_differ_in_nothing() -> None:
    scores = _scores(0, 1, 2)
    found = compare(scores, scores, np.array([0, 1, 1]), LABELS)
    assert (found.agreement, found.mean_difference, found.worst_difference, found.flips) == (
        1.0,
        0.0,
        0.0,
        (),
    )
    assert found.accuracy is not None
    assert (found.accuracy.drop_points, found.accuracy.p_value) == (0.0, 1.0)


def test_without_labels_there_is_agreement_and_no_accuracy() -> None:
    found = compare(_scores(0, 1), _scores(0, 2), None, LABELS)
    assert found.accuracy is None
    assert [(flip.target, flip.lost, flip.gained) for flip in found.flips] == [(None, False, False)]


@pytest.mark.parametrize(
    ("before", "after", "targets"),
    [
        (_scores(0, 1), _scores(0), [0, 1]),
        (_scores(0, 1), _scores(0, 1), [0]),
        (_scores(0)[:, :2], _scores(0)[:, :2], [0]),
        (_scores()[:0], _scores()[:0], []),
    ],
)
def test_other_photos_or_labels_are_misuse(before: np.ndarray, after: np.ndarray, targets: list[int]) -> None:
    with pytest.raises(ValueError, match="the same photos"):
        compare(before, after, np.array(targets, int), LABELS)


@pytest.mark.parametrize(
    ("lost", "gained", "p_value"),
    [
        (0, 0, 1.0),
        (1, 0, 1.0),
        (5, 0, 2 / 32),
        (0, 5, 2 / 32),
        (6, 1, 2 * 8 / 128),
        (8, 2, 2 * 56 / 1024),
        (4, 4, 1.0),
        # By SciPy's binomtest.
        (59, 6, 4.96465e-12),
        (5200, 4800, 6.5935e-05),
    ],
)
def test_mcnemar_is_the_exact_binomial_test(lost: int, gained: int, p_value: float) -> None:
    assert mcnemar(lost, gained) == pytest.approx(p_value, rel=1e-4)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 1000))
def test_the_interval_holds_the_drop_that_was_seen_nearly(lost: int, gained: int, same: int) -> None:
    photos = lost + gained + same + 1
    interval = paired_interval(lost, gained, photos)
    assert -1 <= interval.low < interval.high <= 1
    # The photo added to each kind pulls the middle towards 0 by that much at most.
    middle = (lost - gained) / photos
    assert interval.low - 2 / photos <= middle <= interval.high + 2 / photos
    turned = paired_interval(gained, lost, photos)
    assert (turned.low, turned.high) == pytest.approx((-interval.high, -interval.low))


def test_the_interval_says_something_where_nothing_changed() -> None:
    few, many = paired_interval(0, 0, 20), paired_interval(0, 0, 2000)
    assert few.high > 0.1
    assert 0 < many.high < 0.003


def test_the_interval_covers_as_often_as_it_says() -> None:
    """Simulated pairs: 3 % are lost, 2 % gained; the true drop of 1 % must lie inside 95 times in 100."""
    rng = np.random.default_rng(11)
    inside = 0
    for lost, gained, _ in rng.multinomial(341, [0.03, 0.02, 0.95], 2000):
        interval = paired_interval(int(lost), int(gained), 341)
        inside += interval.low <= 0.01 <= interval.high
    assert 0.93 <= inside / 2000 <= 0.99


def test_counts_that_cannot_be_are_misuse() -> None:
    for lost, gained, photos in ((1, 1, 1), (-1, 0, 3), (0, 0, 0)):
        with pytest.raises(ValueError, match="photos"):
            paired_interval(lost, gained, photos)
