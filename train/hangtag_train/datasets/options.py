"""Options of every command that takes a data set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from hangtag_train.datasets.source import SourceOptions

_F = TypeVar("_F", bound=Callable[..., Any])


def source_options(command: _F) -> _F:
    """Add the options that say how a source is read; :func:`options_from` collects what they were given."""
    decorators = [
        click.option(
            "--data-dir",
            type=click.Path(path_type=Path),
            help="Folder that holds a data set asked for by name [known places, then a download].",
        ),
        click.option(
            "--validation-share",
            type=click.FloatRange(0, 1, min_open=True, max_open=True),
            help="Share of the photos for validation, where DATA does not bring the split [0.1].",
        ),
        click.option(
            "--test-share",
            type=click.FloatRange(0, 1, max_open=True),
            help="Share of the photos for test, where DATA brings no split; 0 makes none [0.1].",
        ),
        click.option(
            "--split-seed",
            type=click.IntRange(0),
            default=1,
            show_default=True,
            help="Another seed is another split.",
        ),
        click.option("--image-column", help="Column of a table that holds pictures or their paths."),
        click.option("--label-column", help="Column of a table that holds labels."),
        click.option(
            "--labels",
            "labels_file",
            type=click.Path(path_type=Path),
            help="Text file with a name a line, for labels that are numbers from 0.",
        ),
    ]
    for decorator in reversed(decorators):
        command = decorator(command)
    return command


def options_from(values: dict[str, Any]) -> SourceOptions:
    """Return what :func:`source_options` added to a command's arguments, and take it out of them.

    Raises:
        click.UsageError: the shares leave nothing to train on.
    """
    names = (
        "data_dir", "validation_share", "test_share", "image_column", "label_column", "labels_file",
    )  # fmt: skip
    try:
        return SourceOptions(**{name: values.pop(name) for name in names}, seed=values.pop("split_seed"))
    except ValueError as error:
        raise click.UsageError(str(error)) from None
