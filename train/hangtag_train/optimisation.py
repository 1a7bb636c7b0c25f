"""Optimizers and learning-rate schedules, by the names that a recipe uses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import keras

if TYPE_CHECKING:
    from hangtag_train.recipe import Recipe


def learning_rate(recipe: Recipe, step: int, steps_per_epoch: int) -> float:
    """Return the learning rate of a step of fine-tuning, counted from 0 over all epochs.

    It rises in a line over the warm-up and then follows the recipe's schedule; the cosine (Loshchilov and
    Hutter 2017) ends at zero after the last epoch's last step.
    """
    warmup = min(round(recipe.warmup_epochs * steps_per_epoch), recipe.epochs * steps_per_epoch - 1)
    if step < warmup:
        return recipe.learning_rate * (step + 1) / (warmup + 1)
    if recipe.schedule == "step":
        steps_down = step // (recipe.step_epochs * steps_per_epoch)
        return float(recipe.learning_rate * recipe.step_factor**steps_down)
    if recipe.schedule == "cosine":
        share = (step - warmup) / (recipe.epochs * steps_per_epoch - warmup)
        return recipe.learning_rate * (1 + math.cos(math.pi * share)) / 2
    return recipe.learning_rate


def build_optimizer(recipe: Recipe) -> keras.optimizers.Optimizer:
    """Return the recipe's optimizer; its learning rate is to be set before each step.

    Weight decay is decoupled in all of them (Loshchilov and Hutter 2019) and leaves biases and BatchNorm
    alone.
    """
    decay = recipe.weight_decay or None
    if recipe.optimizer == "sgd":
        optimizer = keras.optimizers.SGD(
            recipe.learning_rate,
            momentum=float(recipe.momentum),  # Keras refuses a whole number
            nesterov=recipe.momentum > 0,
            weight_decay=decay,
        )
    elif recipe.optimizer == "rmsprop":
        optimizer = keras.optimizers.RMSprop(
            recipe.learning_rate, momentum=recipe.momentum, weight_decay=decay
        )
    else:
        # AdamW is Adam with the decay: Keras's Adam decouples it as well.
        optimizer = keras.optimizers.Adam(
            recipe.learning_rate, weight_decay=decay if recipe.optimizer == "adamw" else None
        )
    if decay is not None and recipe.optimizer != "adam":
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer
