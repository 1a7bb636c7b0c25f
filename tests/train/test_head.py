from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from tiny_run import QUIET

from hangtag.errors import TrainingError
from hangtag.labelled_folder import LabelledFolder, read_split
from hangtag.progress import Progress
from hangtag_train import loading
from hangtag_train.head import Features, fit_head, read_features
from hangtag_train.history import best_row
from hangtag_train.loading import predict
from hangtag_train.network import Network, input_spec, label_logits, softmax
from hangtag_train.recipe import Recipe
from hangtag_train.training_data import TrainingData, list_training_data

RECIPE = Recipe(size_px=32, head_epochs=12, head_learning_rate=0.1, dropout=0.0, batch_size=7)


@pytest.fixture(scope="module")
def data(shapes_dataset: Path) -> TrainingData:
    return list_training_data(shapes_dataset, QUIET)


@pytest.fixture
def network(small_network):
    keras.utils.set_random_seed(1)
    return small_network(3)


@pytest.fixture
def read(data: TrainingData, silent, tmp_path: Path):
    def features(network, recipe: Recipe = RECIPE, digest: str = "digest") -> Features:
        photos = dataclasses.replace(data, sha256=digest)
        return read_features(network, photos, recipe, cache=tmp_path, progress=silent)

    return features


def _arrays(features: Features) -> tuple[np.ndarray, np.ndarray]:
    return features.train, features.validation


@pytest.fixture
def photos_read(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Notes every photo that is read from now on."""
    noted: list[Path] = []
    original = loading.read_photo
    monkeypatch.setattr(loading, "read_photo", lambda path: noted.append(path) or original(path))
    return noted


def test_features_are_what_the_backbone_says(network, read, data, silent) -> None:
    found = _arrays(read(network))
    assert [part.shape for part in found] == [(18, 6), (12, 6)]
    for part, split in zip(found, (data.train, data.validation), strict=True):
        np.testing.assert_allclose(
            part, predict(network.features, split, input_spec(RECIPE), silent), atol=1e-5
        )


def test_every_photo_is_read_once_and_the_second_time_none(network, read, photos_read: list[Path]) -> None:
    first = read(network)
    assert len(photos_read) == len(set(photos_read)) == 30
    second = read(network)
    assert len(photos_read) == 30
    for before, after in zip(_arrays(first), _arrays(second), strict=True):
        np.testing.assert_array_equal(before, after)


def test_other_photos_weights_or_pixels_are_read_anew(
    network, read, photos_read: list[Path], small_network, tmp_path: Path
) -> None:
    read(network)
    read(network, digest="other")
    assert len(photos_read) == 60
    other = small_network(3)  # other weights
    read(other)
    assert len(photos_read) == 90
    # Other normalisation: the features would differ although photos and weights are the same.
    read(network, RECIPE.changed({"backbone": "mlp", "pretrained": False}))
    assert len(photos_read) == 120
    assert len(list((tmp_path / "features").iterdir())) == 4


def _other_last_weight(network: Network) -> None:
    *weights, last = network.features.get_weights()
    network.features.set_weights([*weights, last + 1])


def _other_activation(network: Network) -> None:
    layer = next(layer for layer in network.features.layers if isinstance(layer, keras.layers.Conv2D))
    layer.activation = keras.activations.tanh


@pytest.mark.parametrize("change", [_other_last_weight, _other_activation])
def test_another_backbone_in_one_place_only_has_other_features(
    change: Callable[[Network], None], network, read, photos_read: list[Path]
) -> None:
    read(network)
    change(network)
    read(network)
    assert len(photos_read) == 60


def test_features_that_are_no_numbers_are_refused_and_not_kept(network, read, tmp_path: Path) -> None:
    first, *weights = network.features.get_weights()
    network.features.set_weights([np.full_like(first, np.nan), *weights])
    with pytest.raises(TrainingError, match="features that are not finite for 18 of 18 photos of train"):
        read(network)
    assert not list((tmp_path / "features").glob("*"))


def test_a_head_that_diverges_stops_and_says_when(network, read, silent) -> None:
    features = read(network)
    huge = dataclasses.replace(features, train=features.train * np.float32(1e38))
    with pytest.raises(TrainingError, match=r"linear head diverged in epoch \d+ of 12: .*is 0\.1"):
        fit_head(network, huge, RECIPE, silent)


def test_settings_that_do_not_change_features_share_them(network, read, photos_read: list[Path]) -> None:
    read(network)
    read(network, RECIPE.changed({"head_epochs": 3, "learning_rate": 0.5, "seed": 8, "dropout": 0.3}))
    assert len(photos_read) == 30


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _other_count(path: Path) -> None:
    np.savez(path, train=np.zeros((3, 6)), validation=np.zeros((2, 6)))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"nonsense" * 9),
        _cut,
        _other_count,
        lambda path: np.savez(path, train=np.zeros((18, 6))),
        lambda path: np.savez(path, train=np.array({}, dtype=object), validation=np.zeros(1)),
        lambda path: np.savez(path, train=np.zeros(18), validation=np.zeros(12)),
    ],
)
def test_a_damaged_cache_is_made_anew(spoil, network, read, photos_read: list[Path], tmp_path: Path) -> None:
    first = read(network)
    (path,) = (tmp_path / "features").iterdir()
    spoil(path)
    again = read(network)
    assert len(photos_read) == 60
    for before, after in zip(_arrays(first), _arrays(again), strict=True):
        np.testing.assert_allclose(before, after, atol=1e-6)
    read(network)
    assert len(photos_read) == 60


def test_a_photo_that_cannot_be_read_is_named_once_and_left_out(
    network, shapes_dataset: Path, tmp_path: Path, photos_read: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "photos"
    shutil.copytree(shapes_dataset, copy)
    bad = sorted((copy / "train").glob("*/*"))[4]
    for number in range(40):  # few enough bad ones among many
        shutil.copy(min((copy / "train").glob("*/*")), bad.parent / f"more{number}.png")
    bad.write_bytes(b"no photo")
    data = list_training_data(copy, Progress())
    first, second = (
        read_features(network, data, RECIPE, cache=tmp_path / "cache", progress=Progress()) for _ in range(2)
    )
    assert len(photos_read) == len(set(photos_read)) == 30 + 40
    for features in (first, second):
        assert len(features.train) == len(features.data.train.photos) == len(data.train.photos) - 1
        assert bad not in [photo.path for photo in features.data.train.photos]
        assert [str(bad) in reason for reason in features.data.skipped] == [True]
    assert capsys.readouterr().err.count(f"skipped: {bad}") == 2


def test_the_head_learns_shapes_and_keeps_its_best_epoch(network, read, data, silent) -> None:
    history = fit_head(network, read(network), RECIPE, silent)
    assert [row.epoch for row in history] == list(range(1, 13))
    assert history[-1].train_loss < history[0].train_loss
    scores = softmax(predict(network.logits, data.validation, input_spec(RECIPE), silent))
    reached = (scores.argmax(axis=1) == np.array(data.validation.targets)).mean()
    assert reached == pytest.approx(best_row(history).validation_top1)


def test_the_same_seed_gives_the_same_head(network, read, silent) -> None:
    found = []
    recipe = dataclasses.replace(RECIPE, head_epochs=3, dropout=0.4)
    for _ in range(2):
        keras.utils.set_random_seed(6)
        fit_head(network, read(network), recipe, silent)
        found.append(network.head.get_weights()[0])
    np.testing.assert_allclose(found[0], found[1], atol=1e-6)


def test_a_sigmoid_head_tells_two_labels_apart(small_network, shapes_dataset: Path, silent) -> None:
    keras.utils.set_random_seed(1)
    network = small_network(2, units=1)
    splits = []
    for name in ("train", "validation"):
        split = read_split(shapes_dataset, name)
        photos = tuple(photo for photo in split.photos if photo.label < 2)
        splits.append(LabelledFolder(split.path, split.labels[:2], photos))
    found = [predict(network.features, split, input_spec(RECIPE), silent) for split in splits]
    features = Features(TrainingData(shapes_dataset, *splits, None, "digest"), *found)
    history = fit_head(network, features, RECIPE, silent)
    scores = softmax(label_logits(predict(network.logits, splits[1], input_spec(RECIPE), silent)))
    reached = (scores.argmax(axis=1) == np.array(splits[1].targets)).mean()
    assert reached == pytest.approx(best_row(history).validation_top1)
    assert reached > 0.5
