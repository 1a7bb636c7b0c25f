from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hangtag.metrics import (
    agreement,
    bootstrap_interval,
    calibration_error,
    confusion,
    evaluate,
    macro_f1,
    negative_log_likelihood,
    top_k,
    wilson_interval,
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
    assert result.macro_f1 == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    a, b, c = result.classes
    assert (a.label, a.precision, a.recall, a.f1, a.photos) == ("a", 0.5, 1.0, pytest.approx(2 / 3), 1)
    assert (b.label, b.precision, b.recall, b.f1, b.photos) == ("b", 0.5, 0.5, 0.5, 2)
    assert (c.label, c.precision, c.recall, c.f1, c.photos) == ("c", None, 0.0, 0.0, 1)


def test_a_label_without_photos_has_no_recall() -> None:
    result = evaluate(np.array([[0.9, 0.1]]), np.array([0]), ["a", "b"])
    assert result.classes[1].recall is None
    assert result.classes[1].precision is None
    assert result.classes[1].f1 is None
    assert result.macro_f1 == 1.0, "a label that nothing is known of does not count"


# --- calibration error -------------------------------------------------------------------------------------


def _certain(confidences: list[float], right: list[bool]) -> tuple[np.ndarray, np.ndarray]:
    """Scores of two labels with the given confidences, and targets that make them right or wrong."""
    first = np.array(confidences)
    return np.stack([first, 1 - first], axis=1), np.where(right, 0, 1)


def test_photos_of_one_bin_are_averaged_before_they_are_compared() -> None:
    scores, targets = _certain([0.81, 0.85], [True, False])
    assert calibration_error(scores, targets, bins=1) == pytest.approx(0.33)
    assert calibration_error(scores, targets, bins=2) == pytest.approx((0.19 + 0.85) / 2)


def test_bins_hold_equally_many_photos_not_equal_widths() -> None:
    # Of equal widths the first three would share a bin; of equal mass the first two and the last two do.
    scores, targets = _certain([0.99, 0.97, 0.98, 0.51], [True, False, False, True])
    low, high = abs((0.51 + 0.97) / 2 - 1 / 2), abs((0.98 + 0.99) / 2 - 1 / 2)
    assert calibration_error(scores, targets, bins=2) == pytest.approx((low + high) / 2)


def test_equal_confidences_count_with_their_common_accuracy_in_any_order() -> None:
    for right in ([True, True, False, False], [False, True, False, True], [False, False, True, True]):
        scores, targets = _certain([0.75] * 4, right)
        assert calibration_error(scores, targets, bins=2) == pytest.approx(0.25)


def test_bins_differ_by_one_photo_at_most() -> None:
    # Fifteen bins of 17 photos: two have two. All wrong, so that each bin's gap is its mean confidence.
    confidences = np.linspace(0.6, 0.9, 17)
    scores, targets = _certain(list(confidences), [False] * 17)
    assert calibration_error(scores, targets) == pytest.approx(confidences.mean())
    # Right and wrong in turn cancel within a bin of two alone.
    scores, targets = _certain(list(np.full(16, 0.5) + np.arange(16) * 1e-9), [True, False] * 8)
    assert calibration_error(scores, targets, bins=8) == pytest.approx(0, abs=1e-6)
    assert calibration_error(scores, targets, bins=15) == pytest.approx(0.5 * 14 / 16, abs=1e-6)


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(2, 10))
def test_scores_that_mean_what_they_say_have_a_small_calibration_error(seed: int, labels: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.dirichlet(np.full(labels, 0.4), 6000)
    targets = (scores.cumsum(axis=1) > rng.random((6000, 1))).argmax(axis=1)
    assert calibration_error(scores, targets) < 0.035
    boastful = np.eye(labels)[scores.argmax(axis=1)]
    assert calibration_error(boastful, targets) == pytest.approx(1 - top_k(scores, targets, 1))


def test_a_score_of_one_that_is_right_is_calibrated() -> None:
    assert calibration_error(np.array([[1.0, 0.0]]), np.array([0])) == 0.0


# --- intervals ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [
        # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilsons_interval_is_the_published_one(hits: int, trials: int, low: float, high: float) -> None:
    interval = wilson_interval(hits, trials)
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


@given(st.integers(1, 10**6), st.data())
def test_wilsons_interval_holds_the_share_and_stays_within_0_and_1(trials: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, trials))
    interval = wilson_interval(hits, trials)
    assert 0 <= interval.low <= hits / trials <= interval.high <= 1
    assert interval.low < interval.high
    mirrored = wilson_interval(trials - hits, trials)
    assert mirrored.low == pytest.approx(1 - interval.high, abs=1e-9)


@pytest.mark.parametrize(("hits", "trials"), [(0, 0), (3, 2), (-1, 2)])
def test_a_share_of_nothing_is_misuse(hits: int, trials: int) -> None:
    with pytest.raises(ValueError, match="trials"):
        wilson_interval(hits, trials)


def test_the_bootstrap_of_a_mean_is_its_standard_error_wide() -> None:
    values = np.random.default_rng(3).normal(5, 2, 400)
    interval = bootstrap_interval(lambda chosen: float(values[chosen].mean()), 400, resamples=2000)
    half = 1.96 * values.std() / 20
    assert interval.low == pytest.approx(values.mean() - half, abs=0.03)
    assert interval.high == pytest.approx(values.mean() + half, abs=0.03)


def test_the_bootstrap_is_its_seeds() -> None:
    values = np.arange(40.0)

    def interval(seed: int) -> object:
        return bootstrap_interval(lambda chosen: float(values[chosen].mean()), 40, resamples=50, seed=seed)

    assert interval(1) == interval(1) != interval(2)


@pytest.mark.parametrize(("photos", "resamples"), [(0, 10), (10, 0)])
def test_a_bootstrap_of_nothing_is_misuse(photos: int, resamples: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        bootstrap_interval(lambda chosen: float(len(chosen)), photos, resamples=resamples)


def test_an_evaluations_intervals_are_those_of_its_own_figures() -> None:
    rng = np.random.default_rng(8)
    scores = rng.dirichlet(np.full(3, 0.3), 300)
    targets = (scores.cumsum(axis=1) > rng.random((300, 1))).argmax(axis=1)
    result = evaluate(scores, targets, list("abc"), resamples=400, seed=5)
    assert result == evaluate(scores, targets, list("abc"), resamples=400, seed=5)
    assert result.top1_wilson == wilson_interval(round(result.top1 * 300), 300)
    for resampled, figure in (
        (result.top1_bootstrap, result.top1),
        (result.macro_f1_bootstrap, result.macro_f1),
    ):
        assert resampled.low < figure < resampled.high
        assert resampled.high - resampled.low == pytest.approx(2 * 1.96 * math.sqrt(0.2 * 0.8 / 300), rel=0.4)
    expected = bootstrap_interval(
        lambda chosen: calibration_error(scores[chosen], targets[chosen]), 300, resamples=400, seed=5
    )
    assert result.calibration_error_bootstrap == expected


@pytest.mark.parametrize(
    ("photos", "labels", "mistakes", "calibration", "resampling", "top3"),
    [
        (149, 2, 1, False, True, False),
        (150, 3, 1, True, True, False),
        (150, 4, 0, True, False, True),
        (150, 4, 150, True, False, True),
        (1, 4, 1, False, False, True),
    ],
)
def test_which_figures_tell_something(
    photos: int, labels: int, mistakes: int, *, calibration: bool, resampling: bool, top3: bool
) -> None:
    targets = np.arange(photos) % labels
    named = np.where(np.arange(photos) < mistakes, (targets + 1) % labels, targets)
    result = evaluate(np.eye(labels)[named], targets, [str(n) for n in range(labels)], resamples=5)
    found = result.calibration_tells, result.resampling_tells, result.top3_tells
    assert found == (calibration, resampling, top3)


def test_chance_looks_like_a_calibration_error_until_there_are_photos_enough() -> None:
    rng = np.random.default_rng(3)

    def of_perfect_scores(photos: int) -> float:
        share = rng.uniform(0.5, 0.7, photos)
        targets = (rng.random(photos) > share).astype(int)
        return calibration_error(np.stack([share, 1 - share], axis=1), targets)

    assert np.mean([of_perfect_scores(8) for _ in range(50)]) > 0.4
    assert np.mean([of_perfect_scores(150) for _ in range(50)]) < 0.15


# --- ranks and counts --------------------------------------------------------------------------------------


@given(
    hnp.arrays(np.int64, st.integers(1, 40), elements=st.integers(0, 5)), st.randoms(use_true_random=False)
)
def test_macro_f1_is_the_mean_of_harmonic_means(targets: np.ndarray, random) -> None:
    predicted = np.array([random.choice([target, 0, 3]) for target in targets])
    found = []
    for label in sorted({*targets.tolist(), *predicted.tolist()}):
        hits = int(((predicted == label) & (targets == label)).sum())
        precision = hits / max(int((predicted == label).sum()), 1)
        recall = hits / max(int((targets == label).sum()), 1)
        found.append(2 * precision * recall / (precision + recall) if hits else 0.0)
    assert macro_f1(predicted, targets, 6) == pytest.approx(float(np.mean(found)))


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
    result = evaluate(scores, targets, labels, resamples=5)
    table = np.array(result.confusion)
    assert 0 <= result.top1 <= result.top3 <= 1
    assert 0 <= result.calibration_error <= 1
    assert result.negative_log_likelihood >= 0
    assert 0 <= result.macro_f1 <= 1
    assert result.top1_wilson.low <= result.top1 <= result.top1_wilson.high
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
    first = evaluate(scores, targets, labels, resamples=1)
    second = evaluate(scores[order], targets[order], labels, resamples=1)
    assert first.confusion == second.confusion
    assert first.calibration_error == pytest.approx(second.calibration_error, abs=1e-5)
    assert first.negative_log_likelihood == pytest.approx(second.negative_log_likelihood)


@given(hnp.arrays(np.int64, st.integers(1, 20), elements=st.integers(0, 3)))
def test_certain_and_right_is_perfect(targets: np.ndarray) -> None:
    result = evaluate(np.eye(4)[targets], targets, list("abcd"), resamples=5)
    assert (result.macro_f1, result.calibration_error_bootstrap.high) == (1.0, 0.0)
    assert (result.top1, result.calibration_error, result.negative_log_likelihood) == (1.0, 0.0, 0.0)
