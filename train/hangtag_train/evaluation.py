"""One measurement for every kind of model: the same photos, the same tensors, the same metrics."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hangtag.contract import ModelContract
from hangtag.errors import PhotoError, RunError
from hangtag.extras import extra_needed
from hangtag.labelled_folder import LabelledFolder, dataset_digest, read_split
from hangtag.metrics import Evaluation
from hangtag.metrics import evaluate as measure
from hangtag.model_probe import open_untrusted
from hangtag.run_seal import CONTRACT_NAME, read_run
from hangtag.scoring import Scorer, Scores, score_photos
from hangtag_train.datasets import prepare
from hangtag_train.datasets.building import RECORD_NAME
from hangtag_train.datasets.named import NAMED
from hangtag_train.datasets.screening import screen

if TYPE_CHECKING:
    from hangtag.progress import Progress
    from hangtag_train.datasets import SourceOptions

KERAS_SUFFIX = ".keras"


def open_scorer(model: Path, *, contract: Path | None = None, threads: int = 1) -> Scorer:
    """Open a model for measuring, whatever its kind.

    Args:
        model: the folder of a finished run (checked against its seal), a ``.keras`` file or a ``.tflite``.
        contract: the contract of a ``.keras`` file; without it, the file's own name with ``.json`` or
            ``contract.json`` beside it.
        threads: CPU threads of a ``.tflite``; Keras takes what it finds.

    Raises:
        RunError: the folder is no finished run, or the file and its contract do not fit together.
        ContractError: the contract cannot be used.
        ModelFileError: the ``.tflite`` cannot be used.
        TrainingError: the ``.keras`` file is damaged or would execute code.
        MissingExtra: a Keras model without TensorFlow.
        ValueError: a contract for what has its own.
    """
    is_file_of_keras = not model.is_dir() and model.suffix.lower() == KERAS_SUFFIX
    if contract is not None and not is_file_of_keras:
        raise ValueError("only a .keras file takes a contract: run folders and .tflite files have their own")
    if model.is_dir():
        run = read_run(model)
        return _keras_scorer(run.model, run.contract)
    if is_file_of_keras:
        return _keras_scorer(model, _contract_of(model, contract))
    return Scorer.of_classifier(open_untrusted(model, threads=threads))


def folder_of(data: str, splits: Sequence[str], options: SourceOptions, progress: Progress) -> Path:
    """Return the folder of splits that a data set's name or path stands for; see :func:`prepare`.

    A folder that holds the splits that are asked for and no ``train`` is taken as it is: to measure, there
    need not be anything to learn from.

    Raises:
        DatasetError: there is no such source, or it cannot be read, split or downloaded.
        OutputError: the cache cannot be written to.
    """
    folder = Path(data)
    there = all((folder / split).is_dir() for split in splits)
    if there and not (folder / "train").is_dir() and data not in NAMED:
        options.refuse_columns(f"{folder}, a folder of photos")
        return folder
    return prepare(data, options, progress).path


def read_splits(
    folder: Path, splits: Sequence[str], labels: Sequence[str], progress: Progress
) -> tuple[LabelledFolder, tuple[PhotoError, ...]]:
    """List the readable photos of one split, or of several as if they were one.

    Returns:
        The photos, and an error for each one that is left out, for the caller to show.

    Raises:
        DatasetError: the photos are not laid out as the model's labels ask, or too many cannot be read.
        ValueError: no split is named.
    """
    if not splits:
        raise ValueError("splits is empty; wanted at least one of train, validation, test")
    listed = [read_split(folder, split, labels) for split in dict.fromkeys(splits)]
    usable, errors = screen(listed, progress)
    if len(usable) == 1:
        return usable[0], errors
    pooled = tuple(photo for split in usable for photo in split.photos)
    return LabelledFolder(folder, tuple(labels), pooled), errors


def other_split_note(folder: Path, contract: ModelContract) -> str | None:
    """Say that a data set that was split here is not the one a model was trained with; None where it is.

    Raises:
        DatasetError: a photo cannot be read.
    """
    trained_with = contract.provenance.dataset_sha256
    if trained_with is None or not (folder / RECORD_NAME).is_file():
        return None
    if dataset_digest(folder, contract.labels) == trained_with:
        return None
    return (
        "note: the model was trained with other photos, or with another split of these: it may have learned "
        "some of those measured here; give the --split-seed and the shares of its training (see its run.json)"
    )


def evaluate_model(
    scorer: Scorer, photos: LabelledFolder, progress: Progress, *, seed: int = 0
) -> tuple[Scores, Evaluation]:
    """Measure a model on photos; ``seed`` is that of the bootstrap intervals.

    Returns:
        The scores, float64, shape (photos, labels), and what they come to.

    Raises:
        PhotoError: a photo cannot be read.
        ModelFileError: the model computes something that is not a number.
    """
    scores = score_photos(scorer, photos, progress, "scoring")
    return scores, measure(scores, np.array(photos.targets, np.int64), photos.labels, seed=seed)


def _contract_of(model: Path, given: Path | None) -> ModelContract:
    beside = (model.with_suffix(".json"), model.parent / CONTRACT_NAME)
    path = given or next((candidate for candidate in beside if candidate.is_file()), None)
    if path is None:
        raise RunError(
            f"{model} says nothing about pixels and labels: name its contract with --contract FILE, "
            f"or put it beside it as {beside[0].name} or {CONTRACT_NAME}"
        )
    try:
        return ModelContract.from_json(path.read_bytes())
    except OSError as error:
        raise RunError(f"cannot read {path}: {error.strerror or error}") from None


def _keras_scorer(path: Path, contract: ModelContract) -> Scorer:
    with extra_needed("train", "evaluating a Keras model"):
        from hangtag_train.quiet import import_tensorflow_quietly

        import_tensorflow_quietly()
    from hangtag_train.keras_file import load_keras

    if not path.is_file():
        raise RunError(f"there is no file {path}")
    model = load_keras(path)
    _check_fits(path, model.input_shape, contract.input.shape, "takes")
    _check_fits(path, model.output_shape, (1, contract.output_units), "gives")
    for tensor in (contract.input.tensor, contract.output.tensor):
        if tensor.dtype != "float32":
            raise RunError(f"{path} computes in floats, and its contract is for a {tensor.dtype} tensor")
    return Scorer(contract, lambda tensors: np.asarray(model.predict_on_batch(tensors)))


def _check_fits(path: Path, found: object, wanted: tuple[int, ...], verb: str) -> None:
    """Raise unless a Keras shape, whose batch and open sides are None, is the contract's."""
    fits = (
        isinstance(found, tuple)
        and len(found) == len(wanted)
        and all(side in (None, goal) for side, goal in zip(found[1:], wanted[1:], strict=True))
    )
    if not fits:
        raise RunError(f"{path} {verb} a tensor of shape {found}; its contract says {(None, *wanted[1:])}")
