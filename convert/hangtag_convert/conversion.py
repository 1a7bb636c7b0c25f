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
from hangtag.errors import ConversionError
from hangtag.files import make_folder, write_bytes, write_json
from hangtag.labelled_folder import LabelledFolder, LabelledPhoto
from hangtag.metrics import Scores, Targets, agreement, top_k
from hangtag.model_file import parse_model
from hangtag.preprocess import Preprocessor
from hangtag.progress import Progress
from hangtag.run_seal import SealedRun, read_run
from hangtag.tflite_schema import read_model_info
from hangtag_convert.calibration_set import choose_photos
from hangtag_convert.chatter import chatter_kept
from hangtag_convert.formats import Format
from hangtag_convert.golden_cases import make_golden_cases
from hangtag_convert.metadata import completed_contract, embed, for_files
from hangtag_convert.run_photos import any_photos, readable, splits_of
from hangtag_convert.yardstick import Yardstick, rendered_garments


@dataclass(frozen=True, slots=True)
class Converted:
    """One written file, measured against its Keras parent on the same pictures.

    ``top1`` and ``agreement`` (same label as the parent) are fractions, ``top1`` None where the run has no
    photos to measure it on; ``worst_difference`` is the largest difference of any score.
    """

    format: Format
    file: str
    size_bytes: int
    top1: float | None
    agreement: float
    worst_difference: float


@dataclass(frozen=True, slots=True)
class Conversion:
    """All files of one conversion and the accuracy of the model they came from.

    They were compared on so many validation ``photos``; or, where the run has none, on so many
    ``rendered_frames``, and nothing is known about accuracy then.
    """

    keras_top1: float | None
    photos: int
    rendered_frames: int
    files: tuple[Converted, ...]


def convert(
    run_folder: Path,
    out: Path,
    kinds: Sequence[Format] | None,
    progress: Progress,
    *,
    data: Path | None = None,
) -> Conversion:
    """Convert a training run and measure every file.

    Args:
        run_folder: a finished training run.
        out: folder for the files and ``conversion.json``.
        kinds: formats to write; None for all that there are photos for.
        progress: where progress is shown.
        data: the data set, where it is no longer where training found it. For a run without photos: a folder
            of any photos, which ``int8`` is calibrated on and nothing else.

    Raises:
        RunError: the run is not whole.
        ConversionError: TensorFlow cannot convert it; or ``int8`` without a photo to calibrate on.
        DatasetError: the photos are gone or laid out otherwise.
        PhotoError: ``data`` holds no photo.
        OutputError: ``out`` cannot be written to.
    """
    run = read_run(run_folder)
    chosen = _chosen(kinds, run, data, progress)
    calibration, yardstick = _pictures(run, data, progress)
    make_folder(out)
    parent, bare = _tensorflow_part(run, calibration, yardstick, chosen, progress)
    contract = for_files(run.contract)
    files = []
    for kind in chosen:
        path = out / f"{contract.name}-{kind.value}.tflite"
        data_bytes, scores = self_describing(bare[kind], contract, kind, yardstick, progress)
        write_bytes(path, data_bytes)
        files.append(_measured(kind, path, scores, parent, yardstick.targets))
    result = Conversion(
        keras_top1=_top1(parent, yardstick.targets),
        photos=0 if yardstick.photos is None else len(parent),
        rendered_frames=len(yardstick.frames),
        files=tuple(files),
    )
    write_json(out / "conversion.json", dataclasses.asdict(result))
    return result


def _chosen(
    kinds: Sequence[Format] | None, run: SealedRun, data: Path | None, progress: Progress
) -> tuple[Format, ...]:
    """Return the formats to write, each once, and say which is left out for want of photos."""
    possible = run.data is not None or data is not None
    needed = (
        "int8 is calibrated on photos, and this run was made without any: give a folder of some with --data"
    )
    if kinds is not None:
        if Format.INT8 in kinds and not possible:
            raise ConversionError(needed)
        return tuple(dict.fromkeys(kinds))
    if possible:
        return tuple(Format)
    progress.say(f"no int8 file: {needed}")
    return tuple(kind for kind in Format if kind is not Format.INT8)


def _pictures(
    run: SealedRun, data: Path | None, progress: Progress
) -> tuple[LabelledFolder | None, Yardstick]:
    """Return the photos to calibrate on, if there are any, and what to compare the files on."""
    if run.data is None:
        return (None if data is None else any_photos(data)), rendered_garments(progress)
    train, validation = splits_of(run, data, progress)
    return train, Yardstick(validation)


def self_describing(
    bare: bytes, contract: ModelContract, kind: Format, yardstick: Yardstick, progress: Progress
) -> tuple[bytes, Scores]:
    """Return a converted model with all that belongs inside it, and its scores on the yardstick."""
    completed = completed_contract(contract, read_model_info(bare))
    classifier = Classifier(parse_model(embed(bare, completed, None), f"{contract.name}-{kind.value}"))
    if kind is Format.INT8 and not Preprocessor(completed.input).is_byte_copy:
        progress.say(
            "note: with this normalisation the int8 model's bytes are not pixel bytes; "
            "it works, with a table look-up per pixel"
        )
    scores = yardstick.scores(classifier, progress, f"checking {kind.value}")
    origin, top1 = completed.provenance, _top1(scores, yardstick.targets)
    measured = {} if top1 is None else {f"{kind.value}_validation_top1": round(top1, 6)}
    provenance = dataclasses.replace(origin, metrics={**origin.metrics, **measured})
    golden = make_golden_cases(classifier, kind.score_tolerance)
    return embed(bare, completed.replace(provenance=provenance), golden), scores


def _tensorflow_part(
    run: SealedRun,
    calibration: LabelledFolder | None,
    yardstick: Yardstick,
    kinds: Sequence[Format],
    progress: Progress,
) -> tuple[Scores, dict[Format, bytes]]:
    """Return the Keras model's scores on the yardstick and the bare TFLite bytes by format."""
    from hangtag_convert import export

    contract = for_files(run.contract)
    with tempfile.TemporaryDirectory() as temporary:
        with chatter_kept("loading the Keras model"):
            model = export.load_model(run.model)
            _check_shapes(run, model.input_shape, model.output_shape)
            reference = yardstick.scores(export.keras_scorer(model, run.contract), Progress(quiet=True))
            export.export_saved_model(
                model, contract.input, Path(temporary), reverse_channels=contract is not run.contract
            )
        photos: tuple[LabelledPhoto, ...] = ()
        if calibration is not None and Format.INT8 in kinds:
            few = dataclasses.replace(calibration, photos=choose_photos(calibration))
            photos = readable(few, progress).photos
        bare = {}
        for kind in kinds:
            calibrated = f", calibrated on {len(photos)} photos" if kind is Format.INT8 else ""
            progress.say(f"converting to {kind.value}{calibrated}")
            with chatter_kept(f"converting to {kind.value}"):
                bare[kind] = export.to_tflite(Path(temporary), kind, photos, contract.input)
    return reference, bare


def _check_shapes(
    run: SealedRun, input_shape: tuple[int | None, ...], output_shape: tuple[int | None, ...]
) -> None:
    """Raise unless the Keras model takes and gives what the contract says."""
    found = (input_shape[1:], output_shape[1:])
    wanted = (run.contract.input.shape[1:], (run.contract.output_units,))
    if tuple(map(tuple, found)) != wanted:
        raise ConversionError(
            f"{run.model} turns {found[0]} into {found[1]}, its contract says {wanted[0]} into {wanted[1]}"
        )


def _top1(scores: Scores, targets: Targets | None) -> float | None:
    return None if targets is None else top_k(scores, targets, 1)


def _measured(kind: Format, path: Path, scores: Scores, parent: Scores, targets: Targets | None) -> Converted:
    return Converted(
        format=kind,
        file=path.name,
        size_bytes=path.stat().st_size,
        top1=_top1(scores, targets),
        agreement=agreement(scores, parent),
        worst_difference=float(np.abs(scores - parent).max()),
    )
