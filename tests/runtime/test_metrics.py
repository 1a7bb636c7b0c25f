from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hangtag.metrics import (
    agreement,
    calibration_error,
    confusion,
    evaluate,
    negative_log_likelihood,
    top_k,
)

# Four photos, three labels; the third photo is wrong, the fourth is a tie of labels 1 and 2.
SCORES = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.6, 0.3, 0.1], [0.2, 0.4, 0.4]])
TARGETS = np.array([0, 1, 1, 2])


def test_a_table_computed_by_hand() -> None:
    result = evaluate(SCORES, TARGETS, ["a", "b", "c"])
    assert result.photos == 4
    assert result.top1 == 0.5
    assert result.top3 == 1.0
    assert result.confusion == ((1, 0, 0), (1, 1, 0), (0, 1, 0))
    assert result.negative_log_likelihood == pytest.approx(-math.log(0.7 * 0.8 * 0.3 * 0.4) / 4)
    # Each photo has a bin of its own: 0.7 right, 0.8 right, 0.6 wrong, 0.4 wrong (the tie goes to label 1).
    assert result.calibration_error == pytest.approx((0.3 + 0.2 + 0.6 + 0.4) / 4)
    a, b, c = result.classes
    assert (a.label, a.precision, a.recall, a.photos) == ("a", 0.5, 1.0, 1)
    assert (b.label, b.precision, b.recall, b.photos) == ("b", 0.5, 0.5, 2)
    assert (c.label, c.precision, c.recall, c.photos) == ("c", None, 0.0, 1)


def test_a_label_without_photos_has_no_recall() -> None:
    result = evaluate(np.array([[0.9, 0.1]]), np.array([0]), ["a", "b"])
    assert result.classes[1].recall is None
    assert result.classes[1].precision is None


def test_photos_of_one_bin_are_averaged_before_they_are_compared() -> None:
    # Confidences 0.81 and 0.85 share the bin 0.8 to 0.867; one is right: |0.83 - 0.5|.
    scores = np.array([[0.81, 0.19], [0.85, 0.15]])
    assert calibration_error(scores, np.array([0, 1])) == pytest.approx(0.33)


def test_a_score_of_one_falls_into_the_last_bin() -> None:
    assert calibration_error(np.array([[1.0, 0.0]]), np.array([0])) == 0.0


@pytest.mark.parametrize(("k", "expected"), [(1, 0.5), (2, 1.0), (3, 1.0), (9, 1.0)])
def test_top_k(k: int, expected: float) -> None:
    assert top_k(SCORES, TARGETS, k) == expected


def test_ties_go_to_the_lower_index() -> None:
    tied = np.full((3, 3), 1 / 3)
    assert top_k(tied, np.array([0, 1, 2]), 1) == pytest.approx(1 / 3)
    assert top_k(tied, np.array([0, 1, 2]), 2) == pytest.approx(2 / 3)
    many = np.full((1, 200), 1 / 200)  # enough for a sort that is not stable to mix up
    assert [top_k(many, np.array([target]), 5) for target in (0, 4, 5, 199)] == [1, 1, 0, 0]


def test_an_impossible_truth_costs_a_finite_amount() -> None:
    assert negative_log_likelihood(np.array([[1.0, 0.0]]), np.array([1])) == pytest.approx(-math.log(1e-12))


def test_agreement_compares_labels_not_scores() -> None:
    other = np.array([[0.4, 0.3, 0.3], [0.3, 0.4, 0.3], [0.3, 0.3, 0.4], [0.1, 0.5, 0.4]])
    assert agreement(SCORES, other) == 0.75


def test_confusion_has_truth_in_rows() -> None:
    table = confusion(np.array([1, 1, 0]), np.array([0, 0, 0]), 2)
    assert table.tolist() == [[1, 2], [0, 0]]


@pytest.mark.parametrize(
    ("scores", "targets", "labels"),
    [
        (np.zeros((0, 2)), np.zeros(0, int), ["a", "b"]),
        (np.zeros((3, 2)), np.zeros(2, int), ["a", "b"]),
        (np.zeros((3, 2)), np.zeros(3, int), ["a", "b", "c"]),
        (np.zeros(2), np.zeros(2, int), ["a", "b"]),
        (np.zeros((1, 2, 2)), np.zeros(1, int), ["a", "b"]),
        (np.full((2, 2), 0.5), np.array([0, 2]), ["a", "b"]),
        (np.full((2, 2), 0.5), np.array([0, -1]), ["a", "b"]),
    ],
)
def test_what_does_not_fit_together_is_a_value_error(
    scores: np.ndarray, targets: np.ndarray, labels: list[str]
) -> None:
    with pytest.raises(ValueError, match=r"wanted|targets"):
        evaluate(scores, targets, labels)


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    photos, labels = draw(st.integers(1, 30)), draw(st.integers(2, 6))
    raw = draw(hnp.arrays(np.float64, (photos, labels), elements=st.floats(0.01, 10)))
    targets = draw(hnp.arrays(np.int64, photos, elements=st.integers(0, labels - 1)))
    scores = raw / raw.sum(axis=1, keepdims=True)
    return scores.astype(draw(st.sampled_from([np.float32, np.float64]))), targets


@given(cases())
def test_what_must_hold_for_any_scores(case: tuple[np.ndarray, np.ndarray]) -> None:
    scores, targets = case
    labels = [f"label{index}" for index in range(scores.shape[1])]
    result = evaluate(scores, targets, labels)
    table = np.array(result.confusion)
    assert 0 <= result.top1 <= result.top3 <= 1
    assert 0 <= result.calibration_error <= 1
    assert result.negative_log_likelihood >= 0
    assert table.sum() == result.photos == len(targets)
    assert np.trace(table) == pytest.approx(result.top1 * len(targets))
    assert table.sum(axis=1).tolist() == [report.photos for report in result.classes]
    assert result.top1 == (scores.argmax(axis=1) == targets).mean()
    assert top_k(scores, targets, len(labels)) == 1.0


@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_photos_does_not_matter(case: tuple[np.ndarray, np.ndarray], random) -> None:
    scores, targets = case
    order = list(range(len(targets)))
    random.shuffle(order)
    labels = [str(index) for index in range(scores.shape[1])]
    first, second = evaluate(scores, targets, labels), evaluate(scores[order], targets[order], labels)
    assert first.confusion == second.confusion
    assert first.calibration_error == pytest.approx(second.calibration_error, abs=1e-5)
    assert first.negative_log_likelihood == pytest.approx(second.negative_log_likelihood)


@given(hnp.arrays(np.int64, st.integers(1, 20), elements=st.integers(0, 3)))
def test_certain_and_right_is_perfect(targets: np.ndarray) -> None:
    result = evaluate(np.eye(4)[targets], targets, list("abcd"))
    assert (result.top1, result.calibration_error, result.negative_log_likelihood) == (1.0, 0.0, 0.0)
