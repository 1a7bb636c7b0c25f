"""Which settings of a recipe are worth trying out, how far each may go, and what a short trial of one is."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hangtag.errors import TrainingError
from hangtag_train.phases import varies_photos

if TYPE_CHECKING:
    from hangtag_train.augment import Augmentation
    from hangtag_train.recipe import Recipe

STRENGTH = "augmentation_strength"
"""Not a setting of recipes itself: what every amount of the recipe's augmentation is multiplied by."""

_AMOUNTS = (
    "zoom_in", "zoom_out", "far", "aspect", "shift", "rotation_deg", "perspective", "exposure", "darkness",
    "contrast", "colour", "temperature", "blur_px", "motion_px", "noise", "jpeg", "occlusion",
)  # fmt: skip
_AMOUNT_ENDS = {"zoom_in": 0.95, "perspective": 1.0, "jpeg": 100.0, "occlusion": 1.0}
_LOWEST, _HIGHEST = 1e-12, 1e3
"""Past these a recipe takes no rate."""
_SHORTER = 3
"""A trial's epochs are the recipe's divided by this."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A number to be searched between ``low`` and ``high``; ``value`` is the recipe's own.

    ``logarithmic`` settings are proposed evenly over their logarithm.
    """

    name: str
    value: float
    low: float
    high: float
    logarithmic: bool = False


def search_space(recipe: Recipe) -> tuple[Setting, ...]:
    """Return what is tried out for a recipe.

    Rates and decays go from a fraction of the recipe's value to a multiple of it. What a recipe has switched
    off altogether, weight decay or augmentation, stays off: it was left out on purpose.

    Raises:
        TrainingError: the recipe trains nothing, so that there is nothing to tune.
    """
    if recipe.epochs == 0:
        if recipe.head_epochs == 0:
            raise TrainingError("neither --epochs nor --head-epochs: there is nothing to tune")
        found = [_around("head_learning_rate", recipe.head_learning_rate, 8)]
        decays = recipe.weight_decay > 0
    else:
        found = [_around("learning_rate", recipe.learning_rate, 8)]
        decays = recipe.weight_decay > 0 and recipe.optimizer != "adam"
    if decays:
        found.append(_around("weight_decay", recipe.weight_decay, 10))
    found.append(_up_to("dropout", recipe.dropout, 0.5))
    if recipe.epochs > 0:
        found.append(_up_to("label_smoothing", recipe.label_smoothing, 0.2))
        if varies_photos(recipe.as_dict()):
            found.append(Setting(STRENGTH, 1.0, 0.0, 1.5))
    return tuple(found)


def with_settings(recipe: Recipe, settings: Mapping[str, float]) -> Recipe:
    """Return the recipe with settings of its search space.

    Raises:
        TrainingError: a setting that a recipe does not have, or a value that it cannot have.
    """
    changes = dict(settings)
    strength = changes.pop(STRENGTH, 1.0)
    changed = recipe.changed(changes)
    return dataclasses.replace(changed, augmentation=strengthened(recipe.augmentation, strength))


def strengthened(augmentation: Augmentation, strength: float) -> Augmentation:
    """Return an augmentation that goes ``strength`` times as far; how often it does anything stays."""
    if strength == 1:
        return augmentation
    return dataclasses.replace(
        augmentation,
        **{
            name: min(strength * getattr(augmentation, name), _AMOUNT_ENDS.get(name, float("inf")))
            for name in _AMOUNTS
        },
    )


def shortened(recipe: Recipe) -> Recipe:
    """Return the recipe over a third of its epochs, its schedule drawn together and never stopped early."""
    if recipe.epochs == 0:
        return recipe
    epochs = max(1, round(recipe.epochs / _SHORTER))
    share = epochs / recipe.epochs
    norm = recipe.norm_from_epoch
    return dataclasses.replace(
        recipe,
        epochs=epochs,
        warmup_epochs=recipe.warmup_epochs * share,
        step_epochs=max(1, round(recipe.step_epochs * share)),
        norm_from_epoch=None if norm is None else 1 + int((norm - 1) * share),
        patience=None,
        stop_at_top1=None,
    )


def _around(name: str, value: float, factor: float) -> Setting:
    return Setting(name, value, max(value / factor, _LOWEST), min(value * factor, _HIGHEST), logarithmic=True)


def _up_to(name: str, value: float, high: float) -> Setting:
    return Setting(name, value, 0.0, max(high, value))
