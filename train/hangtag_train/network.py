"""The classifier network: backbone, dropout, one dense layer, softmax; and its calibration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import keras
import numpy as np
import numpy.typing as npt

from hangtag.contract import InputSpec
from hangtag.errors import TrainingError
from hangtag_train.backbones import efficientnet_lite

if TYPE_CHECKING:
    from hangtag_train.recipe import Recipe

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Network:
    """Three views of one set of layers, all from float32 images (n, height, width, 3).

    ``features`` gives the pooled features (n, width), ``logits`` unnormalised scores (n, labels) and
    ``scores`` their softmax; training one trains all.
    """

    features: keras.Model
    logits: keras.Model
    scores: keras.Model

    @property
    def head(self) -> keras.layers.Dense:
        """The last dense layer."""
        return self.logits.get_layer("logits")

    def divide_logits(self, temperature: float) -> None:
        """Fold a calibrating temperature into the last layer, so that every client sees calibrated scores."""
        kernel, bias = self.head.get_weights()
        self.head.set_weights([kernel / temperature, bias / temperature])


def input_spec(recipe: Recipe) -> InputSpec:
    """Return the input that a recipe's network is trained for."""
    return InputSpec(
        width_px=recipe.size_px,
        height_px=recipe.size_px,
        mean=efficientnet_lite.MEAN,
        std=efficientnet_lite.STD,
    )


def build_network(recipe: Recipe, labels: int, *, pretrained: bool = True) -> Network:
    """Build the recipe's network with ImageNet weights (or fresh ones) and a fresh head.

    Raises:
        TrainingError: no backbone has the recipe's name, or its weights are damaged.
        MissingExtra: the package with the weights is not installed.
    """
    variant = efficientnet_lite.VARIANTS.get(recipe.backbone)
    if variant is None:
        known = ", ".join(efficientnet_lite.VARIANTS)
        raise TrainingError(f"there is no backbone {recipe.backbone!r}; wanted one of {known}")
    features = efficientnet_lite.build(variant, recipe.size_px, blocks=recipe.blocks, pretrained=pretrained)
    efficientnet_lite.freeze(features, recipe.frozen_blocks)
    dropped = keras.layers.Dropout(recipe.dropout, seed=recipe.seed, name="dropout")(features.output)
    logits = keras.layers.Dense(labels, name="logits", dtype="float32")(dropped)
    scores = keras.layers.Softmax(name="scores", dtype="float32")(logits)
    return Network(
        features, keras.Model(features.input, logits), keras.Model(features.input, scores, name="classifier")
    )


def fit_temperature(logits: Array, targets: npt.NDArray[np.int64]) -> float:
    """Return the temperature that minimises the negative log-likelihood of ``logits / temperature``.

    Args:
        logits: (photos, labels), of photos that were not trained on.
        targets: (photos,) label indices.

    The function is convex in 1/temperature; a golden-section search over 0.25 to 20 finds its minimum.
    Below that it is not looked for: where every photo is right, likelihood alone would sharpen without end.
    """
    low, high = np.log(0.25), np.log(20.0)
    ratio = (np.sqrt(5.0) - 1) / 2
    while high - low > 1e-4:
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if _likelihood_loss(logits, targets, np.exp(left)) < _likelihood_loss(logits, targets, np.exp(right)):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))


def _likelihood_loss(logits: Array, targets: npt.NDArray[np.int64], temperature: float) -> float:
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    normaliser = np.log(np.exp(scaled).sum(axis=1))
    return float((normaliser - scaled[np.arange(len(targets)), targets]).mean())
