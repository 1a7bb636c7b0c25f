"""Options of ``hangtag camera`` that would do nothing are refused: whoever gave one meant something by it.

What they ask for may be so anyway, and is welcome then: ``--every-frame`` of a clip.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from hangtag.sources import Source

_FOLDERS = ("clip", "record", "snapshots")

_SOURCE_OPTIONS = {
    "size_wh": ("--size", "size_wh", "cameras, the scene and raw frames on standard input"),
    "pixel_format": ("--pixel-format", "pixel_format", "USB cameras and standard input"),
    "loop": ("--loop", "loop", "clips"),
    "pace": ("--pace", "real_time", "clips and the scene"),
    "seed": ("--seed", "seed", "the scene"),
}
"""Parameter -> option, the name that sources have for it (``Source.takes``), and what it is for."""

_DECISION_OPTIONS = {"smoothing_s": "--smoothing", "hold_s": "--hold"}


def given_options() -> frozenset[str]:
    """Return the names of the running command's parameters that stand on its command line."""
    context = click.get_current_context()
    return frozenset(
        name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    )


def refuse_idle(options: Mapping[str, Any], given: frozenset[str]) -> None:
    """Refuse what would do nothing without another option.

    Raises:
        UsageError: there is one.
    """
    if options["watch_model"] and options["model_path"] is None:
        raise click.UsageError("--watch-model needs --model: the bundled model does not change")
    if "host" in given and options["serve"] is None:
        raise click.UsageError("--host does nothing without --serve: give a port, as --serve 8080")
    if "quota_mb" in given and all(options[folder] is None for folder in _FOLDERS):
        raise click.UsageError("--quota does nothing without --clip, --record or --snapshots")


def refuse_idle_for(source: Source, given: frozenset[str]) -> None:
    """Refuse what makes no difference to an open source.

    Raises:
        UsageError: there is one.
    """
    for name, (option, setting, purpose) in _SOURCE_OPTIONS.items():
        if name in given and setting not in source.takes:
            raise click.UsageError(f"{option} does nothing to {source.shown}: it is for {purpose}")
    for name, option in _DECISION_OPTIONS.items():
        if name in given and not source.continuous:
            raise click.UsageError(f"{option} does nothing to {source.shown}: photos are each for itself")
