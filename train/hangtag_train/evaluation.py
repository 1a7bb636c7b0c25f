"""One measurement for every kind of model: the same photos, the same tensors, the same metrics."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hangtag.classifier import Classifier
from hangtag.contract import ModelContract
from hangtag.errors import TrainingError
from hangtag.labelled_folder import LabelledFolder, read_split
from hangtag.metrics import Evaluation, Scores
from hangtag.metrics import evaluate as measure
from hangtag.progress import Progress
from hangtag.scoring import score_photos


def evaluate_model(
    model: Path, data: Path, splits: Sequence[str], progress: Progress, *, threads: int = 1
) -> Evaluation:
    """Evaluate a .tflite file, or the Keras model of a run folder, on the photos of some splits, pooled.

    Raises:
        DatasetError: the photos are not laid out as the model's labels ask.
        ModelFileError: the .tflite cannot be used.
        TrainingError: the folder is not a finished run.
    """
    if model.is_dir():
        return _evaluate_run(model, data, splits, progress)
    classifier = Classifier.load(model, threads=threads)
    labels = classifier.contract.labels
    folders = [read_split(data, split, labels) for split in splits]
    scores = [score_photos(classifier, folder, progress, folder.path.name) for folder in folders]
    return _pooled(scores, folders, labels)


def _evaluate_run(run: Path, data: Path, splits: Sequence[str], progress: Progress) -> Evaluation:
    import keras

    from hangtag_train.loading import predict
    from hangtag_train.run_folder import RunFolder

    folder = RunFolder(run)
    if not folder.seal.is_file():
        raise TrainingError(f"{run} holds no finished training run (no {folder.seal.name})")
    try:
        contract = ModelContract.from_json(folder.contract.read_bytes())
        network = keras.models.load_model(folder.model, compile=False, safe_mode=True)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise TrainingError(f"{run} is not a whole training run: {' '.join(str(error).split())}") from None
    folders = [read_split(data, split, contract.labels) for split in splits]
    scores = [predict(network, part, contract.input, progress, part.path.name) for part in folders]
    return _pooled(scores, folders, contract.labels)


def _pooled(scores: Sequence[Scores], folders: Sequence[LabelledFolder], labels: Sequence[str]) -> Evaluation:
    targets = np.concatenate([np.array(folder.targets, np.int64) for folder in folders])
    return measure(np.concatenate(scores), targets, labels)
