"""``hangtag calibrate``."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hangtag.cli.options import load_classifier, model_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hangtag.calibration import Rejection
    from hangtag.cli.calibrate_result import Calibrated, ScoredFolder
    from hangtag.model_file import ModelFile
    from hangtag.preprocess import Image
    from hangtag.progress import Progress
    from hangtag.scoring import Scorer

_DIR = click.Path(path_type=Path, exists=True, file_okay=False)
_FILE = click.Path(path_type=Path)
_METRICS = ("unknown_auroc", "unknown_false_accept", "unknown_true_accept")
"""What is stored in the contract's provenance, each a fraction."""


@click.command()
@click.argument("model", required=False, type=_FILE)
@click.option("--known", type=_DIR, required=True, help="Photos of things that the model has a label for.")
@click.option("--unknown", type=_DIR, help="Photos of what else the camera will see: to measure with.")
@click.option(
    "--true-accept",
    type=click.FloatRange(0.5, 0.999),
    default=0.95,
    show_default=True,
    help="Share of the known photos that must stay known.",
)
@click.option("--out", type=_FILE, help="The calibrated model [MODEL itself].")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@model_options
def calibrate(
    model: Path | None,
    *,
    known: Path,
    unknown: Path | None,
    true_accept: float,
    out: Path | None,
    as_json: bool,
    model_path: Path | None,
    threads: int,
    engine: str,
) -> None:
    """Fit the score below which MODEL says "unknown", and store it in the model file.

    The threshold is the highest that lets --true-accept of the --known photos pass: take photos that the
    model was not trained on, as your camera sees them. With --unknown it is measured how many of those pass,
    too, and how well the two are told apart (AUROC). Folders are searched for photos, whatever the names of
    the folders in them. Without --out the file MODEL is replaced, by the whole new one or not at all.
    """
    from hangtag.cli.calibrate_result import lines, record
    from hangtag.files import write_bytes
    from hangtag.progress import Progress
    from hangtag.scoring import Scorer

    if model is not None and model_path is not None:
        raise click.UsageError("give the model once: as MODEL or as --model")
    source = model or model_path
    target = _target(source, out)
    _check_folders(known, unknown)
    classifier = load_classifier(source, threads, engine)
    scorer, progress = Scorer.of_classifier(classifier), Progress()
    known_photos = _scored(scorer, known, progress)
    unknown_photos = None if unknown is None else _scored(scorer, unknown, progress)
    result = _fitted(classifier.model, target, true_accept, known_photos, unknown_photos)
    write_bytes(target, _calibrated(classifier.model, result))
    click.echo(json.dumps(record(result)) if as_json else "\n".join(lines(result)))
    replaced = " (replaced in place)" if out is None else ""
    click.echo(f"wrote {click.format_filename(target)}{replaced}", err=True)


def _target(source: Path | None, out: Path | None) -> Path:
    """Return the file to write; that it can be written is found out before anything is scored."""
    from hangtag.errors import OutputError
    from hangtag.files import check_writable

    if out is None and source is None:
        raise click.UsageError(
            "the bundled model is not overwritten: give a MODEL, or --out for the new file"
        )
    # A link to the model stays one.
    target = out if out is not None else Path(source or "").resolve()
    if target.is_dir():
        raise OutputError(f"cannot write {target}: it is a folder; give --out a file name, ending in .tflite")
    check_writable(target.parent)
    return target


def _check_folders(known: Path, unknown: Path | None) -> None:
    """Raise where photos would be fitted on that the model has learned, or be known and unknown at once."""
    from hangtag.errors import DatasetError
    from hangtag.labelled_folder import SPLITS

    if (known / SPLITS[0]).is_dir() and any((known / split).is_dir() for split in SPLITS[1:]):
        raise DatasetError(
            f"--known {known} is a whole data set: photos that the model was trained on score too high; "
            f"give photos that it has not seen, such as {known / 'validation'}"
        )
    if unknown is None:
        return
    one, other = known.resolve(), unknown.resolve()
    if one == other or one in other.parents or other in one.parents:
        raise DatasetError(f"--known {known} and --unknown {unknown} share photos; give two separate folders")


def _scored(scorer: Scorer, folder: Path, progress: Progress) -> ScoredFolder:
    """Score all photos of a folder that can be read, and say which cannot."""
    from hangtag.calibration import confidences
    from hangtag.cli.calibrate_result import ScoredFolder
    from hangtag.errors import PhotoError
    from hangtag.photos import find_photos, read_photo

    paths, skipped = list(find_photos([folder])), 0
    with progress.bar(f"scoring {folder.name}", len(paths)) as advance:

        def frames() -> Iterator[Image]:
            nonlocal skipped
            for path in paths:
                try:
                    yield read_photo(path)
                except PhotoError as error:
                    skipped += 1
                    progress.say(click.format_filename(f"skipped: {error}"))
                advance()

        scores = scorer.scores(frames())
    if not len(scores):
        raise PhotoError(f"none of the {len(paths)} photos in {folder} can be read")
    return ScoredFolder(confidences(scores), skipped)


def _fitted(
    model: ModelFile, target: Path, asked: float, known: ScoredFolder, unknown: ScoredFolder | None
) -> Calibrated:
    """Fit the threshold and measure what it does.

    Raises:
        DatasetError: too few photos to fit on or to measure with.
    """
    from hangtag.calibration import FEWEST_UNKNOWN, accepting_threshold, fewest_known, measure_rejection
    from hangtag.cli.calibrate_result import Calibrated
    from hangtag.errors import DatasetError

    known_count, fewest = len(known.confidences), fewest_known(asked)
    if known_count < fewest:
        raise DatasetError(
            f"{known_count} known photos cannot tell which threshold {asked:.1%} of them pass; "
            f"wanted {fewest} at least, better some hundreds"
        )
    if unknown is not None and len(unknown.confidences) < FEWEST_UNKNOWN:
        raise DatasetError(
            f"{len(unknown.confidences)} unknown photos say too little about what is accepted; "
            f"wanted {FEWEST_UNKNOWN} at least, better a hundred, or none"
        )
    before = model.contract.calibration.unknown_threshold
    threshold = accepting_threshold(known.confidences, asked)

    def measured(at: float | None) -> Rejection | None:
        if unknown is None or at is None:
            return None
        return measure_rejection(known.confidences, unknown.confidences, at)

    return Calibrated(
        model=model.name,
        out=target,
        asked=asked,
        threshold_before=before,
        threshold=threshold,
        true_accept=float((known.confidences >= threshold).mean()),
        known=known,
        unknown=unknown,
        before=measured(before),
        after=measured(threshold),
    )


def _calibrated(model: ModelFile, result: Calibrated) -> bytes:
    """Return the model's bytes with the new threshold and what was measured of it."""
    from hangtag.model_file import with_calibration

    measured = {"unknown_true_accept": result.true_accept}
    if result.after is not None:
        measured |= {"unknown_auroc": result.after.auroc, "unknown_false_accept": result.after.false_accept}
    origin = model.contract.provenance
    # What was measured of another threshold must not stay beside this one.
    others = {name: value for name, value in origin.metrics.items() if name not in _METRICS}
    metrics = {**others, **{name: round(value, 6) for name, value in measured.items()}}
    return with_calibration(
        model,
        dataclasses.replace(model.contract.calibration, unknown_threshold=result.threshold),
        dataclasses.replace(origin, metrics=metrics),
    )
