"""What the two reports share: which models, which photos, how a command of them looks and ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

import click
import numpy as np
from client_environments import ClientEnvironment, EnvironmentUnavailable, python_in
from client_process import ClientProcess

from hangtag.classifier import Classifier
from hangtag.errors import BenchmarkError, HangtagError, ModelFileError
from hangtag.labelled_folder import SPLITS, LabelledFolder, read_split
from hangtag.metrics import Targets
from hangtag.photos import read_photo
from hangtag.preprocess import Image
from hangtag.progress import Progress
from hangtag.readable import keep_readable, say_skipped
from hangtag_benchmarks.reports.tables import Table

_F = TypeVar("_F", bound=Callable[..., Any])
_S = TypeVar("_S")


@dataclass(frozen=True, slots=True)
class Measured(Generic[_S]):
    """The scores of one model file, and the right label of each photo."""

    file: str
    scores: _S
    targets: Targets


@dataclass(frozen=True, slots=True)
class Report(Generic[_S]):
    """What a report does with every model.

    Args:
        environment: the client's.
        script: the client's file.
        scores: gives pictures to the client and to Hangtag.
        header: titles of the columns behind ``file`` and ``loads``.
        cells: what stands in them.
    """

    environment: ClientEnvironment
    script: str
    scores: Callable[[ClientProcess, Classifier, Iterable[Image]], _S]
    header: tuple[str, ...]
    cells: Callable[[Measured[_S]], tuple[str, ...]]

    def command(self, text: str) -> click.Command:
        """Return the command that prints the report as a table; ``text`` is its help."""

        @click.command(help=text)
        @_options
        def run(models: tuple[Path, ...], data: Path, split: str, most: int | None, markdown: bool) -> None:
            try:
                python = python_in(self.environment)
                rows = [self._row(python, model, data, split, most) for model in _files_of(models)]
            except (HangtagError, EnvironmentUnavailable) as error:
                raise click.ClickException(str(error)) from None
            table = Table(("file", "loads", *self.header), tuple(rows), text_columns=2)
            click.echo(table.markdown() if markdown else table.text())

        return run

    def _row(self, python: Path, model: Path, data: Path, split: str, most: int | None) -> tuple[str, ...]:
        classifier = Classifier.load(model)
        photos = _photos_of(data, split, classifier.contract.labels, most)
        pictures = _pictures_of(photos, f"measuring {model.name}")
        try:
            with ClientProcess(python, self.script, model) as client:
                scores = self.scores(client, classifier, pictures)
        except BenchmarkError as error:
            click.echo(f"{model.name}: {error}", err=True)
            return (model.name, "no", *["-"] * len(self.header))
        click.echo(f"{model.name}: measured on {len(photos.photos)} {split} photos", err=True)
        return (model.name, "yes", *self.cells(Measured(model.name, scores, np.array(photos.targets))))


def _options(command: _F) -> _F:
    for decorator in (
        click.option("--markdown", is_flag=True, help="Print the table as Markdown."),
        click.option("--most", type=click.IntRange(1), help="Take so many photos, spread evenly [all]."),
        click.option("--split", type=click.Choice(SPLITS), default="validation", show_default=True),
        click.option(
            "--data",
            type=click.Path(path_type=Path),
            required=True,
            help="Folder of photos: DATA/SPLIT/LABEL/photo.jpg.",
        ),
        click.argument(
            "models", metavar="RUN_OR_MODEL...", nargs=-1, required=True, type=click.Path(path_type=Path)
        ),
    ):
        command = decorator(command)
    return command


def _files_of(given: Sequence[Path]) -> list[Path]:
    """Return model files as they are and, for each folder, those in it by name."""
    files: list[Path] = []
    for path in given:
        found = sorted(path.glob("*.tflite")) if path.is_dir() else [path]
        if not found:
            raise ModelFileError(f"{path} holds no .tflite file; hangtag convert makes them")
        files.extend(found)
    return files


@cache
def _photos_of(data: Path, split: str, labels: tuple[str, ...], most: int | None) -> LabelledFolder:
    """Return a split's readable photos, at most so many of them."""
    progress = Progress()
    whole = read_split(data, split, labels)
    count = len(whole.photos)
    if most is not None and most < count:
        chosen = tuple(whole.photos[index * count // most] for index in range(most))
        whole = LabelledFolder(whole.path, whole.labels, chosen)
    kept, errors = keep_readable(whole, progress, "checking photos")
    say_skipped(progress, errors)
    return kept


def _pictures_of(photos: LabelledFolder, title: str) -> Iterator[Image]:
    """Give one picture after another, upright BGR."""
    with Progress().bar(title, len(photos.photos)) as advance:
        for photo in photos.photos:
            yield read_photo(photo.path)
            advance()
