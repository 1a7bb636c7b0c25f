from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from hangtag.errors import TrainingError
from hangtag_train.fit import RunningAverage
from hangtag_train.network import Network, build_network
from hangtag_train.recipe import Recipe
from hangtag_train.trainer import Trainer, check_statistics

_PROJECT = Path(__file__).resolve().parents[2]
RECIPE = Recipe(
    backbone="mlp", pretrained=False, size_px=32, head_epochs=0, epochs=2, dropout=0.0, label_smoothing=0.0,
    optimizer="sgd", momentum=0.0, weight_decay=0.0, learning_rate=0.1,
)  # fmt: skip


@pytest.fixture
def batch() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(8)
    tensors = rng.normal(size=(6, 32, 32, 3)).astype(np.float32)
    return tensors, np.eye(3, dtype=np.float32)[[0, 0, 0, 0, 1, 2]]


def cross_entropy(network, tensors, targets) -> np.ndarray:
    logits = np.asarray(network.logits(tensors))
    return -(targets * (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))).sum(axis=1)


@pytest.mark.parametrize("weighted", [False, True])
def test_a_step_reports_its_own_batch_and_lowers_its_loss(weighted: bool, small_network, batch) -> None:
    network = small_network(3)
    tensors, targets = batch
    labels = targets.argmax(axis=1)
    trainer = Trainer(network, dataclasses.replace(RECIPE, class_weights=weighted), labels, 3, None)
    trainer.start_epoch(0)
    weights = (len(labels) / (3 * np.bincount(labels)))[labels] if weighted else np.ones(6)
    seen = []
    for number in range(4):
        expected = (weights * cross_entropy(network, tensors, targets)).mean()
        hits = np.asarray(network.logits(tensors)).argmax(axis=1) == labels
        loss, top1 = trainer.step(number, tensors, targets, 0.1)
        assert loss == pytest.approx(expected, rel=1e-4)
        assert top1 == pytest.approx(hits.mean())
        seen.append(loss)
    assert seen == sorted(seen, reverse=True)


def test_a_step_is_what_keras_itself_would_do(small_network, batch) -> None:
    tensors, targets = batch
    recipe = dataclasses.replace(RECIPE, optimizer="adamw", weight_decay=0.1, learning_rate=1e-2)
    networks = []
    for _ in range(2):
        keras.utils.set_random_seed(3)
        networks.append(small_network(3))
    ours, theirs = networks
    for network in networks:
        # Frozen, so that Keras keeps the statistics as well.
        network.logits.get_layer("norm").trainable = False
    optimizer = keras.optimizers.AdamW(1e-2, weight_decay=0.1)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    theirs.logits.compile(
        optimizer, keras.losses.CategoricalCrossentropy(from_logits=True), jit_compile=False
    )
    trainer = Trainer(ours, recipe, targets.argmax(axis=1), 3, None)
    trainer.start_epoch(0)
    for number in range(3):
        trainer.step(number, tensors, targets, 1e-2)
        theirs.logits.train_on_batch(tensors, targets)
    for one, other in zip(ours.logits.get_weights(), theirs.logits.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_batches_of_every_size_are_one_graph(small_network, batch) -> None:
    tensors, targets = batch
    trainer = Trainer(small_network(3), RECIPE, targets.argmax(axis=1), 3, None)
    trainer.start_epoch(0)
    for number, size in enumerate((6, 1, 5, 2)):
        loss, top1 = trainer.step(number, tensors[:size], targets[:size], 0.0)
        assert np.isfinite(loss)
        assert 0 <= top1 <= 1


def test_two_devices_share_a_batch_and_learn_what_one_would() -> None:
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("mirrored_probe.py"))],
        capture_output=True, text=True, timeout=300, check=False,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1"}, cwd=_PROJECT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["parts"] == [[5, 5], [5, 5], [5, 5]], "two halves, two halves, and the odd batch whole"
    assert found["losses"] < 1e-5
    assert found["weights"] < 1e-5


def test_without_momentum_the_average_costs_nothing_and_is_the_weights(small_network, monkeypatch) -> None:
    network = small_network(3)
    average = RunningAverage(network.logits, network.logits.get_weights(), 0.0, 0)
    changed = [value + 1 for value in network.logits.get_weights()]
    network.logits.set_weights(changed)
    with monkeypatch.context() as patch:
        patch.setattr(keras.Model, "get_weights", lambda _: pytest.fail("weights were copied"))
        average.update()
    for value, wanted in zip(average.values, changed, strict=True):
        np.testing.assert_array_equal(value, wanted)


@pytest.mark.parametrize("mixing", [{"mixup": 0.4}, {"cutmix": 1.0}, {"mixup": 0.4, "cutmix": 1.0}, {}])
def test_a_teacher_sees_exactly_what_the_network_is_trained_on(mixing, small_network, batch) -> None:
    class Recording:
        def __init__(self) -> None:
            self.seen: list[np.ndarray] = []
            self.said: list[np.ndarray] = []

        def probabilities(self, tensors: np.ndarray) -> np.ndarray:
            self.seen.append(tensors.copy())
            self.said.append(np.random.default_rng(len(self.seen)).dirichlet(np.ones(3), len(tensors)))
            return self.said[-1].astype(np.float32)

    tensors, targets = batch
    teacher = Recording()
    recipe = dataclasses.replace(RECIPE, teacher="named", **mixing)
    trainer = Trainer(small_network(3), recipe, targets.argmax(axis=1), 3, teacher)
    trainer.start_epoch(0)
    step, trained = trainer._step, []
    trainer._step = lambda batch, rate: trained.append(batch) or step(batch, rate)
    for number in range(6):
        trainer.step(number, tensors, targets, 0.1)
    for seen, said, (given, wanted) in zip(teacher.seen, teacher.said, trained, strict=True):
        np.testing.assert_array_equal(seen, given)
        np.testing.assert_allclose(wanted[:, 3:], said, rtol=1e-6)
        np.testing.assert_allclose(wanted[:, :3].sum(axis=1), 1, rtol=1e-6)
    changed = [not np.array_equal(seen, tensors) for seen in teacher.seen]
    assert any(changed) if mixing else not any(changed)


def network_with_dropout() -> Network:
    """Two dropouts in the backbone, one of them in a network within it, and no statistics."""
    image = keras.Input((8,))
    inner = keras.Sequential([keras.Input((8,)), keras.layers.Dropout(0.5)])
    features = keras.layers.Dropout(0.5, seed=3)(inner(image))
    logits = keras.layers.Dense(3, name="logits")(features)
    return Network(keras.Model(image, features), keras.Model(image, logits), keras.Model(image, logits))


def test_an_epoch_drops_the_same_whatever_came_before_it() -> None:
    keras.utils.set_random_seed(5)
    networks = network_with_dropout(), network_with_dropout()
    networks[1].logits.set_weights(networks[0].logits.get_weights())
    tensors, targets = np.ones((6, 8), np.float32), np.eye(3, dtype=np.float32)[[0, 1, 2] * 2]
    recipe = dataclasses.replace(RECIPE, norm_from_epoch=1, dropout=0.3)
    straight, resumed = (Trainer(network, recipe, np.arange(3), 3, None) for network in networks)

    def losses(trainer: Trainer, epoch: int) -> list[float]:
        trainer.start_epoch(epoch)
        return [trainer.step(number, tensors, targets, 0.0)[0] for number in range(3)]

    first, second = losses(straight, 0), losses(straight, 1)
    assert losses(resumed, 1) == second
    assert losses(resumed, 0) == first
    assert len({*first, *second}) == 6, "each step and each epoch drops something else"
    states = [tuple(np.array(state)) for state in straight._view.variables if "seed" in state.path]
    assert len(states) == len(set(states)) == 3, "each dropout has its own"


@pytest.mark.parametrize(
    ("backbone", "changes", "refused"),
    [
        ("residual", {}, "residual has BatchNorm .* learn never: give --norm-from-epoch 1$"),
        ("residual", {"norm_from_epoch": 3}, "only from epoch 3 of 2: give --norm-from-epoch 1$"),
        ("residual", {"norm_from_epoch": 1}, None),
        ("residual", {"norm_from_epoch": 2}, None),
        ("residual", {"epochs": 0, "head_epochs": 1, "pretrained": True}, None),
        ("mlp", {}, None),
        ("small-cnn", {}, None),
        ("efficientnet-lite0", {}, "efficientnet-lite0 has BatchNorm"),
        ("efficientnet-lite0", {"pretrained": True}, None),
    ],
)
def test_statistics_that_would_never_learn_are_refused(backbone: str, changes, refused: str | None) -> None:
    recipe = dataclasses.replace(RECIPE, backbone=backbone, **changes)
    network = build_network(recipe, 3, pretrained=backbone != "residual")
    if refused is None:
        check_statistics(network, recipe)
        return
    with pytest.raises(TrainingError, match=refused) as caught:
        check_statistics(network, recipe)
    assert "\n" not in str(caught.value)
