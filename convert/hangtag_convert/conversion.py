"""A whole conversion: run folder in, proven self-describing files out."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hangtag.classifier import Classifier
from hangtag.contract import ModelContract
from hangtag.errors import ConversionError, DatasetError
from hangtag.files import make_folder, write_bytes, write_json
from hangtag.labelled_folder import LabelledFolder, dataset_digest, read_split
from hangtag.metrics import Scores, Targets, agreement, top_k
from hangtag.model_file import parse_model
from hangtag.preprocess import Preprocessor
from hangtag.progress import Progress
from hangtag.readable import keep_readable, say_skipped
from hangtag.run_seal import SealedRun, read_run
from hangtag.scoring import score_photos
from hangtag.tflite_schema import read_model_info
from hangtag_convert.calibration_set import choose_photos
from hangtag_convert.chatter import chatter_kept
from hangtag_convert.formats import Format
from hangtag_convert.golden_cases import make_golden_cases
from hangtag_convert.metadata import completed_contract, embed


@dataclass(frozen=True, slots=True)
class Converted:
    """One written file, measured on the validation photos against its Keras parent.

    ``top1``, ``agreement`` (same label as the parent) are fractions; ``worst_difference`` is the largest
    difference of any score.
    """

    format: Format
    file: str
    size_bytes: int
    top1: float
    agreement: float
    worst_difference: float


@dataclass(frozen=True, slots=True)
class Conversion:
    """All files of one conversion and the accuracy of the model they came from."""

    keras_top1: float
    photos: int
    files: tuple[Converted, ...]


def convert(
    run_folder: Path, out: Path, kinds: Sequence[Format], progress: Progress, *, data: Path | None = None
) -> Conversion:
    """Convert a training run and measure every file on the validation photos.

    Args:
        run_folder: a finished training run.
        out: folder for the files and ``conversion.json``.
        kinds: formats to write.
        progress: where progress is shown.
        data: the data set, where it is no longer where training found it.

    Raises:
        RunError: the run is not whole.
        ConversionError: TensorFlow cannot convert it.
        DatasetError: the photos are gone or laid out otherwise.
        OutputError: ``out`` cannot be written to.
    """
    run = read_run(run_folder)
    photos_folder = data or run.data
    train = read_split(photos_folder, "train", run.contract.labels)
    validation = read_split(photos_folder, "validation", run.contract.labels)
    _check_same_photos(photos_folder, run.contract)
    validation = _readable(validation, progress)
    make_folder(out)
    targets = np.array(validation.targets)
    reference, bare = _tensorflow_part(run, train, validation, kinds, progress)
    files = []
    for kind in kinds:
        path = out / f"{run.contract.name}-{kind.value}.tflite"
        data_bytes, scores = self_describing(bare[kind], run.contract, kind, validation, progress)
        write_bytes(path, data_bytes)
        files.append(_measured(kind, path, scores, reference, targets))
    result = Conversion(top_k(reference, targets, 1), len(targets), tuple(files))
    write_json(out / "conversion.json", dataclasses.asdict(result))
    return result


def _check_same_photos(data: Path, contract: ModelContract) -> None:
    """Raise unless these are the photos of the run: others would calibrate and measure something else."""
    wanted = contract.provenance.dataset_sha256
    found = dataset_digest(data, contract.labels)
    if wanted is not None and found != wanted:
        raise ConversionError(
            f"the photos in {data} are not those of the run "
            f"(digest {found[:12]}…, the run's {wanted[:12]}…): "
            "name the right folder with --data, or train again"
        )


def _readable(split: LabelledFolder, progress: Progress) -> LabelledFolder:
    """Return the photos that can be read, as training does, and say which are left out.

    Raises:
        DatasetError: there is none.
    """
    kept, errors = keep_readable(split, progress, f"checking {split.path.name}")
    say_skipped(progress, errors)
    if not kept.photos:
        raise DatasetError(f"no photo in {split.path} can be read: {errors[0]}")
    return kept


def self_describing(
    bare: bytes, contract: ModelContract, kind: Format, validation: LabelledFolder, progress: Progress
) -> tuple[bytes, Scores]:
    """Return a converted model with all that belongs inside it, and its scores on the validation photos."""
    completed = completed_contract(contract, read_model_info(bare))
    classifier = Classifier(parse_model(embed(bare, completed, None), f"{contract.name}-{kind.value}"))
    if kind is Format.INT8 and not Preprocessor(completed.input).is_byte_copy:
        progress.say(
            "note: with this normalisation the int8 model's bytes are not pixel bytes; "
            "it works, with a table look-up per pixel"
        )
    scores = score_photos(classifier, validation, progress, f"checking {kind.value}")
    origin = completed.provenance
    measured = {f"{kind.value}_validation_top1": round(top_k(scores, np.array(validation.targets), 1), 6)}
    provenance = dataclasses.replace(origin, metrics={**origin.metrics, **measured})
    golden = make_golden_cases(classifier, kind.score_tolerance)
    return embed(bare, completed.replace(provenance=provenance), golden), scores


def _tensorflow_part(
    run: SealedRun,
    train: LabelledFolder,
    validation: LabelledFolder,
    kinds: Sequence[Format],
    progress: Progress,
) -> tuple[Scores, dict[Format, bytes]]:
    """Return the Keras model's validation scores and the bare TFLite bytes by format."""
    from hangtag_convert import export

    spec = run.contract.input
    with tempfile.TemporaryDirectory() as temporary:
        with chatter_kept("loading the Keras model"):
            model = export.load_model(run.model)
            if tuple(model.output_shape[1:]) != (run.contract.output_units,):
                raise ConversionError(
                    f"{run.model} has {model.output_shape[-1]} outputs, "
                    f"its contract {len(run.contract.labels)} labels"
                )
            reference = export.keras_scores(model, validation, spec)
            export.export_saved_model(model, spec, Path(temporary))
        chosen = dataclasses.replace(train, photos=choose_photos(train))
        calibration = _readable(chosen, progress).photos
        bare = {}
        for kind in kinds:
            calibrated = f", calibrated on {len(calibration)} training photos" if kind is Format.INT8 else ""
            progress.say(f"converting to {kind.value}{calibrated}")
            with chatter_kept(f"converting to {kind.value}"):
                bare[kind] = export.to_tflite(Path(temporary), kind, calibration, spec)
    return reference, bare


def _measured(kind: Format, path: Path, scores: Scores, reference: Scores, targets: Targets) -> Converted:
    return Converted(
        format=kind,
        file=path.name,
        size_bytes=path.stat().st_size,
        top1=top_k(scores, targets, 1),
        agreement=agreement(scores, reference),
        worst_difference=float(np.abs(scores - reference).max()),
    )
