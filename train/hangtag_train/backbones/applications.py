"""Any network of ``keras.applications``, with the weights that Keras downloads for it."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from hangtag.contract import ColourOrder, InputSpec
from hangtag.errors import TrainingError
from hangtag_train.backbones import freeze_first

if TYPE_CHECKING:
    from hangtag_train.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Application:
    """One of Keras's networks: its constructor and the function that prepares pixels for it."""

    name: str
    construct: Callable[..., keras.Model]
    preprocess_input: Callable[[Any], Any]
    weights_licence: str = "as Keras's applications state for each network"

    def input_spec(self, recipe: Recipe) -> InputSpec:
        """Return the input, with colour order, mean and std read off what the network's own function does.

        Each of those functions is a straight line per channel, some after an exchange of red and blue; three
        probe pixels tell which.
        """
        probe = np.zeros((1, 1, 3, 3), np.float32)
        probe[0, 0, 1] = 255.0
        probe[0, 0, 2, 0] = 255.0  # red alone
        black, white, red = np.asarray(self.preprocess_input(probe.copy()), np.float64)[0, 0]
        exchanged = bool(red[2] != black[2])
        scale = (white - black) / 255.0
        return InputSpec(
            width_px=recipe.size_px,
            height_px=recipe.size_px,
            colour_order=ColourOrder.BGR if exchanged else ColourOrder.RGB,
            # Rounded: they come back from float32 arithmetic as 123.67999…
            mean=tuple(round(float(value), 4) + 0.0 for value in -black / scale),
            std=tuple(round(float(value), 4) for value in 1.0 / scale),
        )

    def build(self, recipe: Recipe, *, pretrained: bool) -> keras.Model:
        """Return the network up to its pooled features.

        Raises:
            TrainingError: its weights cannot be loaded, or it cannot be built at this size.
        """
        try:
            model = self.construct(
                include_top=False,
                weights="imagenet" if pretrained else None,
                input_shape=(recipe.size_px, recipe.size_px, 3),
                pooling="avg",
            )
        except Exception as error:  # noqa: BLE001 # Keras raises plain Exception where a download fails
            raise TrainingError(
                f"keras.applications.{self.name} at {recipe.size_px} px: {' '.join(str(error).split())}; "
                "without a network to fetch its weights from, give --fresh-weights"
            ) from None
        model.name = _exportable(model.name)
        freeze_first(model, recipe.frozen_blocks)
        return model


def find(name: str) -> Application | None:
    """Return the network of that name, in any case, or None."""
    for attribute in dir(keras.applications):
        construct = getattr(keras.applications, attribute)
        if inspect.isfunction(construct) and attribute.lower() == name.lower():
            module = sys.modules[construct.__module__]
            return Application(attribute, construct, module.preprocess_input)
    return None


def _exportable(name: str) -> str:
    """A name that TensorFlow takes for a root scope: it may not begin with an underscore."""
    return name.lstrip("_") or "backbone"
