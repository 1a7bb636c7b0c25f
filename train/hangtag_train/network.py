"""The classifier network: backbone, dropout, one dense layer, softmax or sigmoid; and its calibration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import keras
import numpy as np
import numpy.typing as npt

from hangtag.contract import OutputKind
from hangtag.errors import TrainingError
from hangtag.metrics import negative_log_likelihood, top_k
from hangtag_train.backbones import find_backbone

if TYPE_CHECKING:
    from hangtag.contract import InputSpec
    from hangtag_train.recipe import Recipe

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Network:
    """Three views of one set of layers, all from float32 images (n, height, width, channels).

    ``features`` gives the pooled features (n, width), ``logits`` unnormalised scores (n, units) and
    ``scores`` their softmax or sigmoid; training one trains all.
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
    """Return the input that a recipe's network is trained for.

    Raises:
        TrainingError: the recipe's backbone does not exist, or cannot be what else the recipe asks for.
    """
    return find_backbone(recipe).input_spec(recipe)


def output_kind(recipe: Recipe) -> OutputKind:
    """Return what the network's output numbers are."""
    return OutputKind(recipe.output)


def build_network(recipe: Recipe, labels: int, *, pretrained: bool = True) -> Network:
    """Build the recipe's network with ImageNet weights (or fresh ones) and a fresh head.

    Args:
        recipe: names the backbone and all else.
        labels: how many labels there are.
        pretrained: load the weights that the recipe begins with; false where they are set afterwards.

    Raises:
        TrainingError: the network cannot be built, or its weights are damaged.
        MissingExtra: the package with the weights is not installed.
    """
    if recipe.output == "sigmoid" and labels != 2:
        raise TrainingError(f"one sigmoid unit tells two labels apart, got {labels}; give --output softmax")
    features = find_backbone(recipe).build(recipe, pretrained=pretrained and recipe.pretrained)
    dropped = keras.layers.Dropout(recipe.dropout, seed=recipe.seed, name="dropout")(features.output)
    units = 1 if recipe.output == "sigmoid" else labels
    logits = keras.layers.Dense(units, name="logits", dtype="float32")(dropped)
    activation = keras.activations.sigmoid if recipe.output == "sigmoid" else keras.activations.softmax
    scores = keras.layers.Activation(activation, name="scores", dtype="float32")(logits)
    return Network(
        features, keras.Model(features.input, logits), keras.Model(features.input, scores, name="classifier")
    )


def label_logits(logits: Array) -> Array:
    """Return one logit per label (n, labels) from a network's (n, units).

    One sigmoid unit ``z`` is the softmax of ``(0, z)``, so that all that follows knows softmax alone.
    """
    if logits.shape[1] > 1:
        return logits
    return np.concatenate([np.zeros_like(logits), logits], axis=1)


def softmax(logits: Array) -> Array:
    """Return probabilities (n, labels) that add up to 1 in each row."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


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


def validation_figures(logits: Array, targets: npt.NDArray[np.int64]) -> dict[str, float]:
    """Return what a history keeps of the validation photos, by the names of its fields.

    Args:
        logits: (photos, labels), finite.
        targets: (photos,) label indices.
    """
    scores = softmax(logits)
    return {
        "validation_loss": negative_log_likelihood(scores, targets),
        "validation_top1": top_k(scores, targets, 1),
        "calibrated_loss": _likelihood_loss(logits, targets, fit_temperature(logits, targets)),
    }


def _likelihood_loss(logits: Array, targets: npt.NDArray[np.int64], temperature: float) -> float:
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    normaliser = np.log(np.exp(scaled).sum(axis=1))
    return float((normaliser - scaled[np.arange(len(targets)), targets]).mean())
