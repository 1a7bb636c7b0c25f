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

    from hangtag.calibration import Confidences
    from hangtag.classifier import Classifier
    from hangtag.cli.calibrate_result import Calibrated, Fitted, ScoredFolder
    from hangtag.model_file import ModelFile
    from hangtag.preprocess import Image
    from hangtag.progress import Progress
    from hangtag.scoring import Scorer

_DIR = click.Path(path_type=Path, exists=True, file_okay=False)
_FILE = click.Path(path_type=Path)
_METRICS = ("auroc", "false_accept", "true_accept")
_DECIDING, _SCORE = "unknown_", "unknown_score_"
"""What is stored in the contract's provenance begins so, each a fraction: of what decides, and of the score
where the energy does."""


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
    """Fit when MODEL says "unknown", and store it in the model file.

    Two thresholds are fitted: that of the energy, by which this runtime decides, and that of the best score,
    for phones and other clients that see scores alone, and for models that give no energy. Each is the
    highest that lets --true-accept of the --known photos pass: take photos that the model was not trained on,
    as your camera sees them. With --unknown it is measured how many of those pass, too, and how well the two
    are told apart (AUROC). Folders are searched for photos, whatever the names of the folders in them.
    Without --out the file MODEL is replaced, by the whole new one or not at all.
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
    classifier = _with_energy(load_classifier(source, threads, engine), threads, engine)
    scorer, progress = Scorer.of_classifier(classifier), Progress()
    known_photos = _scored(scorer, known, progress)
    unknown_photos = None if unknown is None else _scored(scorer, unknown, progress)
    result = _calibrated(classifier.model, target, true_accept, known_photos, unknown_photos)
    write_bytes(target, _changed(classifier.model, result))
    click.echo(json.dumps(record(result)) if as_json else "\n".join(lines(result)))
    replaced = " (replaced in place)" if out is None else ""
    click.echo(f"wrote {click.format_filename(target)}{replaced}", err=True)


def _with_energy(classifier: Classifier, threads: int, engine: str) -> Classifier:
    """Return a classifier of the same model that gives energies, or itself where there are none to give."""
    from hangtag.classifier import Classifier
    from hangtag.logits_output import why_no_energy

    model = classifier.model
    if classifier.logits is not None or why_no_energy(model.data, model.contract) is not None:
        return classifier
    return Classifier(model, threads=threads, engine=engine, energy=True)


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

        found = scorer.measure(frames())
    if not len(found.scores):
        raise PhotoError(f"none of the {len(paths)} photos in {folder} can be read")
    return ScoredFolder(confidences(found.scores), found.energies, skipped)


def _calibrated(
    model: ModelFile, target: Path, asked: float, known: ScoredFolder, unknown: ScoredFolder | None
) -> Calibrated:
    """Fit the thresholds and measure what they do.

    Raises:
        DatasetError: too few photos to fit on or to measure with.
    """
    from hangtag.calibration import FEWEST_UNKNOWN, fewest_known
    from hangtag.cli.calibrate_result import Calibrated
    from hangtag.errors import DatasetError
    from hangtag.logits_output import why_no_energy

    known_count, fewest = len(known.best), fewest_known(asked)
    if known_count < fewest:
        raise DatasetError(
            f"{known_count} known photos cannot tell which threshold {asked:.1%} of them pass; "
            f"wanted {fewest} at least, better some hundreds"
        )
    if unknown is not None and len(unknown.best) < FEWEST_UNKNOWN:
        raise DatasetError(
            f"{len(unknown.best)} unknown photos say too little about what is accepted; "
            f"wanted {FEWEST_UNKNOWN} at least, better a hundred, or none"
        )
    before = model.contract.calibration
    energy = None
    if known.energies is not None:
        others = None if unknown is None else unknown.energies
        energy = _fitted(before.energy_threshold, asked, known.energies, others)
    return Calibrated(
        model=model.name,
        out=target,
        asked=asked,
        known=known,
        unknown=unknown,
        score=_fitted(before.unknown_threshold, asked, known.best, None if unknown is None else unknown.best),
        energy=energy,
        why_no_energy=why_no_energy(model.data, model.contract),
    )


def _fitted(before: float | None, asked: float, known: Confidences, unknown: Confidences | None) -> Fitted:
    """Fit one threshold and measure what it does, and what the one before did."""
    from hangtag.calibration import accepting_threshold, measure_rejection
    from hangtag.cli.calibrate_result import Fitted

    threshold = accepting_threshold(known, asked)
    return Fitted(
        before=before,
        threshold=threshold,
        true_accept=float((known >= threshold).mean()),
        was=None if unknown is None or before is None else measure_rejection(known, unknown, before),
        found=None if unknown is None else measure_rejection(known, unknown, threshold),
    )


def _changed(model: ModelFile, result: Calibrated) -> bytes:
    """Return the model's bytes with the new thresholds and what was measured of them."""
    from hangtag.model_file import with_calibration

    measured = _metrics(_DECIDING, result.deciding)
    if result.energy is not None:
        measured |= _metrics(_SCORE, result.score)
    origin = model.contract.provenance
    # What was measured of other thresholds must not stay beside these.
    old = {prefix + name for prefix in (_DECIDING, _SCORE) for name in _METRICS}
    others = {name: value for name, value in origin.metrics.items() if name not in old}
    return with_calibration(
        model,
        dataclasses.replace(
            model.contract.calibration,
            unknown_threshold=result.score.threshold,
            energy_threshold=None if result.energy is None else result.energy.threshold,
        ),
        dataclasses.replace(origin, metrics={**others, **measured}),
    )


def _metrics(prefix: str, fitted: Fitted) -> dict[str, float]:
    found = fitted.found
    values = (
        None if found is None else found.auroc,
        None if found is None else found.false_accept,
        fitted.true_accept,
    )
    return {
        prefix + name: round(value, 6)
        for name, value in zip(_METRICS, values, strict=True)
        if value is not None
    }
