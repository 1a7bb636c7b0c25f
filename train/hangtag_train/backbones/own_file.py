"""A ``.keras`` file of the user's own as the backbone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import keras

from hangtag.contract import InputSpec, ModelContract
from hangtag.errors import TrainingError
from hangtag_train.backbones import freeze_first
from hangtag_train.keras_file import load_keras

if TYPE_CHECKING:
    from hangtag_train.recipe import Recipe

_HEAD_NAMES = frozenset({"dropout", "logits", "scores"})
"""What the layers behind every backbone are called: names within a network are unique."""


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A network from a file, without the layers that name labels; its contract tells how pixels reach it."""

    path: Path
    spec: InputSpec
    weights_licence: str = ""

    @classmethod
    def open(cls, name: str) -> OwnFile:
        """Read the contract beside the file: ``contract.json``, or the file's own name with ``.json``.

        Raises:
            TrainingError: there is none (how a network's pixels were prepared cannot be guessed), or it
                describes a model for a device.
        """
        path = Path(name)
        for candidate in (path.with_suffix(".json"), path.parent / "contract.json"):
            if candidate.is_file():
                spec = ModelContract.from_json(candidate.read_bytes()).input
                if spec.tensor.dtype != "float32":
                    raise TrainingError(
                        f"{candidate} describes an input of {spec.tensor.dtype}; "
                        "wanted a contract of a float32 input, as networks are trained"
                    )
                return cls(path, spec)
        raise TrainingError(
            f"{path} needs its contract beside it, {path.with_suffix('.json').name}: size, colour order, "
            "mean and std cannot be guessed from the network"
        )

    def input_spec(self, recipe: Recipe) -> InputSpec:
        """Return the contract's input; the recipe's size gives way to it."""
        del recipe
        return self.spec

    def build(self, recipe: Recipe, *, pretrained: bool) -> keras.Model:
        """Return the file's network up to its last hidden layer, pooled; its weights are the file's.

        Raises:
            TrainingError: it is not a functional network from one picture to one vector or map.
        """
        del pretrained
        model = load_keras(self.path)
        if tuple(model.input_shape[1:]) != self.spec.shape[1:]:
            raise TrainingError(
                f"{self.path} takes {tuple(model.input_shape[1:])}, its contract says {self.spec.shape[1:]}"
            )
        features = model.output
        naming = (keras.layers.Dense, keras.layers.Softmax, keras.layers.Activation, keras.layers.Dropout)
        layers = list(model.layers)
        while layers and isinstance(layers[-1], naming):
            last = layers.pop()
            features = last.input
            if isinstance(last, keras.layers.Dense):
                break
        while layers and isinstance(layers[-1], keras.layers.Dropout):
            features = layers.pop().input  # a new one follows, and of the same name
        if len(features.shape) == 4:
            features = keras.layers.GlobalAveragePooling2D(name="features")(features)
        if len(features.shape) != 2:
            raise TrainingError(f"{self.path} ends in a tensor of shape {features.shape}; wanted (n, width)")
        for layer in layers:
            if layer.name in _HEAD_NAMES:
                layer.name = f"own_{layer.name}"
        backbone = keras.Model(model.input, features, name="own_network")
        freeze_first(backbone, recipe.frozen_blocks)
        return backbone
