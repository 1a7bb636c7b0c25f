"""A run's settings as data: what was asked for, recorded with every result."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from hangtag_train.augment import Augmentation


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Settings of one training run.

    Args:
        name: of the recipe, as reports call it.
        model_name: of the model that comes out; it begins the names of its files.
        backbone: name of the pretrained network.
        size_px: height and width of the model's input.
        blocks: how many of the backbone's blocks are kept; None keeps all.
        frozen_blocks: how many of its first blocks stay as they are in fine-tuning, the stem with them.
        head_epochs: passes over the cached features for the linear head.
        epochs: passes over the photos for fine-tuning; 0 keeps the backbone as it is.
        batch_size: photos per step.
        learning_rate: peak of fine-tuning, reached after ``warmup_epochs``, then a cosine down to zero.
        head_learning_rate: of the linear head on cached features.
        weight_decay: decoupled (AdamW), on convolution and dense kernels only.
        label_smoothing: share of the target spread over all labels, in fine-tuning.
        dropout: share of pooled features dropped, in both phases.
        average_momentum: of the running average of the weights, which is what is evaluated and kept.
        seed: of shuffling, augmentation and fresh weights.
        augmentation: how training photos are varied.
    """

    name: str = "fine-tune"
    model_name: str = "clothing"
    backbone: str = "efficientnet-lite0"
    size_px: int = 224
    blocks: int | None = None
    frozen_blocks: int = 0
    head_epochs: int = 40
    epochs: int = 12
    warmup_epochs: float = 1.0
    batch_size: int = 32
    learning_rate: float = 3e-4
    head_learning_rate: float = 2e-3
    weight_decay: float = 0.02
    label_smoothing: float = 0.1
    dropout: float = 0.2
    average_momentum: float = 0.995
    seed: int = 1
    augmentation: Augmentation = field(default_factory=Augmentation)

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as plain JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, settings: dict[str, Any]) -> Recipe:
        """Return the recipe that :meth:`as_dict` was called on.

        Raises:
            TypeError: settings that a recipe does not have.
            KeyError: no augmentation among them.
        """
        return cls(**{**settings, "augmentation": Augmentation(**settings["augmentation"])})
