"""Fine-tuning for 8 bits: the graph is the model's own, and the weights come to bear rounding."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from converting import float32_of
from tiny_run import QUIET, TinyRun

from hangtag.contract import InputSpec
from hangtag.errors import ConversionError
from hangtag.interpreter import Interpreter
from hangtag.labelled_folder import LabelledPhoto, read_split
from hangtag.model_file import read_model_file
from hangtag_convert.calibration_set import CalibrationSet
from hangtag_convert.formats import Format
from hangtag_convert.integers import Integers
from hangtag_convert.ranges import chosen_ranges
from hangtag_convert.record import Conversion


def _outputs(model: bytes, tensors: list[np.ndarray]) -> np.ndarray:
    interpreter, rows = Interpreter(model), []
    for tensor in tensors:
        interpreter.input_view()[...] = tensor
        interpreter.invoke()
        rows.append(interpreter.output())
    return np.stack(rows)


@pytest.fixture(scope="module")
def tiny_float32(tiny_run: TinyRun, tiny_conversion: tuple[Path, Conversion]) -> tuple[bytes, CalibrationSet]:
    """A real EfficientNet-Lite0's float32 model, and its training photos."""
    model = read_model_file(tiny_conversion[0] / "tiny-float32.tflite")
    photos = read_split(tiny_run.data, "train", model.contract.labels).photos
    return model.data, CalibrationSet(photos, model.contract.input)


def test_the_graph_computes_what_the_engine_computes(tiny_float32: tuple[bytes, CalibrationSet]) -> None:
    import tensorflow as tf

    from hangtag_convert.tflite_graph import GraphNetwork

    model, photos = tiny_float32
    tensors = list(photos.tensors())[:6]
    found = tf.nn.softmax(GraphNetwork(model).scores(np.concatenate(tensors))).numpy()
    np.testing.assert_allclose(found, _outputs(model, tensors), atol=1e-5)


def _every_kind_of_layer() -> object:
    """A network of the operators that image classifiers are made of."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(5)
    picture = keras.Input((17, 15, 3))
    found = layers.Conv2D(6, 3, strides=2, padding="same", activation="tanh")(picture)
    found = layers.ZeroPadding2D(1)(found)
    branch = layers.DepthwiseConv2D(3, depth_multiplier=2, dilation_rate=2, padding="same")(found)
    branch = layers.Activation("hard_swish")(layers.Conv2D(6, 1)(branch))
    found = layers.Concatenate()([layers.Add()([found, branch]), layers.Multiply()([found, branch])])
    found = layers.Concatenate()([layers.MaxPooling2D(2)(found), layers.AveragePooling2D(2)(found)])
    found = layers.ReLU(6.0)(layers.Conv2D(5, 1)(found))
    gate = layers.Dense(5, activation="sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(found))
    found = layers.Flatten()(layers.Multiply()([found, gate]))
    return keras.Model(picture, layers.Dense(4, activation="softmax")(found))


def test_weights_that_share_their_bytes_part_when_they_are_moved(tmp_path: Path) -> None:
    import keras

    from hangtag_convert.tflite_graph import GraphNetwork

    picture = keras.Input((8, 8, 3))
    twins = [keras.layers.Conv2D(4, 1, use_bias=False, kernel_initializer="ones") for _ in range(2)]
    found = keras.layers.Concatenate()([twin(picture) for twin in twins])
    scores = keras.layers.Dense(2, use_bias=False)(keras.layers.GlobalAveragePooling2D()(found))
    network = GraphNetwork(float32_of(keras.Model(picture, scores), tmp_path))
    for number, variable in enumerate(network.learned.values()):
        variable.assign(variable + number)
    tensors = [np.full((1, 8, 8, 3), value, np.float32) for value in (0.25, 1.0)]
    wanted = network.scores(np.concatenate(tensors)).numpy()
    np.testing.assert_allclose(_outputs(network.model(), tensors), wanted, rtol=1e-5)


def test_every_kind_of_layer_is_known(tmp_path: Path) -> None:
    import tensorflow as tf

    from hangtag_convert.tflite_graph import GraphNetwork

    model = float32_of(_every_kind_of_layer(), tmp_path)
    rng = np.random.default_rng(0)
    tensors = [rng.uniform(-1, 1, (1, 17, 15, 3)).astype(np.float32) for _ in range(4)]
    network = GraphNetwork(model)
    found = tf.nn.softmax(network.scores(np.concatenate(tensors))).numpy()
    np.testing.assert_allclose(found, _outputs(model, tensors), atol=1e-5)
    np.testing.assert_array_equal(_outputs(network.model(), tensors), _outputs(model, tensors))


def test_an_operator_that_is_not_known_is_named(tmp_path: Path) -> None:
    import keras

    from hangtag_convert.tflite_graph import GraphNetwork

    picture = keras.Input((8, 8, 3))
    found = keras.layers.Flatten()(keras.layers.UpSampling2D(2)(picture))
    model = float32_of(keras.Model(picture, keras.layers.Dense(2)(found)), tmp_path)
    with pytest.raises(ConversionError, match=r"does not know the operators TILE"):
        GraphNetwork(model)


def _coarse() -> object:
    """A network whose weights one outlier a channel leaves few steps to."""
    import keras

    keras.utils.set_random_seed(6)
    found = picture = keras.Input((16, 16, 3))
    for _ in range(2):
        found = keras.layers.Conv2D(8, 3, padding="same", activation="relu6")(found)
    scores = keras.layers.Dense(3, activation="softmax")(keras.layers.GlobalAveragePooling2D()(found))
    model = keras.Model(picture, scores)
    for layer in model.layers[1:3]:
        kernel, bias = layer.get_weights()
        kernel[0, 0, 0] = 12.0 * np.sign(kernel[0, 0, 0])
        layer.set_weights([kernel, bias])
    return model


def test_fine_tuned_weights_lose_less_by_rounding(tmp_path: Path) -> None:
    from hangtag_convert.fine_tuning import FineTuning, fine_tuned

    model, rng = float32_of(_coarse(), tmp_path), np.random.default_rng(1)
    for number in range(48):
        picture = cv2.resize(rng.integers(0, 256, (4, 4, 3)).astype(np.uint8), (16, 16))
        assert cv2.imwrite(str(tmp_path / f"{number:02}.png"), picture)
    paths = [LabelledPhoto(path, 0) for path in sorted(tmp_path.glob("*.png"))]
    photos = CalibrationSet(tuple(paths), InputSpec(width_px=16, height_px=16))
    tensors = list(photos.tensors())
    plain = next(Integers(model, photos, None, QUIET).ways(Format.INT8_FLOAT_IO))
    ranges = chosen_ranges(plain.observed, plain.rule, photos.input_range)
    tuned, again = (
        fine_tuned(model, ranges, photos, QUIET, FineTuning(epochs=15, learning_rate=1e-3)) for _ in range(2)
    )
    assert tuned == again
    differences = []
    for weights in (model, tuned):
        integers = Integers(weights, photos, None, QUIET)
        way = next(integers.ways(Format.INT8_FLOAT_IO))
        found = _outputs(integers.made(way, Format.INT8_FLOAT_IO), tensors)
        differences.append(float(np.abs(found - _outputs(model, tensors)).mean()))
    assert differences[1] < 0.7 * differences[0]
