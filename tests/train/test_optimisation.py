from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hangtag_train.optimisation import build_optimizer, learning_rate
from hangtag_train.recipe import Recipe

BASE = Recipe(learning_rate=0.1, epochs=10, warmup_epochs=2, step_epochs=3, step_factor=0.5)
STEPS = 7


def rate(schedule: str, step: int, **changes: object) -> float:
    return learning_rate(dataclasses.replace(BASE, schedule=schedule, **changes), step, STEPS)


@pytest.mark.parametrize("schedule", ["constant", "step", "cosine"])
def test_the_warm_up_rises_in_a_line_to_the_peak(schedule: str) -> None:
    rates = [rate(schedule, step) for step in range(15)]
    np.testing.assert_allclose(rates, [0.1 * (step + 1) / 15 for step in range(14)] + [0.1], rtol=1e-12)


def test_a_constant_rate_stays() -> None:
    assert {rate("constant", step) for step in range(14, 70)} == {0.1}


def test_a_stepped_rate_falls_every_so_many_epochs() -> None:
    by_epoch = [rate("step", epoch * STEPS, warmup_epochs=0) for epoch in range(10)]
    np.testing.assert_allclose(by_epoch, [0.1] * 3 + [0.05] * 3 + [0.025] * 3 + [0.0125])
    assert rate("step", 3 * STEPS - 1, warmup_epochs=0) == 0.1


def test_a_cosine_goes_through_half_and_ends_at_nothing() -> None:
    assert rate("cosine", 14) == pytest.approx(0.1)
    assert rate("cosine", 14 + 28) == pytest.approx(0.05)
    assert rate("cosine", 70) == pytest.approx(0, abs=1e-12), "after the last step"
    assert 0 < rate("cosine", 69) < 1e-3


@given(
    st.sampled_from(["constant", "step", "cosine"]),
    st.integers(1, 20),
    st.integers(1, 30),
    st.floats(0, 40),
    st.integers(0, 599),
)
def test_every_rate_lies_between_zero_and_the_peak(
    schedule: str, epochs: int, steps: int, warmup: float, step: int
) -> None:
    recipe = dataclasses.replace(BASE, schedule=schedule, epochs=epochs, warmup_epochs=warmup)
    value = learning_rate(recipe, step % (epochs * steps), steps)
    assert 0 < value <= 0.1 + 1e-15


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw", "rmsprop"])
def test_every_optimizer_solves_a_small_problem(name: str) -> None:
    recipe = dataclasses.replace(BASE, optimizer=name, learning_rate=0.02, weight_decay=0.0)
    optimizer = build_optimizer(recipe)
    weight = keras.Variable(np.array([3.0, -2.0], np.float32))
    optimizer.build([weight])
    for _ in range(600):
        optimizer.apply([2 * (weight - np.array([1.0, 1.0], np.float32))])
    np.testing.assert_allclose(np.array(weight), [1, 1], atol=0.1)


@pytest.mark.parametrize(
    ("name", "decays"), [("sgd", True), ("adam", False), ("adamw", True), ("rmsprop", True)]
)
def test_decay_pulls_at_kernels_and_leaves_biases_and_norms_alone(name: str, decays: bool) -> None:
    recipe = dataclasses.replace(BASE, optimizer=name, learning_rate=0.1, weight_decay=0.5)
    image = keras.Input((4, 4, 2))
    features = keras.layers.BatchNormalization(beta_initializer="ones")(
        keras.layers.Conv2D(3, 2, bias_initializer="ones")(image)
    )
    model = keras.Model(image, keras.layers.Dense(2, bias_initializer="ones")(features))
    optimizer = build_optimizer(recipe)
    variables = model.trainable_variables
    optimizer.build(variables)
    before = [np.array(variable) for variable in variables]
    optimizer.apply([np.zeros(variable.shape, np.float32) for variable in variables])
    for variable, value in zip(variables, before, strict=True):
        expected = value * (1 - 0.1 * 0.5) if decays and variable.name == "kernel" else value
        np.testing.assert_allclose(np.array(variable), expected, rtol=1e-5, err_msg=variable.path)


def test_momentum_is_nesterovs_and_can_be_left_out() -> None:
    with_it = build_optimizer(dataclasses.replace(BASE, optimizer="sgd", momentum=0.9))
    assert (with_it.momentum, with_it.nesterov) == (0.9, True)
    without = build_optimizer(dataclasses.replace(BASE, optimizer="sgd", momentum=0))
    assert (without.momentum, without.nesterov) == (0, False)
