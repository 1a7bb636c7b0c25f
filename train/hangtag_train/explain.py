"""What a network looks at: the activation maps of its layers, and Grad-CAM.

Both come from one forward pass in which every layer's output is kept. That works for a network of any
construction (nested models too), where building a second model from layers' symbolic outputs does not.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from hangtag.classifier import to_scores
from hangtag.contract import ModelContract, OutputKind
from hangtag.errors import TrainingError, shortened
from hangtag.preprocess import Tensor
from hangtag.run_seal import read_run
from hangtag_train.keras_file import load_keras

Maps = npt.NDArray[np.float32]
"""Activation maps of one layer for one photo: float32, shape (height, width, channels)."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer with activation maps; layers of a network within the network are called ``outer/inner``."""

    name: str
    height: int
    width: int
    channels: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of its maps."""
        return (self.height, self.width, self.channels)


@dataclass(frozen=True, slots=True)
class Heat:
    """Where the evidence for a label lies.

    ``values`` is float32, shape (height, width) of the layer's maps, from 0 to 1, where 1 is the strongest
    evidence in this photo; all 0 where nothing in the photo speaks for the label.
    """

    layer: str
    values: npt.NDArray[np.float32]


class Explainer:
    """Explains a trained Keras network by its activations. Not thread-safe: it hooks into the layers.

    Args:
        model: from float32 images (n, height, width, channels) to what the contract's output says.
        contract: labels, input and output kind of the model.

    Raises:
        TrainingError: the network has no activation maps.
    """

    def __init__(self, model: keras.Model, contract: ModelContract) -> None:
        self.contract = contract
        self._model = model
        blank = np.zeros(contract.input.shape, np.float32)
        with _recorded(model) as outputs:
            model(blank, training=False)
        self.layers = tuple(
            Layer(name, *(int(side) for side in value.shape[1:])) for name, value in outputs.items()
        )
        if not self.layers:
            raise TrainingError(
                f"the network {contract.name!r} has no layer with activation maps (no convolution), "
                "so there is nothing to show of it; explain a run with a convolutional backbone"
            )

    @classmethod
    def open(cls, run: Path) -> Explainer:
        """Open the model of a finished run; code hidden in its file is not run.

        Raises:
            RunError: it is not a whole finished run.
            ContractError: its contract cannot be used.
            TrainingError: its model cannot be loaded, or has no activation maps.
        """
        sealed = read_run(run)
        return cls(load_keras(sealed.model), sealed.contract)

    def layer(self, name: str) -> Layer:
        """Return the layer of that name.

        Raises:
            TrainingError: there is none, or it has no activation maps.
        """
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise TrainingError(
            f"the network has no layer {shortened(name)} with activation maps; see them with --list-layers"
        )

    def label_index(self, label: str) -> int:
        """Return the index of a label.

        Raises:
            TrainingError: the model does not know it.
        """
        labels = self.contract.labels
        if label not in labels:
            some = ", ".join(labels[:20]) + (", …" if len(labels) > 20 else "")
            raise TrainingError(f"the model knows no label {shortened(label)}; it knows {some}")
        return labels.index(label)

    def spread(self, count: int = 6) -> tuple[Layer, ...]:
        """Return up to ``count`` layers that show the way from edges to garments.

        The last layer of each size of map, from the largest to the smallest; the others in between fill up.
        """
        last_of_size = {layer.shape[:2]: index for index, layer in enumerate(self.layers)}
        chosen = sorted(last_of_size.values())
        if len(chosen) > count:
            chosen = [chosen[place] for place in _evenly(len(chosen), count)]
        others = [index for index in range(len(self.layers)) if index not in chosen]
        missing = min(count - len(chosen), len(others))
        filled = sorted([*chosen, *(others[place] for place in _evenly(len(others), missing))])
        return tuple(self.layers[index] for index in filled)

    def scores(self, tensor: Tensor) -> npt.NDArray[np.float64]:
        """Return one score per label for one input tensor (1, height, width, channels)."""
        return to_scores(np.asarray(self._model(tensor, training=False))[0], self.contract.output)

    def maps(self, tensor: Tensor, layers: Sequence[Layer]) -> list[Maps]:
        """Return the activation maps of ``layers`` for one input tensor (1, height, width, channels)."""
        with _recorded(self._model) as outputs:
            self._model(tensor, training=False)
        return [np.asarray(outputs[layer.name], np.float32)[0] for layer in layers]

    def grad_cam(self, tensor: Tensor, label: int, layer: Layer | None = None) -> Heat:
        """Return where in the photo the evidence for a label lies.

        Gradient-weighted class activation mapping (Selvaraju et al. 2017): each channel of the feature map is
        weighted by the mean gradient of the label's logit with respect to it; the weighted sum keeps its
        positive part. The logit, not the score: a softmax is flat where it is sure, and its gradient speaks
        of the other labels too.

        Args:
            tensor: one input, (1, height, width, channels).
            label: index of the label to look for.
            layer: whose maps; the last one of the network by default.

        Raises:
            TrainingError: the network ends in a layer whose logits cannot be had.
        """
        layer = layer or self.layers[-1]
        tensor = tf.convert_to_tensor(tensor, tf.float32)
        with tf.GradientTape() as tape, _recorded(self._model, tape) as outputs, self._giving_logits():
            # Watched: a network of frozen weights would leave nothing on the tape.
            tape.watch(tensor)
            logit = self._logit(self._model(tensor, training=False), label)
        values = outputs[layer.name]
        gradient = tape.gradient(logit, values)
        if gradient is None:
            raise TrainingError(f"the scores do not depend on layer {layer.name!r}; choose a later one")
        maps, slopes = np.asarray(values, np.float64)[0], np.asarray(gradient, np.float64)[0]
        heat = np.maximum((maps * slopes.mean(axis=(0, 1))).sum(axis=-1), 0.0)
        strongest = heat.max()
        return Heat(layer.name, (heat / strongest if strongest > 0 else heat).astype(np.float32))

    def _logit(self, outputs: Any, label: int) -> Any:
        if self.contract.output.kind is OutputKind.SIGMOID:
            # One unit speaks for the second label, and as much against the first.
            return outputs[0, 0] if label == 1 else -outputs[0, 0]
        return outputs[0, label]

    @contextlib.contextmanager
    def _giving_logits(self) -> Iterator[None]:
        """Let the model give its logits in the block: what stands before the last softmax or sigmoid."""
        if self.contract.output.kind is OutputKind.LOGITS:
            yield
            return
        last = _last_layer(self._model)
        if isinstance(last, keras.layers.Softmax):
            with _replaced(last, "call", lambda inputs, *_, **__: inputs):
                yield
        elif getattr(last, "activation", None) in {keras.activations.softmax, keras.activations.sigmoid}:
            with _replaced(last, "activation", keras.activations.linear):
                yield
        else:
            raise TrainingError(
                f"the network ends in the layer {last.name!r} ({type(last).__name__}); Grad-CAM needs the "
                "logits before a softmax or a sigmoid"
            )


def most_active(maps: Maps, count: int = 16) -> list[int]:
    """Return the channels that tell most places apart (largest standard deviation), the strongest first."""
    spread = maps.std(axis=(0, 1))
    return [int(index) for index in np.argsort(-spread, kind="stable")[:count]]


def _evenly(length: int, count: int) -> list[int]:
    """Return ``count`` places spread evenly from the first to the last of ``length``."""
    if count == 1:
        return [length // 2]
    return [round(place * (length - 1) / (count - 1)) for place in range(count)]


def _leaves(model: keras.Model, prefix: str = "") -> Iterator[tuple[str, keras.layers.Layer]]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _leaves(layer, f"{prefix}{layer.name}/")
        else:
            yield prefix + layer.name, layer


def _last_layer(model: keras.Model) -> keras.layers.Layer:
    last = model
    while isinstance(last, keras.Model):
        last = last.layers[-1] if isinstance(last, keras.Sequential) else _maker(last.outputs[0])
    return last


def _maker(symbolic: Any) -> Any:
    """Return the layer that a functional model's symbolic output comes from."""
    return symbolic._keras_history.operation


@contextlib.contextmanager
def _recorded(model: keras.Model, tape: Any = None) -> Iterator[dict[str, Any]]:
    """Keep the activation maps of every layer that a call of ``model`` in the block goes through, in order.

    Activation maps are outputs (1, height, width, channels) of more than one place, from the first layer
    with weights on: what comes before only prepares the pixels.
    """
    outputs: dict[str, Any] = {}
    begun = False

    def recording(name: str, layer: keras.layers.Layer, call: Callable[..., Any]) -> Callable[..., Any]:
        def record(*arguments: Any, **named: Any) -> Any:
            nonlocal begun
            output = call(*arguments, **named)
            shape = tuple(getattr(output, "shape", ()))
            spatial = len(shape) == 4 and shape[1] * shape[2] > 1
            begun = begun or (
                spatial and bool(layer.weights) and not isinstance(layer, keras.layers.Normalization)
            )
            if spatial and begun:
                outputs[name] = output
                if tape is not None:
                    tape.watch(output)
            return output

        return record

    with contextlib.ExitStack() as hooks:
        for name, layer in _leaves(model):
            hooks.enter_context(_replaced(layer, "call", recording(name, layer, layer.call)))
        yield outputs


@contextlib.contextmanager
def _replaced(layer: keras.layers.Layer, name: str, value: Any) -> Iterator[None]:
    """Give one layer another attribute or method for the block."""
    own = vars(layer).get(name)
    setattr(layer, name, value)
    try:
        yield
    finally:
        if own is None:
            delattr(layer, name)
        else:
            setattr(layer, name, own)
