"""A run's settings as data: shipped as small TOML files, changed by options, recorded with every result."""

from __future__ import annotations

import dataclasses
import importlib.resources
import math
import sys
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from hangtag.errors import TrainingError, did_you_mean
from hangtag_train.augment import Augmentation

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Colour = Literal["rgb", "grey"]
Output = Literal["softmax", "sigmoid"]
OptimizerName = Literal["sgd", "adam", "adamw", "rmsprop"]
ScheduleName = Literal["constant", "step", "cosine"]

DEFAULT = "clothing-best"
"""The recipe that is taken when none is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Settings of one training run.

    Args:
        name: of the recipe, as reports call it.
        about: what it is for, in one line.
        model_name: of the model that comes out; it begins the names of its files.
        backbone: name of the network in front of the last layer (see :mod:`hangtag_train.backbones`).
        pretrained: begin with the backbone's ImageNet weights; else with fresh ones.
        size_px: height and width of the model's input.
        colour: ``rgb``, or ``grey`` for one channel.
        output: ``softmax`` over the labels, or ``sigmoid``: one unit that tells two labels apart.
        blocks: which of the backbone's blocks are kept, such as ``0-9,11``; None keeps all.
        frozen_blocks: how many of its first blocks stay as they are in fine-tuning, the stem with them.
        norm_from_epoch: epoch of fine-tuning (counted from 1) from which BatchNorm learns its statistics;
            None leaves them as they were stored. A network with fresh weights needs 1. From that epoch on
            the whole backbone works as in training: dropout inside it, and whatever else acts in training
            alone, is on as well, and before it is off. The dropout behind it (``dropout``) is always on.
        head_epochs: passes over the cached features for the linear head, before fine-tuning.
        epochs: passes over the photos for fine-tuning; 0 keeps the backbone as it is.
        batch_size: photos per step.
        optimizer: of fine-tuning.
        learning_rate: its peak, reached after ``warmup_epochs``.
        schedule: after that: ``constant``, ``step`` (times ``step_factor`` every ``step_epochs``) or
            ``cosine`` down to zero.
        warmup_epochs: passes in which the learning rate rises from zero.
        step_epochs: passes between two steps.
        step_factor: what a step multiplies the learning rate by.
        momentum: of SGD (Nesterov) and RMSprop.
        head_learning_rate: of the linear head on cached features (AdamW).
        weight_decay: decoupled, on convolution and dense kernels only.
        label_smoothing: share of the target spread over all labels, in fine-tuning.
        dropout: share of pooled features dropped, in both phases.
        class_weights: weigh photos of rare labels up, so that every label counts the same.
        mixup: parameter of the Beta distribution that blends pairs of photos (Zhang et al. 2018); 0 is off.
        cutmix: the same for pasting a rectangle of one photo into another (Yun et al. 2019). Where both are
            above 0, each batch takes one of the two.
        average_momentum: of the running average of the weights, which is what is evaluated and kept; 0
            evaluates and keeps the weights themselves.
        teacher: folder of a finished run of the same labels, whose scores are learned from, too.
        teacher_share: weight of the teacher's scores in the loss, against the labels'.
        teacher_temperature: by which both sets of logits are divided before they are compared.
        patience: stop after so many epochs without a better validation result; None never does.
        stop_at_top1: stop when the validation top-1 of the checkpoint to be kept reaches this fraction;
            None never does.
        mixed_precision: compute in float16 on a GPU (refused where there is none).
        deterministic: use only operations that repeat themselves exactly, at some cost in speed.
        seed: of shuffling, augmentation and fresh weights.
        augmentation: how training photos are varied.

    Raises:
        TrainingError: a value is out of its range or contradicts another.
    """

    name: str = "custom"
    about: str = ""
    model_name: str = "clothing"
    backbone: str = "efficientnet-lite0"
    pretrained: bool = True
    size_px: int = 224
    colour: Colour = "rgb"
    output: Output = "softmax"
    blocks: str | None = None
    frozen_blocks: int = 0
    norm_from_epoch: int | None = None
    head_epochs: int = 40
    epochs: int = 12
    batch_size: int = 32
    optimizer: OptimizerName = "adamw"
    learning_rate: float = 3e-4
    schedule: ScheduleName = "cosine"
    warmup_epochs: float = 1.0
    step_epochs: int = 4
    step_factor: float = 0.3
    momentum: float = 0.9
    head_learning_rate: float = 2e-3
    weight_decay: float = 0.02
    label_smoothing: float = 0.1
    dropout: float = 0.2
    class_weights: bool = False
    mixup: float = 0.0
    cutmix: float = 0.0
    average_momentum: float = 0.995
    teacher: str | None = None
    teacher_share: float = 0.7
    teacher_temperature: float = 2.0
    patience: int | None = None
    stop_at_top1: float | None = None
    mixed_precision: bool = False
    deterministic: bool = False
    seed: int = 1
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if value is not None and not (low <= value <= high and math.isfinite(value)):
                raise TrainingError(f"recipe {self.name}: {name} is {value:g}; wanted {_span(low, high)}")
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise TrainingError(
                    f"recipe {self.name}: {name} is {getattr(self, name)!r}; "
                    f"wanted one of {', '.join(choices)}"
                )
        if not self.pretrained and self.epochs == 0:
            raise TrainingError(
                f"recipe {self.name}: fresh weights and no epochs would leave the network as it was drawn; "
                "give --epochs"
            )

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as plain JSON values."""
        return dataclasses.asdict(self)

    def changed(self, settings: Mapping[str, Any]) -> Recipe:
        """Return the recipe with some settings replaced; ``augmentation`` may be a part of it.

        Raises:
            TrainingError: a setting that there is not, of another type or out of its range.
        """
        changes = dict(settings)
        variation = changes.pop("augmentation", {})
        _check_settings(changes, Recipe, "a recipe")
        if not isinstance(variation, Mapping):
            raise TrainingError(f"augmentation is {variation!r}; wanted a table of its settings")
        _check_settings(variation, Augmentation, "augmentation")
        try:
            augmentation = dataclasses.replace(self.augmentation, **variation)
        except ValueError as error:
            raise TrainingError(str(error)) from None
        return dataclasses.replace(self, **changes, augmentation=augmentation)

    def without_effect(self, settings: Iterable[str]) -> list[str]:
        """Return those of some settings that change nothing here, because their phase is left out."""
        idle = set(_OF_FINE_TUNING if self.epochs == 0 else ())
        idle |= {"head_learning_rate"} if self.head_epochs == 0 else set()
        return sorted(idle & set(settings))

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Recipe:
        """Return the recipe that :meth:`as_dict` was called on.

        Raises:
            TrainingError: settings that a recipe does not have, or values that it cannot have.
        """
        return cls().changed(settings)


def recipe_names() -> tuple[str, ...]:
    """Return the names of the recipes that come with the package, sorted."""
    files = importlib.resources.files("hangtag_train").joinpath("recipes").iterdir()
    return tuple(sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml")))


def load_recipe(name: str) -> Recipe:
    """Return a recipe that comes with the package.

    Raises:
        TrainingError: there is none of that name.
    """
    if name not in recipe_names():
        raise TrainingError(
            f"there is no recipe {name!r}{did_you_mean(name, recipe_names())}; "
            f"wanted one of {', '.join(recipe_names())}"
        )
    file = importlib.resources.files("hangtag_train") / "recipes" / f"{name}.toml"
    return Recipe(name=name).changed(tomllib.loads(file.read_text(encoding="utf-8")))


_OF_FINE_TUNING = (
    "frozen_blocks", "norm_from_epoch", "optimizer", "learning_rate", "schedule", "warmup_epochs",
    "step_epochs", "step_factor", "momentum", "label_smoothing", "mixup", "cutmix", "average_momentum",
    "teacher", "teacher_share", "teacher_temperature", "patience", "stop_at_top1", "augmentation",
)  # fmt: skip
_ANY = math.inf
_RANGES: Mapping[str, tuple[float, float]] = {
    "size_px": (8, 1024),
    "frozen_blocks": (0, 1000),
    "norm_from_epoch": (1, _ANY),
    "head_epochs": (0, _ANY),
    "epochs": (0, _ANY),
    "batch_size": (1, 65536),
    "learning_rate": (1e-12, 1e3),
    "warmup_epochs": (0, _ANY),
    "step_epochs": (1, _ANY),
    "step_factor": (0, 1),
    "momentum": (0, 0.9999),
    "head_learning_rate": (1e-12, 1e3),
    "weight_decay": (0, 1e3),
    "label_smoothing": (0, 0.99),
    "dropout": (0, 0.99),
    "mixup": (0, 100),
    "cutmix": (0, 100),
    "average_momentum": (0, 0.999999),
    "teacher_share": (0, 1),
    "teacher_temperature": (0.1, 100),
    "patience": (1, _ANY),
    "stop_at_top1": (0, 1),
    "seed": (0, 2**32 - 1),
}
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "colour": typing.get_args(Colour),
    "output": typing.get_args(Output),
    "optimizer": typing.get_args(OptimizerName),
    "schedule": typing.get_args(ScheduleName),
}


def _span(low: float, high: float) -> str:
    return f"{low:g} or more" if high == _ANY else f"{low:g} to {high:g}"


def _check_settings(settings: Mapping[str, Any], owner: type, what: str) -> None:
    """Raise unless every name is a field of ``owner`` and every value of the field's type."""
    kinds = typing.get_type_hints(owner)
    for name, value in settings.items():
        if name not in kinds:
            variation = did_you_mean(name, typing.get_type_hints(Augmentation))
            hint = did_you_mean(name, kinds) or variation.replace("mean ", "mean augmentation.")
            raise TrainingError(
                f"{what} has no setting {name!r}{hint}; wanted some of {', '.join(sorted(kinds))}"
            )
        allowed = _plain_types(kinds[name])
        # True is an int to Python, and 3 a float to a person.
        fits = isinstance(value, allowed) and not (isinstance(value, bool) and bool not in allowed)
        if not fits:
            wanted = " or ".join("nothing" if kind is type(None) else kind.__name__ for kind in allowed)
            raise TrainingError(f"setting {name} is {value!r}; wanted {wanted}")


def holds_text(setting: str) -> bool:
    """True for a setting of a recipe whose value is text, even where it looks like a number."""
    return str in _plain_types(typing.get_type_hints(Recipe).get(setting, int))


def _plain_types(hint: Any) -> tuple[type, ...]:
    origin = typing.get_origin(hint)
    if origin is Literal:
        return (str,)
    if origin in {typing.Union, types.UnionType}:
        return tuple(kind for part in typing.get_args(hint) for kind in _plain_types(part))
    return (float, int) if hint is float else (hint,)
