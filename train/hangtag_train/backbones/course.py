"""The networks that courses begin with, and a residual one that goes further; all with fresh weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras

from hangtag.contract import ColourOrder, InputSpec
from hangtag.errors import TrainingError
from hangtag_train.backbones import freeze_first

if TYPE_CHECKING:
    from hangtag_train.recipe import Recipe

_SMALLEST_PX = {"mlp": 8, "small-cnn": 16, "residual": 16}


@dataclass(frozen=True, slots=True)
class Course:
    """A network without pretrained weights; a pixel byte becomes ``byte / 255``."""

    name: str
    layers: Callable[[Any], Any]
    weights_licence: str = ""

    def input_spec(self, recipe: Recipe) -> InputSpec:
        """Return a square of one or three channels."""
        if recipe.size_px < _SMALLEST_PX[self.name]:
            raise TrainingError(
                f"{self.name} needs pictures of {_SMALLEST_PX[self.name]} px or more, got {recipe.size_px}"
            )
        grey = recipe.colour == "grey"
        return InputSpec(
            width_px=recipe.size_px,
            height_px=recipe.size_px,
            colour_order=ColourOrder.GREY if grey else ColourOrder.RGB,
            mean=(0.0,) if grey else (0.0, 0.0, 0.0),
            std=(255.0,) if grey else (255.0, 255.0, 255.0),
        )

    def build(self, recipe: Recipe, *, pretrained: bool) -> keras.Model:
        """Return the network up to its last hidden layer."""
        if pretrained:
            raise TrainingError(f"there are no ImageNet weights for {self.name}; give --fresh-weights")
        image = keras.Input(self.input_spec(recipe).shape[1:], name="image")
        model = keras.Model(image, self.layers(image), name=self.name)
        freeze_first(model, recipe.frozen_blocks)
        return model


def _mlp(image: Any) -> Any:
    """One hidden layer of 128, as in TensorFlow's first tutorial on Fashion-MNIST."""
    flat = keras.layers.Flatten(name="flat")(image)
    return keras.layers.Dense(128, activation="relu", name="features")(flat)


def _small_cnn(image: Any) -> Any:
    """Two 3x3 convolutions of 32 with pools, then dense 128: 113,386 parameters with ten labels at 28 px."""
    features = image
    for number in (1, 2):
        features = keras.layers.Conv2D(32, 3, activation="relu", name=f"conv{number}")(features)
        features = keras.layers.MaxPooling2D(name=f"pool{number}")(features)
    flat = keras.layers.Flatten(name="flat")(features)
    return keras.layers.Dense(128, activation="relu", name="features")(flat)


def _residual(image: Any) -> Any:
    """Four residual blocks, 32, 64 and twice 128 wide (He et al. 2016), BatchNorm throughout."""
    features = _normalised(image, 32, 1, "stem")
    for number, (width, stride) in enumerate(((32, 1), (64, 2), (128, 2), (128, 1))):
        features = _residual_block(features, width, stride=stride, name=f"block{number}")
    return keras.layers.GlobalAveragePooling2D(name="features")(features)


def _residual_block(inputs: Any, width: int, *, stride: int, name: str) -> Any:
    features = _normalised(inputs, width, stride, f"{name}_first")
    features = _normalised(features, width, 1, f"{name}_second", activate=False)
    shortcut = inputs
    if stride != 1 or inputs.shape[-1] != width:
        shortcut = _normalised(inputs, width, stride, f"{name}_shortcut", kernel=1, activate=False)
    added = keras.layers.Add(name=f"{name}_add")([features, shortcut])
    return keras.layers.ReLU(name=f"{name}_relu")(added)


def _normalised(
    inputs: Any, width: int, stride: int, name: str, *, kernel: int = 3, activate: bool = True
) -> Any:
    conv = keras.layers.Conv2D(
        width, kernel, stride, padding="same", use_bias=False,
        kernel_initializer="he_normal", name=f"{name}_conv",
    )  # fmt: skip
    # Few epochs on many photos: statistics that remember ten batches follow the weights closely enough.
    outputs = keras.layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(conv(inputs))
    return keras.layers.ReLU(name=f"{name}_relu")(outputs) if activate else outputs


COURSE: Mapping[str, Course] = {
    "mlp": Course("mlp", _mlp),
    "small-cnn": Course("small-cnn", _small_cnn),
    "residual": Course("residual", _residual),
}
"""The networks with fresh weights, by name."""
