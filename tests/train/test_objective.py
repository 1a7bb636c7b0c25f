from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest

from hangtag_train.network import label_logits
from hangtag_train.objective import Objective, photo_weights, smoothed, top1_of
from hangtag_train.recipe import Recipe

RNG = np.random.default_rng(1)
LOGITS = RNG.normal(0, 2, (6, 4)).astype(np.float32)
TARGETS = RNG.dirichlet(np.ones(4), 6).astype(np.float32)


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    powers = np.exp(logits.astype(np.float64) / temperature)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def test_without_a_teacher_it_is_the_cross_entropy() -> None:
    loss = np.array(Objective(4, teacher_share=0.7, temperature=2.0).call(TARGETS, LOGITS))
    np.testing.assert_allclose(loss, -(TARGETS * np.log(softmax(LOGITS))).sum(axis=1), rtol=1e-5)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_a_teacher_adds_its_divergence(share: float, temperature: float) -> None:
    taught = softmax(RNG.normal(0, 2, (6, 4)), temperature).astype(np.float32)
    both = np.concatenate([TARGETS, taught], axis=1)
    loss = np.array(Objective(4, teacher_share=share, temperature=temperature).call(both, LOGITS))
    entropy = -(TARGETS * np.log(softmax(LOGITS))).sum(axis=1)
    divergence = (taught * np.log(taught / softmax(LOGITS, temperature))).sum(axis=1)
    np.testing.assert_allclose(
        loss, (1 - share) * entropy + share * temperature**2 * divergence, rtol=1e-4, atol=1e-5
    )


def test_a_student_that_says_the_same_pays_nothing() -> None:
    both = np.concatenate([TARGETS, softmax(LOGITS, 2.0).astype(np.float32)], axis=1)
    loss = np.array(Objective(4, teacher_share=1.0, temperature=2.0).call(both, LOGITS))
    np.testing.assert_allclose(loss, 0, atol=1e-5)


def test_a_teacher_that_is_certain_costs_a_finite_loss() -> None:
    both = np.concatenate([TARGETS, np.eye(4, dtype=np.float32)[[0, 1, 2, 3, 0, 1]]], axis=1)
    loss = np.array(Objective(4, teacher_share=0.5, temperature=1.0).call(both, 100 * LOGITS))
    assert np.isfinite(loss).all()


def test_one_sigmoid_unit_is_the_softmax_of_nothing_and_it() -> None:
    units = RNG.normal(0, 3, (9, 1)).astype(np.float32)
    truth = RNG.integers(0, 2, 9)
    loss = np.array(
        Objective(2, teacher_share=0, temperature=1).call(
            np.eye(2, dtype=np.float32)[truth], label_logits(units)
        )
    )
    binary = keras.losses.BinaryCrossentropy(from_logits=True, reduction=None)
    np.testing.assert_allclose(loss, np.array(binary(truth[:, None].astype(np.float32), units)), rtol=1e-5)


def test_top1_looks_at_the_labels_and_not_at_the_teacher() -> None:
    taught = np.roll(np.eye(4, dtype=np.float32), 1, axis=1)
    logits = np.eye(4, dtype=np.float32)[[0, 1, 2, 0]]
    both = np.concatenate([np.eye(4, dtype=np.float32), taught], axis=1)
    np.testing.assert_array_equal(np.array(top1_of(4)(both, logits)), [1, 1, 1, 0])


@pytest.mark.parametrize(
    ("share", "row"), [(0.0, [0, 1, 0, 0]), (0.2, [0.05, 0.85, 0.05, 0.05]), (0.99, [0.2475] * 4)]
)
def test_smoothing_spreads_a_share_over_all_labels(share: float, row: list[float]) -> None:
    result = smoothed(np.eye(4, dtype=np.float32)[1:2], share)
    np.testing.assert_allclose(result, [row], atol=0.011 if share == 0.99 else 1e-6)
    np.testing.assert_allclose(result.sum(), 1, rtol=1e-6)


def test_weights_make_every_label_count_the_same_and_the_average_photo_one() -> None:
    targets = np.array([0] * 6 + [1] * 3 + [2])
    weights = photo_weights(Recipe(class_weights=True), targets, 3)
    assert weights is not None
    totals = [weights[label] * (targets == label).sum() for label in range(3)]
    np.testing.assert_allclose(totals, [10 / 3] * 3, rtol=1e-6)
    assert weights[targets].mean() == pytest.approx(1)
    assert photo_weights(dataclasses.replace(Recipe(), class_weights=False), targets, 3) is None
