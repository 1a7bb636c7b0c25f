"""A whole training run: photos in, a sealed run folder out."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras

from hangtag.contract import ModelContract, OutputSpec
from hangtag.errors import ContractError, TrainingError
from hangtag.metrics import Evaluation
from hangtag_train.board import Board
from hangtag_train.compute import computing
from hangtag_train.distillation import find_teacher
from hangtag_train.finish import finish
from hangtag_train.fit import fine_tune
from hangtag_train.head import Features, fit_head, read_features
from hangtag_train.history import best_row
from hangtag_train.network import Network, build_network, input_spec, output_kind
from hangtag_train.run_folder import RunFolder
from hangtag_train.state import State
from hangtag_train.trainer import check_statistics
from hangtag_train.training_data import TrainingData, list_training_data, screened

if TYPE_CHECKING:
    from hangtag.progress import Progress
    from hangtag_train.recipe import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """Where a run's photos are, where it goes, and what it does with what is there.

    Args:
        data: folder in normal form.
        out: the run's folder.
        cache: folder for what can be made again.
        source: what the run's record says about where the photos came from.
        resume: go on with the interrupted run in ``out``.
        overwrite: replace the run in ``out``.
        tensorboard: write TensorBoard's event files into ``out/tensorboard``.
    """

    data: Path
    out: Path
    cache: Path
    source: Mapping[str, Any] = field(default_factory=dict)
    resume: bool = False
    overwrite: bool = False
    tensorboard: bool = False


def train(plan: RunPlan, recipe: Recipe, progress: Progress) -> Evaluation:
    """Train a classifier and write its run folder.

    Returns:
        The evaluation of the finished model on the validation photos. Test photos are never looked at here.

    Raises:
        DatasetError: the photos cannot be trained on.
        TrainingError: the folder holds another run or is being written to, the recipe cannot work, the
            weights cannot be loaded, or the loss is not finite any more.
        OutputError: the folder cannot be written to.
    """
    begun = time.monotonic()
    spec = input_spec(recipe)
    folder = RunFolder(plan.out)
    with folder.opened(resume=plan.resume, overwrite=plan.overwrite), computing(recipe, progress):
        data = list_training_data(plan.data, progress)
        contract = _contract(recipe, data, spec)
        keras.utils.set_random_seed(recipe.seed)
        resumed = plan.resume and folder.state.exists()
        network = build_network(recipe, len(data.train.labels), pretrained=not resumed)
        if not resumed:
            check_statistics(network, recipe)
        teacher = find_teacher(recipe, data.train.labels, spec)
        state, data, features = _beginning(network, data, plan, recipe, folder, progress=progress)
        if plan.overwrite and not plan.resume:
            folder.clear()  # not before the photos have proved to be usable
        board = Board(folder.board, resumed=resumed) if plan.tensorboard else None

        def save(reached: State) -> None:
            reached.save(folder.state, recipe, data.sha256)
            folder.write_history(reached.history)
            if board is not None:
                board.write(reached.history)

        if recipe.epochs > 0 and state.epochs_done == 0:
            save(state)  # the linear head need not be fitted again
        fine_tune(
            network, data.train, data.validation, recipe, state, progress=progress, save=save, teacher=teacher
        )
        return finish(
            network,
            data,
            recipe,
            contract,
            state.history,
            folder=dataclasses.replace(folder, warnings=data.warnings),
            source=plan.source,
            seconds=time.monotonic() - begun,
            progress=progress,
            validation_features=features.validation if features and recipe.epochs == 0 else None,
        )


def _beginning(
    network: Network,
    data: TrainingData,
    plan: RunPlan,
    recipe: Recipe,
    folder: RunFolder,
    *,
    progress: Progress,
) -> tuple[State, TrainingData, Features | None]:
    """Return what fine-tuning begins with: the interrupted run's state, or that after the linear head.

    With it come the photos that can be read and the features that were computed on the way, if any.
    """
    if plan.resume and folder.state.exists():
        state = State.load(folder.state, recipe, data.sha256)
        progress.say(f"resuming after epoch {state.epochs_done} of {recipe.epochs}")
        return state, screened(data, plan.cache, progress), None
    if plan.resume:
        progress.say("the run was interrupted before anything was reached: it begins anew")
    if recipe.head_epochs == 0:
        if recipe.epochs == 0:
            raise TrainingError(
                "neither --epochs nor --head-epochs: nothing would be trained, so leave the photos out"
            )
        data = screened(data, plan.cache, progress)
        return State.beginning(network.logits.get_weights(), []), data, None
    features = read_features(network, data, recipe, cache=plan.cache, progress=progress)
    history = fit_head(network, features, recipe, progress)
    progress.say(f"linear head: validation top-1 {best_row(history).validation_top1:.4f}")
    return State.beginning(network.logits.get_weights(), history), features.data, features


def _contract(recipe: Recipe, data: TrainingData, spec: Any) -> ModelContract:
    try:
        return ModelContract(
            name=recipe.model_name,
            description=_description(data.train.labels),
            labels=data.train.labels,
            input=spec,
            output=OutputSpec(kind=output_kind(recipe)),
        )
    except ContractError as error:
        raise TrainingError(f"a model cannot be described by these settings: {error}") from None


def _description(labels: tuple[str, ...]) -> str:
    shown = ", ".join(labels[:20]) + (", …" if len(labels) > 20 else "")
    return f"Tells {len(labels)} labels apart: {shown}."
