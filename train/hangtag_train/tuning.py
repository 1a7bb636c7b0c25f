"""Trying out settings before a training: KerasTuner proposes, our own training tells how good they are."""

from __future__ import annotations

import contextlib
import importlib
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import keras
import keras_tuner
import numpy as np
from keras_tuner.oracles import BayesianOptimizationOracle
from threadpoolctl import threadpool_limits

from hangtag.errors import OutputError, TrainingError
from hangtag.metrics import negative_log_likelihood, top_k
from hangtag.progress import Progress
from hangtag_train.compute import computing
from hangtag_train.distillation import find_teacher
from hangtag_train.fit import fine_tune
from hangtag_train.head import fit_head, read_features
from hangtag_train.loading import predict
from hangtag_train.network import build_network, fit_temperature, input_spec, label_logits, softmax
from hangtag_train.run_folder import RunFolder
from hangtag_train.search_space import Setting, search_space, shortened, with_settings
from hangtag_train.state import State
from hangtag_train.trainer import check_statistics
from hangtag_train.training_data import list_training_data, screened
from hangtag_train.trials import Trial, Trials, begun, load_trials

if TYPE_CHECKING:
    from hangtag_train.recipe import Recipe
    from hangtag_train.training import RunPlan
    from hangtag_train.training_data import TrainingData

# The Bayesian oracle needs both and would say so only when it is made.
for _module in ("scipy", "sklearn"):
    importlib.import_module(_module)

Measure = Callable[[Mapping[str, float]], Trial]


def tune(plan: RunPlan, recipe: Recipe, trials: int, progress: Progress) -> Recipe:
    """Try out ``trials`` settings in short trainings and return the recipe with the best of them.

    The first trial is the recipe as it is. What counts is the cross-entropy of validation photos after the
    calibration that every run ends with; test photos are never looked at. Each finished trial is kept in
    ``tuning`` in the run's folder: with ``plan.resume`` an interrupted tuning goes on after the last one, and
    proposes what an uninterrupted one would have.

    Raises:
        DatasetError: the photos cannot be trained on.
        TrainingError: the folder holds a run or another tuning, every trial diverged, or Ctrl-C.
        OutputError: the folder cannot be written to.
    """
    settings = search_space(recipe)
    run = RunFolder(plan.out)
    folder = run.tuning
    with run.opened(resume=plan.resume, overwrite=plan.overwrite), computing(recipe, progress):
        if plan.resume and run.state.exists():
            progress.say("tuning is over: the run goes on with the settings that it found")
            return recipe
        goes_on = plan.resume and begun(folder)
        if begun(folder) and not plan.resume and not plan.overwrite:
            raise TrainingError(
                f"{folder} holds trials of a tuning: go on with --resume, or start again with --overwrite"
            )
        data = list_training_data(plan.data, progress)
        known = Trials(folder, recipe.as_dict(), data.sha256)
        if goes_on:
            known = load_trials(folder, recipe.as_dict(), data.sha256)
        kept = goes_on
        try:
            measure = _measure(plan, recipe, data, progress)
            if not goes_on:
                if plan.overwrite and not plan.resume:
                    run.clear()  # not before trials have proved to be possible
                known.store()
                kept = True
            _search(settings, known, measure, recipe, trials, progress=progress)
        except KeyboardInterrupt:
            if not kept:
                raise
            raise TrainingError(
                f"interrupted while tuning; {len(known.finished)} finished trials are kept: run the same "
                "command with --resume"
            ) from None
    best = known.best(trials)
    chosen = known.finished[best]
    progress.say(
        f"best of {trials}: trial {best + 1}, {_words(chosen.settings)}; all in {folder / 'trials.csv'}"
    )
    return with_settings(recipe, chosen.settings)


def _measure(plan: RunPlan, recipe: Recipe, data: TrainingData, progress: Progress) -> Measure:
    """Return what trains for a short while with some settings and tells how good they are."""
    keras.utils.set_random_seed(recipe.seed)
    network = build_network(recipe, len(data.train.labels))
    check_statistics(network, recipe)
    beginning = network.logits.get_weights()
    spec = input_spec(recipe)
    teacher = find_teacher(recipe, data.train.labels, spec)
    features = None
    if recipe.head_epochs > 0:
        features = read_features(network, data, recipe, cache=plan.cache, progress=progress)
    data = features.data if features else screened(data, plan.cache, progress)
    targets = np.array(data.validation.targets)
    silent = Progress(quiet=True)

    def measure(settings: Mapping[str, float]) -> Trial:
        tried = shortened(with_settings(recipe, settings))
        keras.utils.set_random_seed(recipe.seed)
        network.logits.set_weights(beginning)
        history = [] if features is None else fit_head(network, features, tried, silent)
        if tried.epochs == 0 and features is not None:
            kernel, bias = network.head.get_weights()
            outputs = features.validation @ kernel + bias
        else:
            state = State.beginning(network.logits.get_weights(), history)
            try:
                fine_tune(
                    network,
                    data.train,
                    data.validation,
                    tried,
                    state,
                    progress=silent,
                    save=lambda _: None,
                    teacher=teacher,
                )
            except TrainingError:  # the loss is not finite any more: nothing else is raised as one
                return Trial(settings)
            outputs = predict(network.logits, data.validation, spec, silent)
        logits = label_logits(outputs)
        if not np.isfinite(logits).all():
            return Trial(settings)
        scores = softmax(logits / np.float32(fit_temperature(logits, targets)))
        return Trial(settings, negative_log_likelihood(scores, targets), top_k(scores, targets, 1))

    return measure


def _search(
    settings: tuple[Setting, ...],
    known: Trials,
    measure: Measure,
    recipe: Recipe,
    trials: int,
    *,
    progress: Progress,
) -> None:
    """Let KerasTuner search; trials that are known are handed to it as they were."""
    with _without_news_of_libraries():
        oracle = _Oracle(settings, known, trials, recipe.seed)
        try:
            tuner = _Tuner(
                oracle,
                directory=str(known.folder),
                project_name="keras-tuner",
                overwrite=True,  # what is gone on from is our own record, which is always whole
            )
            tuner.search(known=known, measure=measure, trials=trials, progress=progress)
        except keras_tuner.errors.FatalError as error:
            raise error.__cause__ or error from None
        except OSError as error:
            raise OutputError(f"cannot write into {known.folder}: {error.strerror or error}") from None


class _Oracle(BayesianOptimizationOracle):  # type: ignore[misc]
    """KerasTuner's Bayesian search, which begins with the recipe's own settings."""

    def __init__(self, settings: tuple[Setting, ...], known: Trials, trials: int, seed: int) -> None:
        space = keras_tuner.HyperParameters()
        for setting in settings:
            space.Float(
                setting.name,
                setting.low,
                setting.high,
                sampling="log" if setting.logarithmic else "linear",
                default=setting.value,
            )
        super().__init__(
            objective=keras_tuner.Objective("validation_loss", "min"),
            max_trials=trials,
            num_initial_points=len(settings) + 1,
            seed=1 + seed % (2**31),  # it takes 0 for no seed at all
            hyperparameters=space,
            allow_new_entries=False,
            max_consecutive_failed_trials=trials + 1,
        )
        self.verbose = 0
        self._own = {setting.name: setting.value for setting in settings}
        self._known = known
        self.proposed = 0

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Return the settings of the next trial, as KerasTuner wants them."""
        number = self.proposed
        self.proposed += 1
        if number == 0:
            proposal: dict[str, Any] = {"status": "RUNNING", "values": self._own}
        else:
            # On matrices as small as these threads only wait for one another.
            with threadpool_limits(1):
                proposal = dict(super().populate_space(trial_id))
            # Three digits are as many as a person would give.
            proposal["values"] = {name: float(f"{value:.3g}") for name, value in proposal["values"].items()}
        if number < len(self._known.finished):
            proposal["values"] = self._as_recorded(number, proposal["values"])
        return proposal

    def _as_recorded(self, number: int, values: Mapping[str, float]) -> dict[str, float]:
        """Return a known trial's settings, which are what is proposed again up to the last digit."""
        recorded = dict(self._known.finished[number].settings)
        same = recorded.keys() == values.keys() and all(
            math.isclose(recorded[name], value, rel_tol=0.02, abs_tol=1e-3) for name, value in values.items()
        )
        if not same:
            raise keras_tuner.errors.FatalError from TrainingError(
                f"{self._known.folder} holds trials that this version of keras-tuner would not propose; "
                "start again with --overwrite"
            )
        return recorded


class _Tuner(keras_tuner.Tuner):  # type: ignore[misc]
    """Runs each trial as our own training."""

    def run_trial(
        self, trial: Any, *, known: Trials, measure: Measure, trials: int, progress: Progress
    ) -> dict[str, float]:
        """Return the objective of a trial, from the record where it is known."""
        number = self.oracle.proposed - 1
        if number < len(known.finished):
            done = known.finished[number]
        else:
            settings = {name: float(value) for name, value in trial.hyperparameters.values.items()}
            try:
                done = measure(settings)
                known.add(done)
            except Exception as error:
                # KerasTuner takes any other error for a bad trial, prints it and goes on.
                raise keras_tuner.errors.FatalError from error
        progress.say(_line(number, trials, done))
        return {"validation_loss": math.nan if done.validation_loss is None else done.validation_loss}


def _line(number: int, trials: int, done: Trial) -> str:
    result = "the loss is not finite any more"
    if done.validation_loss is not None:
        result = f"validation loss {done.validation_loss:.4f}, top-1 {done.validation_top1:.4f}"
    return f"trial {number + 1}/{trials}: {_words(done.settings)}: {result}"


def _words(settings: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.3g}" for name, value in settings.items())


@contextlib.contextmanager
def _without_news_of_libraries() -> Iterator[None]:
    """Keep the warnings of the tuner's own libraries from the terminal; ours still arrive."""
    with warnings.catch_warnings():
        for module in ("keras_tuner", "sklearn", "scipy"):
            warnings.filterwarnings("ignore", module=rf"{module}\b")
        yield
