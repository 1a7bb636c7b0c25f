from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest

from hangtag_train.recipe import Recipe
from hangtag_train.trainer import Trainer

RECIPE = Recipe(size_px=32, batch_size=8, dropout=0.0, weight_decay=0.0, label_smoothing=0.0, optimizer="sgd")
RNG = np.random.default_rng(3)
TENSORS = RNG.normal(0, 1, (8, 32, 32, 3)).astype(np.float32)
LABELS = np.array([0, 1] * 4)
TARGETS = np.eye(2, dtype=np.float32)[LABELS]


def trained(network, recipe: Recipe, steps: int = 1, epoch: int = 0) -> list[tuple[float, float]]:
    trainer = Trainer(network, recipe, LABELS, 2, None)
    trainer.start_epoch(epoch)
    return [trainer.step(number, TENSORS, TARGETS, 0.1) for number in range(steps)]


def test_a_step_is_gradient_descent_on_the_cross_entropy(small_network) -> None:
    network = small_network(2)
    kernel, bias = network.head.get_weights()
    features = np.asarray(network.features.predict_on_batch(TENSORS))
    powers = np.exp(features @ kernel + bias)
    scores = powers / powers.sum(axis=1, keepdims=True)
    ((loss, top1),) = trained(network, dataclasses.replace(RECIPE, momentum=0.0))
    assert loss == pytest.approx(-np.log(scores[np.arange(8), LABELS]).mean(), rel=1e-4)
    assert top1 == pytest.approx((scores.argmax(axis=1) == LABELS).mean())
    stepped = kernel - 0.1 * features.T @ (scores - TARGETS) / 8
    np.testing.assert_allclose(network.head.get_weights()[0], stepped, atol=1e-5)
    np.testing.assert_allclose(
        network.head.get_weights()[1], bias - 0.1 * (scores - TARGETS).mean(axis=0), atol=1e-5
    )


def test_steps_bring_the_loss_down(small_network) -> None:
    losses = [loss for loss, _ in trained(small_network(2), RECIPE, 15)]
    assert losses[-1] < 0.8 * losses[0]


def test_a_sigmoid_unit_learns_as_the_difference_of_two(small_network) -> None:
    network = small_network(2, units=1)
    kernel, bias = network.head.get_weights()
    features = np.asarray(network.features.predict_on_batch(TENSORS))
    score = 1 / (1 + np.exp(-(features @ kernel + bias)[:, 0]))
    ((loss, top1),) = trained(network, dataclasses.replace(RECIPE, momentum=0.0))
    expected = -(LABELS * np.log(score) + (1 - LABELS) * np.log(1 - score)).mean()
    assert loss == pytest.approx(expected, rel=1e-4)
    assert top1 == pytest.approx(((score > 0.5) == LABELS).mean())
    stepped = kernel[:, 0] - 0.1 * features.T @ (score - LABELS) / 8
    np.testing.assert_allclose(network.head.get_weights()[0][:, 0], stepped, atol=1e-5)


def test_rare_labels_weigh_more_where_it_is_asked(small_network) -> None:
    losses = []
    for weighted in (False, True):
        keras.utils.set_random_seed(1)
        recipe = dataclasses.replace(RECIPE, class_weights=weighted)
        network = small_network(2)
        network.head.set_weights([np.zeros((6, 2), np.float32), np.array([0.0, 2.0], np.float32)])
        trainer = Trainer(network, recipe, np.array([0] * 9 + [1]), 2, None)  # nine of ten are of label 0
        trainer.start_epoch(0)
        losses.append(trainer.step(0, TENSORS, TARGETS, 0.0)[0])
    by_label = -np.log(np.exp([0.0, 2.0]) / np.exp([0.0, 2.0]).sum())
    assert losses[0] == pytest.approx(by_label.mean(), rel=1e-4)
    assert losses[1] == pytest.approx(np.mean(by_label * [10 / 18, 10 / 2]), rel=1e-4)


@pytest.mark.parametrize("settings", [{"dropout": 0.5}, {"mixup": 1.0}, {"cutmix": 1.0}])
def test_chance_depends_on_seed_epoch_and_step_alone(settings: dict[str, float], small_network) -> None:
    def losses(seed: int, epoch: int) -> list[float]:
        keras.utils.set_random_seed(1)
        network = small_network(2)
        keras.utils.set_random_seed(seed * 100 + epoch + 7)  # the process's own fate
        recipe = RECIPE.changed({**settings, "seed": seed})
        return [loss for loss, _ in trained(network, recipe, 2, epoch)]

    np.testing.assert_allclose(losses(1, 0), losses(1, 0), rtol=1e-6)
    assert not np.allclose(losses(1, 0), losses(1, 1), rtol=1e-4)
    assert not np.allclose(losses(1, 0), losses(2, 0), rtol=1e-4)


def test_frozen_layers_stay_as_they_are(small_network) -> None:
    network = small_network(2)
    network.features.layers[1].trainable = False
    before = network.features.layers[1].get_weights()
    head = network.head.get_weights()
    trained(network, dataclasses.replace(RECIPE, weight_decay=0.5), 3)
    for value, kept in zip(network.features.layers[1].get_weights(), before, strict=True):
        np.testing.assert_array_equal(value, kept)
    assert not np.array_equal(network.head.get_weights()[0], head[0])
