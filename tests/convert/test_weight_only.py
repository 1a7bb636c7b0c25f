"""8-bit weights that become floats on loading."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from converting import float32_of
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from hangtag.interpreter import Interpreter
from hangtag_convert.tables import operator_codes, unpacked
from hangtag_convert.weight_only import quantized_per_channel, weight_int8

weights = npst.arrays(
    np.float32, npst.array_shapes(min_dims=2, max_dims=4, max_side=6), elements=st.floats(-1e3, 1e3, width=32)
)


@given(weights, st.data())
def test_weights_come_back_within_half_a_step_of_their_channel(
    values: np.ndarray, data: st.DataObject
) -> None:
    axis = data.draw(st.integers(0, values.ndim - 1))
    integers, scales = quantized_per_channel(values, axis)
    assert integers.dtype == np.int8
    assert integers.min(initial=0) >= -127
    assert scales.shape == (values.shape[axis],)
    shape = [-1 if index == axis else 1 for index in range(values.ndim)]
    steps = scales.reshape(shape)
    assert (np.abs(integers * steps - values) <= 0.501 * steps + 1e-30).all()


def _network(tmp_path: Path) -> bytes:
    import keras

    keras.utils.set_random_seed(3)
    picture = keras.Input((16, 16, 3))
    shared = keras.layers.Conv2D(16, 3, padding="same", activation="relu6")
    found = shared(keras.layers.Conv2D(16, 3, padding="same", activation="relu6")(picture))
    found = keras.layers.DepthwiseConv2D(3, activation="relu6")(shared(found))
    scores = keras.layers.Dense(10, activation="softmax")(keras.layers.Flatten()(found))
    return float32_of(keras.Model(picture, scores), tmp_path)


def _outputs(model: bytes) -> np.ndarray:
    interpreter = Interpreter(model)
    rng = np.random.default_rng(1)
    rows = []
    for _ in range(5):
        interpreter.input_view()[...] = rng.uniform(-1, 1, (1, 16, 16, 3))
        interpreter.invoke()
        rows.append(interpreter.output())
    return np.stack(rows)


def test_the_file_is_smaller_and_says_nearly_the_same(tmp_path: Path) -> None:
    before = _network(tmp_path)
    after = weight_int8(before)
    assert len(after) < 0.5 * len(before)
    assert weight_int8(before) == after
    difference = np.abs(_outputs(after) - _outputs(before)).max()
    assert 0 < difference < 0.02


def test_a_shared_weight_is_stored_once_and_small_ones_stay(tmp_path: Path) -> None:
    tables = unpacked(weight_int8(_network(tmp_path)))
    codes, graph = operator_codes(tables), tables.subgraphs[0]
    added = [op for op in graph.operators if codes[op.opcodeIndex] == schema.BuiltinOperator.DEQUANTIZE]
    # The shared convolution and the dense layer; the first convolution and the depthwise one are small.
    assert len(added) == 2
    convolutions = [op for op in graph.operators if codes[op.opcodeIndex] == schema.BuiltinOperator.CONV_2D]
    assert len(convolutions) == 3
    assert convolutions[1].inputs[1] == convolutions[2].inputs[1] == added[0].outputs[0]


def test_a_model_without_large_weights_keeps_its_scores_to_the_bit(tmp_path: Path) -> None:
    import keras

    picture = keras.Input((16, 16, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(picture)
    before = float32_of(keras.Model(picture, keras.layers.Dense(4)(pooled)), tmp_path)
    np.testing.assert_array_equal(_outputs(weight_int8(before)), _outputs(before))


@pytest.mark.parametrize("axis", [0, 1])
def test_a_channel_of_zeros_stays_zero(axis: int) -> None:
    values = np.ones((3, 3), np.float32)
    values[1 if axis == 0 else slice(None), slice(None) if axis == 0 else 1] = 0
    integers, scales = quantized_per_channel(values, axis)
    assert (integers == 127 * values).all()
    assert (scales > 0).all()
