"""What tests of training share: small networks that train in a second, and one whole run at 32 px."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hangtag.metrics import Evaluation
from hangtag.progress import Progress
from hangtag_train.quiet import import_tensorflow_quietly

if TYPE_CHECKING:
    from hangtag_train.network import Network
    from hangtag_train.recipe import Recipe

import_tensorflow_quietly()


@pytest.fixture(scope="session")
def silent() -> Progress:
    return Progress(quiet=True)


@pytest.fixture(scope="session")
def small_recipe() -> Recipe:
    from hangtag_train.recipe import Recipe

    return Recipe(model_name="shapes", size_px=32, head_epochs=3, epochs=2, batch_size=5, dropout=0.4)


@pytest.fixture(scope="session")
def small_network() -> Callable[[int], Network]:
    """Gives networks with two layers in place of a backbone, for 32 px and any number of labels."""
    import keras

    from hangtag_train.network import Network

    def build(labels: int, dropout: float = 0.4) -> Network:
        image = keras.Input((32, 32, 3))
        features = keras.layers.Conv2D(6, 5, strides=4, use_bias=False)(image)
        features = keras.layers.ReLU()(keras.layers.BatchNormalization()(features))
        pooled = keras.layers.GlobalAveragePooling2D()(features)
        dropped = keras.layers.Dropout(dropout, seed=1)(pooled)
        logits = keras.layers.Dense(labels, name="logits")(dropped)
        scores = keras.layers.Softmax()(logits)
        return Network(keras.Model(image, pooled), keras.Model(image, logits), keras.Model(image, scores))

    return build


@dataclass(frozen=True)
class Run:
    path: Path
    evaluations: dict[str, Evaluation]


@pytest.fixture(scope="session")
def finished_run(
    shapes_dataset: Path,
    small_recipe: Recipe,
    silent: Progress,
    tmp_path_factory: pytest.TempPathFactory,
) -> Run:
    """A whole uninterrupted run of the real backbone. Do not change it: copy it."""
    from hangtag_train.training import train

    path = tmp_path_factory.mktemp("runs") / "finished"
    return Run(path, train(shapes_dataset, path, small_recipe, silent))
