"""How often a browser names photos as Python does.

``python -m hangtag_benchmarks.browser.agreement MODEL --data DATA --split test``: every photo of a split is
decoded by each from its original file, so what a browser's JPEG decoder and colour handling change is part of
the answer. Exit code 1 where too few labels are equal.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from hangtag.classifier import Classifier
from hangtag.errors import BenchmarkError, HangtagError
from hangtag.labelled_folder import LabelledPhoto, read_split
from hangtag.photos import read_photo
from hangtag_benchmarks.browser.browser_runner import BrowserRunner
from hangtag_benchmarks.engines.registry import KINDS

WANTED_SHARE = 0.99
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Named:
    """A photo with what both call it: indices of labels, and their scores (0 to 1)."""

    photo: LabelledPhoto
    here: int
    here_score: float
    browser: int
    browser_score: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """What both call every photo; ``unread`` are those that the browser could not decode."""

    named: tuple[Named, ...]
    unread: tuple[Path, ...]
    device: str

    @property
    def equal(self) -> int:
        """How many photos have the same label."""
        return sum(one.here == one.browser for one in self.named)

    @property
    def share(self) -> float:
        """Share of all photos that have the same label, 0 to 1; one that the browser cannot read has none."""
        return self.equal / (len(self.named) + len(self.unread))

    def disagreements(self) -> list[Named]:
        """Return the photos with two labels, those first of which both are surest."""
        apart = [one for one in self.named if one.here != one.browser]
        return sorted(apart, key=lambda one: min(one.here_score, one.browser_score), reverse=True)


def measured(runner: BrowserRunner, photos: Sequence[LabelledPhoto]) -> Agreement:
    """Let Python and a browser name photos.

    Args:
        runner: the browser with its model; asked first whether it is there.
        photos: what to name.

    Raises:
        BenchmarkError: there is no browser or no page, or the page failed.
        PhotoError: Python cannot read a photo.
    """
    reason = runner.missing()
    if reason is not None:
        raise BenchmarkError(reason)
    answer = runner.named([photo.path for photo in photos])
    if answer.values is None:
        raise BenchmarkError(answer.error or "the browser named nothing")
    classifier = opened(runner.path)
    named, unread = [], []
    for photo, best in zip(photos, answer.values["best"], strict=True):
        if best is None:
            unread.append(photo.path)
            continue
        scores = classifier.scores(read_photo(photo.path))
        here = int(scores.argmax())
        named.append(Named(photo, here, float(scores[here]), int(best["label"]), float(best["score"])))
    return Agreement(tuple(named), tuple(unread), _device(answer.values["device"]))


def report(found: Agreement, labels: Sequence[str]) -> str:
    """Return the agreement as text: shares, top-1 of both, and the worst disagreements."""
    total = len(found.named) + len(found.unread)
    right_here = sum(one.here == one.photo.label for one in found.named)
    right_there = sum(one.browser == one.photo.label for one in found.named)
    apart = found.disagreements()
    lines = [
        f"{found.device}: {found.equal} of {total} labels equal ({found.share:.2%})",
        f"top-1: Python {right_here / total:.4f}, browser {right_there / total:.4f}",
        *(f"the browser cannot read {path.parent.name}/{path.name}" for path in found.unread),
        *(
            f"{one.photo.path.parent.name}/{one.photo.path.name}: Python {labels[one.here]} "
            f"{one.here_score:.3f}, browser {labels[one.browser]} {one.browser_score:.3f}"
            for one in apart[:_SHOWN]
        ),
        *([f"… and {len(apart) - _SHOWN} more"] if len(apart) > _SHOWN else []),
    ]
    return "\n".join(lines)


def _device(device: dict[str, Any]) -> str:
    if device["kind"] == "cpu":
        return f"wasm, {device['threads']} thread{'s' if device['threads'] > 1 else ''} ({device['build']})"
    return f"WebGPU on {device['adapter']}{', software' if device['isSoftware'] else ''} ({device['build']})"


@click.command()
@click.argument("model", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--data", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--split", default="test", show_default=True)
@click.option("--device", type=click.Choice(["cpu", "gpu"]), default="cpu", show_default=True)
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="Of the CPU.")
@click.option("--browser", type=click.Path(path_type=Path), help="The program; by default Chromium.")
@click.option(
    "--wanted", type=click.FloatRange(0, 1), default=WANTED_SHARE, show_default=True, help="Share of labels."
)
def agreement(
    model: Path | None,
    *,
    data: Path,
    split: str,
    device: str,
    threads: int,
    browser: Path | None,
    wanted: float,
) -> None:
    """Compare a browser's labels with Python's on every photo of a split; exit code 1 below --wanted."""
    kind = KINDS["browser-wasm" if device == "cpu" else "browser-webgpu"]
    runner = BrowserRunner(kind, model, threads, Path(), browser, software_too=True)
    try:
        labels = opened(model).contract.labels
        found = measured(runner, read_split(data, split, labels).photos)
    except HangtagError as error:
        raise click.ClickException(str(error)) from None
    click.echo(report(found, labels))
    sys.exit(0 if found.share >= wanted else 1)


def opened(model: Path | None) -> Classifier:
    """Return the classifier of a model's file, None for the bundled one."""
    return Classifier.bundled() if model is None else Classifier.load(model)


if __name__ == "__main__":
    agreement()
