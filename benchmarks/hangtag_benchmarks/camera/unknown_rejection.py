"""``python -m hangtag_benchmarks.camera.unknown_rejection``: are pictures without clothes called unknown?

The threshold is what ``hangtag calibrate`` would fit: the highest that lets 95 % of the validation photos
pass. It is reported on test photos against natural pictures that nothing was fitted on (``reporting``), of
:mod:`hangtag_benchmarks.camera.natural_pictures`; ``fitting`` pictures against validation photos stand beside
it, and textures and noise apart. The verdict is on what a device does, the best score; what else could be
made of the same scores is listed to compare.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from hangtag.calibration import (
    Confidences,
    Rejection,
    accepting_threshold,
    auroc,
    confidences,
    measure_rejection,
)
from hangtag.classifier import Classifier
from hangtag.errors import BenchmarkError, HangtagError
from hangtag.labelled_folder import read_split
from hangtag.metrics import Interval, Scores
from hangtag.model_probe import open_untrusted
from hangtag.photos import find_photos, read_photo
from hangtag.progress import Progress
from hangtag.scoring import Scorer, score_photos
from hangtag_benchmarks.camera.natural_pictures import DIGESTS, Picture, digest
from hangtag_benchmarks.camera.picture_packages import Part

TRUE_ACCEPT = 0.95
TARGET_AUROC = 0.95

_SHOWN_MISSES = 15
_HALF_A_STEP = 1 / 512
"""Half the smallest score that an 8-bit output tells from none: what 0 counts as in logarithms."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures of one part: their packages, their places below the folder of all, their scores."""

    packages: tuple[str, ...]
    places: tuple[str, ...]
    scores: Scores
    as_published: bool


@dataclass(frozen=True, slots=True)
class Measured:
    """All that is scored: known photos by split, pictures by part, the model's labels."""

    labels: tuple[str, ...]
    validation: Scores
    test: Scores
    pictures: Mapping[Part, Pictures]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What counts: the reported rejection, whether it reaches the target, and the lines that say so."""

    reported: Rejection
    lines: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """True where the AUROC is at least the target."""
        return self.reported.auroc >= TARGET_AUROC


def _margin(scores: Scores) -> Confidences:
    ranked = np.sort(scores, axis=1)
    return np.asarray(ranked[:, -1] - ranked[:, -2])


def _negative_entropy(scores: Scores) -> Confidences:
    return np.asarray((scores * np.log(np.maximum(scores, 1e-12))).sum(axis=1))


def _mean_log(scores: Scores) -> Confidences:
    """How far the scores are from all being the same: their divergence from that, but for a constant."""
    return np.asarray(-np.log(np.maximum(scores, _HALF_A_STEP)).mean(axis=1))


STATISTICS: Mapping[str, Callable[[Scores], Confidences]] = {
    "best score": confidences,
    "margin of the best two": _margin,
    "negative entropy": _negative_entropy,
    "mean of -log score": _mean_log,
}
"""What a device could compute of its scores; it does compute the first."""


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="The data set of clothes.")
@click.option(
    "--pictures",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    required=True,
    help="What natural_pictures wrote.",
)
@click.option("--model", type=click.Path(path_type=Path), help="A .tflite file [the bundled model].")
def main(data: Path, pictures: Path, model: Path | None) -> None:
    """Measure unknown rejection; exit 1 where the AUROC is under 0.95."""
    try:
        classifier = Classifier.bundled() if model is None else open_untrusted(model)
        verdict = judge(measure(classifier, data, pictures, Progress()))
    except HangtagError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"model: {classifier.model.name}")
    click.echo("\n".join(verdict.lines))
    sys.exit(0 if verdict.passed else 1)


def measure(classifier: Classifier, data: Path, folder: Path, progress: Progress) -> Measured:
    """Score validation and test photos, and the pictures of each part.

    Raises:
        DatasetError: the data set is laid out otherwise, or its labels are not the model's.
        PhotoError: a photo cannot be read.
        BenchmarkError: a part has no pictures.
    """
    labels = classifier.contract.labels
    scorer = Scorer.of_classifier(classifier)
    known = {
        split: score_photos(scorer, read_split(data, split, labels), progress, split)
        for split in ("validation", "test")
    }
    pictures = {part: _scored(scorer, folder, part, progress) for part in Part}
    return Measured(labels, known["validation"], known["test"], pictures)


def _scored(scorer: Scorer, folder: Path, part: Part, progress: Progress) -> Pictures:
    if not (folder / part.value).is_dir():
        raise BenchmarkError(
            f"{folder} has no folder {part.value!r}; make it with: "
            f"python -m hangtag_benchmarks.camera.natural_pictures {folder}"
        )
    paths = list(find_photos([folder / part.value]))
    with progress.bar(part.value, len(paths)) as advance:

        def frames() -> Iterator[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
            for path in paths:
                yield read_photo(path)
                advance()

        scores = scorer.scores(frames())
    found = [Picture(part, path.parent.name, path.name, path.read_bytes()) for path in paths]
    return Pictures(
        packages=tuple(one.package for one in found),
        places=tuple(one.place for one in found),
        scores=scores,
        as_published=DIGESTS.get(part, digest(found, part)) == digest(found, part),
    )


def judge(measured: Measured) -> Verdict:
    """Fit on validation photos, report on test photos."""
    known, reporting = confidences(measured.test), measured.pictures[Part.REPORTING]
    threshold = accepting_threshold(confidences(measured.validation), TRUE_ACCEPT)
    reported = measure_rejection(known, confidences(reporting.scores), threshold)
    return Verdict(reported, tuple(_lines(measured, threshold, reported)))


def _lines(measured: Measured, threshold: float, reported: Rejection) -> Iterator[str]:
    yield (
        f"threshold {threshold:g}: lets {TRUE_ACCEPT:.0%} of {len(measured.validation)} validation photos "
        f"pass; {reported.true_accept:.1%} ({_share(reported.true_accept_interval)}) of "
        f"{reported.known_photos} test photos do"
    )
    yield "intervals are of 95 %: AUROC by bootstrap over pictures, shares by Wilson's formula\n"
    yield f"{'pictures':<42} {'number':>6}  {'AUROC':<22} accepted though unknown"
    test = confidences(measured.test)
    for part, known in ((Part.REPORTING, test), (Part.TEXTURES, test)):
        yield from _part_rows(measured.pictures[part], part, known, threshold)
    yield from _part_rows(
        measured.pictures[Part.FITTING], Part.FITTING, confidences(measured.validation), threshold
    )
    yield ""
    yield from _statistic_rows(measured)
    yield ""
    yield from _misses(measured.pictures[Part.REPORTING], measured.labels, threshold)
    yield ""
    word = "reaches" if reported.auroc >= TARGET_AUROC else "MISSES"
    yield f"AUROC {reported.auroc:.4f} {word} the target of {TARGET_AUROC}"


def _part_rows(pictures: Pictures, part: Part, known: Confidences, threshold: float) -> Iterator[str]:
    best = confidences(pictures.scores)
    against = "validation" if part is Part.FITTING else "test"
    other = "" if pictures.as_published else " (not those of the published figures)"
    title = f"{part.value}, against {against} photos{other}"
    yield _row(title, measure_rejection(known, best, threshold))
    packages = sorted(set(pictures.packages))
    if part is Part.REPORTING and len(packages) > 1:
        names = np.array(pictures.packages)
        for package in packages:
            yield _row(f"  {package}", measure_rejection(known, best[names == package], threshold))


def _row(title: str, found: Rejection) -> str:
    area = (
        ""
        if found.auroc_interval is None
        else f" {found.auroc_interval.low:.3f}-{found.auroc_interval.high:.3f}"
    )
    return (
        f"{title:<42} {found.unknown_photos:6d}  {f'{found.auroc:.4f}{area}':<22} "
        f"{found.false_accept:.1%} ({_share(found.false_accept_interval)})"
    )


def _statistic_rows(measured: Measured) -> Iterator[str]:
    """Compare what could be made of the same scores; each is thresholded as the first is, on validation."""
    yield f"{'computed of the scores':<42} {'fitting':>8} {'reporting':>9} {'textures':>8}  accepted"
    for name, statistic in STATISTICS.items():
        validation, test = statistic(measured.validation), statistic(measured.test)
        others = {part: statistic(pictures.scores) for part, pictures in measured.pictures.items()}
        threshold = np.quantile(validation, 1 - TRUE_ACCEPT, method="lower")
        accepted = float((others[Part.REPORTING] >= threshold).mean())
        yield (
            f"{name:<42} {auroc(validation, others[Part.FITTING]):8.4f} "
            f"{auroc(test, others[Part.REPORTING]):9.4f} {auroc(test, others[Part.TEXTURES]):8.4f}  "
            f"{accepted:.1%} at {float((test >= threshold).mean()):.1%} of test photos"
        )


def _misses(pictures: Pictures, labels: Sequence[str], threshold: float) -> Iterator[str]:
    best, called = confidences(pictures.scores), pictures.scores.argmax(axis=1)
    accepted = best >= threshold
    counts = {label: int((called[accepted] == index).sum()) for index, label in enumerate(labels)}
    by_count = sorted(((count, label) for label, count in counts.items() if count), reverse=True)
    yield "accepted though unknown, by label: " + (
        ", ".join(f"{label} {count}" for count, label in by_count) or "none"
    )
    for index in np.argsort(-best, kind="stable")[:_SHOWN_MISSES]:
        if accepted[index]:
            yield f"  {best[index]:.3f} {labels[called[index]]:<12} {pictures.places[index]}"


def _share(interval: Interval) -> str:
    return f"{interval.low:.1%} to {interval.high:.1%}"


if __name__ == "__main__":
    main()
