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

from hangtag_train.fit import RunningAverage
from hangtag_train.recipe import Recipe
from hangtag_train.trainer import Trainer

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
