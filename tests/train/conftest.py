"""What tests of training share: small networks that train in a second, and whole runs of few pixels."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from tiny_run import QUIET, train_run

from hangtag.metrics import Evaluation
from hangtag.progress import Progress
from hangtag_train.quiet import import_tensorflow_quietly

if TYPE_CHECKING:
    from hangtag_train.network import Network
    from hangtag_train.recipe import Recipe

import_tensorflow_quietly()

# On a machine with much else to do, time says nothing about an example.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keeps every test away from the user's cache."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANGTAG_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def silent() -> Progress:
    return QUIET


@pytest.fixture(scope="session")
def small_recipe() -> Recipe:
    """An EfficientNet-Lite0 at 32 px, both phases."""
    from hangtag_train.recipe import Recipe

    return Recipe(model_name="shapes", size_px=32, head_epochs=3, epochs=2, batch_size=5, dropout=0.4)


@pytest.fixture(scope="session")
def course_recipe() -> Recipe:
    """The small course network at 16 px: a run of seconds."""
    from hangtag_train.augment import IDENTITY
    from hangtag_train.recipe import Recipe

    return Recipe(
        model_name="shapes",
        backbone="small-cnn",
        pretrained=False,
        size_px=16,
        head_epochs=0,
        epochs=2,
        batch_size=6,
        learning_rate=3e-3,
        norm_from_epoch=1,
        augmentation=dataclasses.replace(IDENTITY, flip=0.5, shift=0.05, exposure=0.2),
    )


@pytest.fixture(scope="session")
def small_network() -> Callable[..., Network]:
    """Gives networks with two layers in place of a backbone, for 32 px and any number of labels."""
    import keras

    from hangtag_train.network import Network

    def build(labels: int, units: int | None = None) -> Network:
        image = keras.Input((32, 32, 3))
        features = keras.layers.Conv2D(6, 5, strides=4, use_bias=False)(image)
        features = keras.layers.ReLU()(keras.layers.BatchNormalization(name="norm")(features))
        pooled = keras.layers.GlobalAveragePooling2D()(features)
        logits = keras.layers.Dense(units or labels, name="logits")(pooled)
        scores = keras.layers.Activation("sigmoid" if units == 1 else "softmax")(logits)
        return Network(keras.Model(image, pooled), keras.Model(image, logits), keras.Model(image, scores))

    return build


@dataclass(frozen=True)
class Run:
    path: Path
    evaluation: Evaluation


@pytest.fixture(scope="session")
def finished_run(shapes_dataset: Path, small_recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A whole uninterrupted run of a pretrained backbone. Do not change it: copy it."""
    path = tmp_path_factory.mktemp("runs") / "finished"
    return Run(path, train_run(shapes_dataset, path, small_recipe))


@pytest.fixture(scope="session")
def course_run(shapes_dataset: Path, course_recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A whole uninterrupted run of a course network. Do not change it: copy it."""
    path = tmp_path_factory.mktemp("runs") / "course"
    return Run(path, train_run(shapes_dataset, path, course_recipe))


@pytest.fixture
def data(shapes_dataset: Path, tmp_path: Path) -> Path:
    """A copy of the shapes, to be spoilt."""
    return Path(shutil.copytree(shapes_dataset, tmp_path / "data"))
