"""A whole training run: photos in, a sealed run folder out."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np

from hangtag.contract import Calibration, ModelContract, Provenance
from hangtag.errors import ContractError, DatasetError, PhotoError, TrainingError
from hangtag.files import whole_file, write_json
from hangtag.labelled_folder import LabelledFolder, digest, read_split
from hangtag.metrics import Evaluation, evaluate
from hangtag.photos import read_photo
from hangtag_train import report
from hangtag_train.fit import State, fine_tune, fit_head, softmax
from hangtag_train.loading import predict
from hangtag_train.network import Array, Network, build_network, fit_temperature, input_spec
from hangtag_train.recipe import Recipe
from hangtag_train.run_folder import RunFolder, versions

if TYPE_CHECKING:
    from hangtag.progress import Progress

_HIGHEST_THRESHOLD = 0.5
_KNOWN_SHARE = 0.98
"""Share of validation photos whose best score stays above the unknown threshold."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """The photos of a run; ``test`` is None where the data set has no such folder."""

    path: Path
    train: LabelledFolder
    validation: LabelledFolder
    test: LabelledFolder | None

    @property
    def splits(self) -> tuple[LabelledFolder, ...]:
        """All splits there are."""
        return tuple(split for split in (self.train, self.validation, self.test) if split is not None)


def read_dataset(path: Path) -> Dataset:
    """List a data set's photos and check that a classifier can be trained on them.

    Raises:
        DatasetError: a layout, class or count that cannot work; the message says which.
    """
    train = read_split(path, "train")
    labels = train.labels
    if len(labels) < 2:
        raise DatasetError(
            f"{train.path} holds one label, {labels[0]!r}; a classifier tells at least two apart"
        )
    try:
        ModelContract(labels=labels, input=input_spec(Recipe()))
    except ContractError as error:
        # Found now and not when the trained model is written.
        raise DatasetError(f"{train.path} holds a folder that cannot be a label: {error}") from None
    validation = read_split(path, "validation", labels)
    for split in (train, validation):
        if len(split.photos) < len(labels):
            raise DatasetError(
                f"{split.path} holds {len(split.photos)} photos for {len(labels)} labels; "
                "wanted at least one photo of each"
            )
    unseen = sorted(set(range(len(labels))) - set(validation.targets))
    if unseen:
        raise DatasetError(
            f"{validation.path} has no photo of {', '.join(labels[index] for index in unseen)}: "
            "a label that is never measured cannot be trusted; add some or remove it from train"
        )
    test = read_split(path, "test", labels) if (path / "test").is_dir() else None
    return Dataset(path, train, validation, test)


def check_photos(dataset: Dataset, progress: Progress) -> None:
    """Read every photo once, so that a bad one is found now and not an hour into training.

    Raises:
        DatasetError: naming the files that cannot be read.
    """
    bad: list[str] = []
    photos = [photo for split in dataset.splits for photo in split.photos]
    with progress.bar("checking photos", len(photos)) as advance:
        for photo in photos:
            try:
                read_photo(photo.path)
            except PhotoError as error:
                bad.append(str(error))
            advance()
    if bad:
        more = f"; and {len(bad) - 3} more" if len(bad) > 3 else ""
        raise DatasetError(
            f"{len(bad)} of {len(photos)} photos cannot be used, mend or remove them: "
            f"{'; '.join(bad[:3])}{more}"
        )


def train(
    data: Path,
    out: Path,
    recipe: Recipe,
    progress: Progress,
    *,
    resume: bool = False,
    overwrite: bool = False,
) -> dict[str, Evaluation]:
    """Train a classifier on ``data`` and write the run folder ``out``.

    Returns:
        The evaluation of the finished model by split: ``validation`` and, where there is one, ``test``.

    Raises:
        DatasetError: the photos cannot be trained on.
        TrainingError: the folder holds another run, or the weights cannot be loaded.
        OutputError: the folder cannot be written to.
    """
    dataset = read_dataset(data)
    try:
        ModelContract(name=recipe.model_name, labels=dataset.train.labels, input=input_spec(recipe))
    except ContractError as error:
        raise TrainingError(f"a model cannot be described by these settings: {error}") from None
    folder = RunFolder(out)
    folder.prepare(resume=resume, overwrite=overwrite)
    check_photos(dataset, progress)
    dataset_sha256 = digest(dataset.splits)
    if overwrite and not resume:
        folder.clear()
    keras.utils.set_random_seed(recipe.seed)
    network = build_network(recipe, len(dataset.train.labels), pretrained=not resume)
    if resume:
        state = State.load(folder.state, recipe, dataset_sha256)
        progress.say(f"resuming after epoch {state.epochs_done} of {recipe.epochs}")
    else:
        history = fit_head(network, dataset.train, dataset.validation, recipe, progress)
        weights = network.logits.get_weights()
        state = State(weights, [weight.copy() for weight in weights], weights, history)
        progress.say(f"linear head: validation top-1 {state.best_row.validation_top1:.4f}")

    def save(reached: State) -> None:
        reached.save(folder.state, recipe, dataset_sha256)
        folder.write_history(reached.history)

    fine_tune(network, dataset.train, dataset.validation, recipe, state, progress=progress, save=save)
    return _finish(network, dataset, dataset_sha256, recipe, state=state, folder=folder, progress=progress)


def _finish(
    network: Network,
    dataset: Dataset,
    dataset_sha256: str,
    recipe: Recipe,
    *,
    state: State,
    folder: RunFolder,
    progress: Progress,
) -> dict[str, Evaluation]:
    """Calibrate the trained network, evaluate it, and write all that the run leaves behind."""
    labels = dataset.train.labels
    validation_logits = predict(
        network.logits, dataset.validation, input_spec(recipe), progress, "calibrating"
    )
    temperature = fit_temperature(validation_logits, np.array(dataset.validation.targets))
    network.divide_logits(temperature)
    scores = {"validation": softmax(validation_logits / np.float32(temperature))}
    truth = {split.path.name: np.array(split.targets) for split in dataset.splits}
    evaluations = {name: evaluate(found, truth[name], labels) for name, found in scores.items()}
    threshold = _unknown_threshold(scores["validation"])
    calibration = Calibration(temperature=temperature, unknown_threshold=threshold)
    contract = _contract(labels, dataset_sha256, recipe, calibration, evaluations)

    with whole_file(folder.model) as temporary:
        network.scores.save(temporary)
    folder.write_contract(contract.to_json())
    folder.write_history(state.history)
    write_json(folder.metrics, {name: dataclasses.asdict(value) for name, value in evaluations.items()})
    report.draw_curves(state.history, folder.path / "curves.png")
    for name, evaluation in evaluations.items():
        report.draw_confusion(evaluation, name, folder.path / f"confusion_{name}.png")
    folder.close(
        {
            "data": str(dataset.path.resolve()),
            "dataset_sha256": dataset_sha256,
            "photos": {split.path.name: len(split.photos) for split in dataset.splits},
            "recipe": recipe.as_dict(),
            "kept": dataclasses.asdict(state.best_row),
            "seconds": sum(row.seconds for row in state.history),
        }
    )
    return evaluations


def _unknown_threshold(scores: Array) -> float:
    quantile = float(np.quantile(scores.max(axis=1), 1 - _KNOWN_SHARE))
    # Rounded up it could lie above every score; few or easy photos would put it there, too. A label with
    # more than half of the score is never "none of these".
    return min(math.floor(quantile * 1e4) / 1e4, _HIGHEST_THRESHOLD)


def _contract(
    labels: Sequence[str],
    dataset_sha256: str,
    recipe: Recipe,
    calibration: Calibration,
    evaluations: Mapping[str, Evaluation],
) -> ModelContract:
    return ModelContract(
        name=recipe.model_name,
        description=f"Tells {len(labels)} labels apart: {', '.join(labels)}.",
        labels=tuple(labels),
        input=input_spec(recipe),
        calibration=calibration,
        provenance=Provenance(
            dataset_sha256=dataset_sha256,
            backbone=recipe.backbone,
            recipe=recipe.name,
            metrics={f"keras_{name}_top1": round(value.top1, 6) for name, value in evaluations.items()},
            versions=versions(),
        ),
    )
