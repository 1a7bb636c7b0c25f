from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hangtag.contract import OutputKind
from hangtag.errors import TrainingError
from hangtag_train.network import build_network, fit_temperature, label_logits, output_kind, softmax
from hangtag_train.recipe import Recipe


def loss(logits: np.ndarray, targets: np.ndarray, temperature: float) -> float:
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    chosen = np.exp(scaled) / np.exp(scaled).sum(axis=1, keepdims=True)
    return float(-np.log(np.maximum(chosen[np.arange(len(targets)), targets], 1e-300)).mean())


@given(st.integers(0, 2**32 - 1), st.integers(2, 8), st.floats(0.1, 30))
def test_the_fitted_temperature_is_the_best_of_a_grid(seed: int, labels: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, labels, 60)
    logits = rng.normal(0, 1, (60, labels)).astype(np.float32)
    logits[np.arange(60), targets] += 1
    logits *= np.float32(spread)
    fitted = fit_temperature(logits, targets)
    grid = np.exp(np.linspace(np.log(0.25), np.log(20), 400))
    best = min(loss(logits, targets, temperature) for temperature in grid)
    assert 0.25 <= fitted <= 20
    assert loss(logits, targets, fitted) <= best + 1e-4


@pytest.mark.parametrize("true_temperature", [0.4, 1.0, 3.0])
def test_a_known_temperature_is_found(true_temperature: float) -> None:
    rng = np.random.default_rng(0)
    calibrated = rng.normal(0, 2, (20_000, 4))
    chances = np.exp(calibrated) / np.exp(calibrated).sum(axis=1, keepdims=True)
    targets = (chances.cumsum(axis=1) > rng.random((20_000, 1))).argmax(axis=1)
    fitted = fit_temperature((calibrated * true_temperature).astype(np.float32), targets)
    assert fitted == pytest.approx(true_temperature, rel=0.05)


def test_folding_divides_the_logits_and_calibrates_the_scores(small_network) -> None:
    network = small_network(4)
    network.head.set_weights([network.head.get_weights()[0], np.array([1, -2, 3, -4], np.float32)])
    images = np.random.default_rng(0).normal(0, 1, (7, 32, 32, 3)).astype(np.float32)
    before = network.logits.predict(images, verbose=0)
    network.divide_logits(2.5)
    np.testing.assert_allclose(network.logits.predict(images, verbose=0), before / 2.5, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(network.scores.predict(images, verbose=0), softmax(before / 2.5), atol=1e-6)


def test_softmax_rows_add_up_to_one_without_overflow() -> None:
    scores = softmax(np.array([[1000.0, 0.0], [-1000.0, -1000.0], [0.0, np.log(3.0)]], np.float32))
    np.testing.assert_allclose(scores, [[1, 0], [0.5, 0.5], [0.25, 0.75]], atol=1e-6)


def test_layers_can_be_exported(small_recipe: Recipe) -> None:
    network = build_network(dataclasses.replace(small_recipe, blocks="0-1"), 3, pretrained=False)
    # A name that begins with an underscore is no valid scope in a SavedModel.
    assert all(layer.name[0].isalpha() for layer in network.scores.layers)
    assert network.scores.output_shape == (None, 3)
    assert network.head is network.logits.layers[-1]


def test_one_sigmoid_unit_is_two_labels() -> None:
    recipe = Recipe(backbone="mlp", pretrained=False, size_px=8, output="sigmoid")
    network = build_network(recipe, 2)
    assert output_kind(recipe) is OutputKind.SIGMOID
    images = np.random.default_rng(0).normal(0, 1, (5, 8, 8, 3)).astype(np.float32)
    scores = np.asarray(network.scores.predict_on_batch(images))
    both = softmax(label_logits(np.asarray(network.logits.predict_on_batch(images))))
    assert scores.shape == (5, 1)
    np.testing.assert_allclose(both, np.concatenate([1 - scores, scores], axis=1), atol=1e-6)


@pytest.mark.parametrize("labels", [1, 3, 10])
def test_one_sigmoid_unit_for_other_than_two_labels_is_refused(labels: int) -> None:
    recipe = Recipe(backbone="mlp", pretrained=False, size_px=8, output="sigmoid")
    with pytest.raises(TrainingError, match=f"tells two labels apart, got {labels}; give --output softmax"):
        build_network(recipe, labels)


def test_logits_of_many_labels_are_left_alone() -> None:
    logits = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert label_logits(logits) is logits


def test_a_perfect_validation_set_does_not_sharpen_without_end() -> None:
    logits = np.eye(3, dtype=np.float32)[np.arange(30) % 3]
    assert fit_temperature(logits, np.arange(30) % 3) == pytest.approx(0.25, rel=0.01)
