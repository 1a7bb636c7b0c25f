"""A recipe's settings as options of a command: the ones people change by name, all of them by ``--set``."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., Any])

_SEEDS = click.IntRange(0, 2**32 - 1)
_SHARE = click.FloatRange(0, 1)

_OPTIONS: tuple[tuple[str, str, Any, str], ...] = (
    ("--backbone", "backbone", str, "A name of ours or of keras.applications, or a .keras file."),
    ("--size", "size_px", click.IntRange(8, 1024), "Input side in pixels."),
    ("--colour", "colour", click.Choice(["rgb", "grey"]), "Channels of the input."),
    ("--output", "output", click.Choice(["softmax", "sigmoid"]), "One unit a label, or one for two labels."),
    ("--epochs", "epochs", click.IntRange(0), "Passes of fine-tuning; 0 trains the head alone."),
    ("--head-epochs", "head_epochs", click.IntRange(0), "Passes of the linear head before it."),
    ("--batch-size", "batch_size", click.IntRange(1, 65536), "Photos per step."),
    ("--optimizer", "optimizer", click.Choice(["sgd", "adam", "adamw", "rmsprop"]), "Of fine-tuning."),
    ("--learning-rate", "learning_rate", click.FloatRange(0, min_open=True), "Its peak."),
    ("--schedule", "schedule", click.Choice(["constant", "step", "cosine"]), "Of the learning rate."),
    ("--warmup-epochs", "warmup_epochs", click.FloatRange(0), "Passes in which it rises from zero."),
    ("--weight-decay", "weight_decay", click.FloatRange(0), "Decoupled, on kernels only."),
    ("--label-smoothing", "label_smoothing", _SHARE, "Share of the target spread over all labels."),
    ("--dropout", "dropout", _SHARE, "Share of features dropped before the last layer."),
    ("--mixup", "mixup", click.FloatRange(0), "Blend pairs of photos, Beta(a, a); 0 is off."),
    ("--cutmix", "cutmix", click.FloatRange(0), "Paste parts of photos into others; 0 is off."),
    ("--average", "average_momentum", _SHARE, "Momentum of the weights' running average; 0 is off."),
    ("--frozen-blocks", "frozen_blocks", click.IntRange(0), "First blocks that stay as they are."),
    ("--norm-from-epoch", "norm_from_epoch", click.IntRange(1), "Epoch from which BatchNorm learns."),
    ("--teacher", "teacher", click.Path(), "Finished run whose scores are learned from, too."),
    ("--teacher-share", "teacher_share", _SHARE, "Weight of its scores against the labels."),
    ("--patience", "patience", click.IntRange(1), "Stop after so many epochs without a better result."),
    ("--stop-at", "stop_at_top1", _SHARE, "Stop when validation top-1 reaches this fraction."),
    ("--seed", "seed", _SEEDS, "Of everything random."),
    ("--name", "model_name", str, "Name of the model."),
)  # fmt: skip
_FLAGS: tuple[tuple[str, str, Any, str], ...] = (
    ("--fresh-weights", "pretrained", False, "Begin with fresh weights instead of ImageNet's."),
    ("--class-weights", "class_weights", True, "Weigh photos of rare labels up."),
    ("--mixed-precision", "mixed_precision", True, "Compute in float16 (GPU)."),
    ("--deterministic", "deterministic", True, "Repeat exactly on the same machine, more slowly."),
    ("--no-augmentation", "augmentation", "identity", "Take the photos as they are."),
)


def recipe_options(command: Function) -> Function:
    """Add an option for each setting; the command's ``settings`` collects those that were given."""
    for flag, name, value, text in reversed(_FLAGS):
        command = click.option(
            flag, name, flag_value=value, default=None, type=click.UNPROCESSED, help=text,
            expose_value=False, callback=_collect,
        )(command)  # fmt: skip
    for option, name, kind, text in reversed(_OPTIONS):
        command = click.option(option, name, type=kind, help=text, expose_value=False, callback=_collect)(
            command
        )
    return click.option(
        "--set", "assignments", multiple=True, metavar="NAME=VALUE", expose_value=False,
        callback=_collect_set, help="Any setting of a recipe, such as augmentation.noise=0; repeat for more.",
    )(command)  # fmt: skip


def given_settings(context: click.Context) -> Mapping[str, Any]:
    """Return the settings that the command line gave."""
    return dict(context.meta.get(_KEY, {}))


_KEY = "hangtag_train.recipe_options"


def _collect(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value is None:
        return
    settings = context.meta.setdefault(_KEY, {})
    if parameter.name == "augmentation":
        from hangtag_train.augment import IDENTITY

        settings["augmentation"] = {**dataclasses.asdict(IDENTITY), **settings.get("augmentation", {})}
    else:
        settings[str(parameter.name)] = value


def _collect_set(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> None:
    from hangtag_train.recipe import holds_text

    del parameter
    settings = context.meta.setdefault(_KEY, {})
    for assignment in values:
        name, separator, text = assignment.partition("=")
        if not separator:
            raise click.BadParameter(f"{assignment!r} is not NAME=VALUE", context)
        group, dot, inner = name.strip().partition(".")
        if dot and group == "augmentation":
            settings.setdefault("augmentation", {})[inner] = parsed(text)
        else:
            settings[group + dot + inner] = parsed(text, as_text=holds_text(group + dot + inner))


def parsed(text: str, *, as_text: bool = False) -> Any:
    """Return a value as TOML would read it; what is no number, ``true``, ``false`` or ``none`` is text.

    With ``as_text`` only ``none`` is not: a model may be called 501.
    """
    plain = text.strip()
    words = {"true": True, "false": False, "none": None}
    if plain.lower() in words and (plain.lower() == "none" or not as_text):
        return words[plain.lower()]
    if as_text:
        return plain
    if re.fullmatch(r"[+-]?\d+", plain):
        return int(plain)
    try:
        return float(plain)
    except ValueError:
        return plain
