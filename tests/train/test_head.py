from __future__ import annotations

import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest

from hangtag.labelled_folder import LabelledFolder, read_split
from hangtag_train import loading
from hangtag_train.head import fit_head, read_features
from hangtag_train.history import best_row
from hangtag_train.loading import predict
from hangtag_train.network import input_spec, label_logits, softmax
from hangtag_train.recipe import Recipe

RECIPE = Recipe(size_px=32, head_epochs=12, head_learning_rate=0.1, dropout=0.0, batch_size=7)


@pytest.fixture(scope="module")
def splits(shapes_dataset: Path) -> tuple[LabelledFolder, LabelledFolder]:
    return read_split(shapes_dataset, "train"), read_split(shapes_dataset, "validation")


@pytest.fixture
def network(small_network):
    keras.utils.set_random_seed(1)
    return small_network(3)


@pytest.fixture
def read(splits, silent, tmp_path: Path):
    def features(network, recipe: Recipe = RECIPE, digest: str = "digest") -> list[np.ndarray]:
        return read_features(network, splits, recipe, dataset_sha256=digest, cache=tmp_path, progress=silent)

    return features


@pytest.fixture
def photos_read(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Notes every photo that is read from now on."""
    noted: list[Path] = []
    original = loading.read_photo
    monkeypatch.setattr(loading, "read_photo", lambda path: noted.append(path) or original(path))
    return noted


def test_features_are_what_the_backbone_says(network, read, splits, silent) -> None:
    found = read(network)
    assert [part.shape for part in found] == [(18, 6), (12, 6)]
    for part, split in zip(found, splits, strict=True):
        np.testing.assert_allclose(
            part, predict(network.features, split, input_spec(RECIPE), silent), atol=1e-5
        )


def test_every_photo_is_read_once_and_the_second_time_none(network, read, photos_read: list[Path]) -> None:
    first = read(network)
    assert len(photos_read) == len(set(photos_read)) == 30
    second = read(network)
    assert len(photos_read) == 30
    for before, after in zip(first, second, strict=True):
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
    for before, after in zip(first, again, strict=True):
        np.testing.assert_allclose(before, after, atol=1e-6)
    read(network)
    assert len(photos_read) == 60


def test_the_head_learns_shapes_and_keeps_its_best_epoch(network, read, splits, silent) -> None:
    history = fit_head(network, read(network), splits, RECIPE, silent)
    assert [row.epoch for row in history] == list(range(1, 13))
    assert history[-1].train_loss < history[0].train_loss
    scores = softmax(predict(network.logits, splits[1], input_spec(RECIPE), silent))
    reached = (scores.argmax(axis=1) == np.array(splits[1].targets)).mean()
    assert reached == pytest.approx(best_row(history).validation_top1)


def test_the_same_seed_gives_the_same_head(network, read, splits, silent) -> None:
    found = []
    recipe = dataclasses.replace(RECIPE, head_epochs=3, dropout=0.4)
    for _ in range(2):
        keras.utils.set_random_seed(6)
        fit_head(network, read(network), splits, recipe, silent)
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
    features = [predict(network.features, split, input_spec(RECIPE), silent) for split in splits]
    history = fit_head(network, features, splits, RECIPE, silent)
    scores = softmax(label_logits(predict(network.logits, splits[1], input_spec(RECIPE), silent)))
    reached = (scores.argmax(axis=1) == np.array(splits[1].targets)).mean()
    assert reached == pytest.approx(best_row(history).validation_top1)
    assert reached > 0.5
