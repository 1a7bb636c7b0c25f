"""Layers that lose most are named, the worst first."""

from __future__ import annotations

import numpy as np
import pytest
from converting import float32_of
from tiny_run import QUIET

from hangtag_convert.chatter import chatter_kept
from hangtag_convert.formats import Format
from hangtag_convert.layers import layer_errors
from hangtag_convert.ranges import RangeRule, chosen_ranges, observe, with_ranges
from hangtag_convert.weight_only import weight_int8

LAYERS = ("first", "second", "third")


@pytest.fixture(scope="module")
def tensors() -> list[np.ndarray]:
    return [np.random.default_rng(n).uniform(-1, 1, (1, 16, 16, 3)).astype(np.float32) for n in range(6)]


@pytest.fixture(scope="module")
def float32(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    import keras

    keras.utils.set_random_seed(2)
    found = picture = keras.Input((16, 16, 3))
    for name in LAYERS:
        found = keras.layers.Conv2D(12, 3, padding="same", activation="relu", name=name)(found)
    pooled = keras.layers.GlobalAveragePooling2D()(found)
    scores = keras.layers.Dense(3, activation="softmax", name="scores")(pooled)
    return float32_of(keras.Model(picture, scores), tmp_path_factory.mktemp("layers"))


@pytest.mark.parametrize("spoilt", LAYERS)
def test_a_layer_with_far_too_wide_a_range_is_named_first(
    float32: bytes, tensors: list[np.ndarray], spoilt: str
) -> None:
    from hangtag_convert.export import int8_tflite

    observed = observe(float32, lambda: tensors, len(tensors), QUIET)
    ranges = chosen_ranges(observed, RangeRule.MIN_MAX, (-1.0, 1.0))
    (number,) = [number for number, one in observed.items() if f"/{spoilt}_1/Relu" in one.name]
    spoiled = {**ranges, number: (0.0, 60 * ranges[number][1])}
    with chatter_kept("quantizing for a test"):
        good, bad = (int8_tflite(with_ranges(float32, chosen), Format.INT8) for chosen in (ranges, spoiled))
    worst = layer_errors(float32, bad, tensors)[0]
    assert (worst.layer, worst.operator) == (spoilt, "CONV_2D")
    assert worst.added > 0.1
    assert worst.error >= worst.added
    plain = layer_errors(float32, good, tensors)
    assert {row.layer for row in plain} >= set(LAYERS)
    assert max(row.added for row in plain) < 0.1


def test_errors_add_up_on_the_way(float32: bytes, tensors: list[np.ndarray]) -> None:
    rows = {row.layer: row for row in layer_errors(float32, weight_int8(float32), tensors)}
    first, second, third = (rows[layer] for layer in LAYERS)
    # The first convolution is small and stays in floats; each of the others adds to what comes to it.
    assert first.error == 0
    assert second.error == second.added > 0
    assert third.error == pytest.approx(np.hypot(second.error, third.added))


def test_steps_that_only_convert_are_not_blamed(float32: bytes, tensors: list[np.ndarray]) -> None:
    from hangtag_convert.export import int8_tflite

    observed = observe(float32, lambda: tensors, len(tensors), QUIET)
    ranged = with_ranges(float32, chosen_ranges(observed, RangeRule.MIN_MAX, (-1.0, 1.0)))
    for kind in (Format.INT8, Format.INT8_FLOAT_IO):
        with chatter_kept("quantizing for a test"):
            model = int8_tflite(ranged, kind)
        rows = layer_errors(float32, model, tensors)
        assert not {row.operator for row in rows} & {"QUANTIZE", "DEQUANTIZE"}
        assert len(rows) >= len(LAYERS)


def test_a_model_does_not_differ_from_itself(float32: bytes, tensors: list[np.ndarray]) -> None:
    rows = layer_errors(float32, float32, tensors)
    assert len(rows) > len(LAYERS)
    assert all(row.error == row.added == 0 for row in rows)
