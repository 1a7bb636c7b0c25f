from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from hangtag.errors import TrainingError
from hangtag.labelled_folder import LabelledFolder, read_split
from hangtag.metrics import negative_log_likelihood
from hangtag.photos import read_photo
from hangtag.preprocess import preprocess
from hangtag_train import fit
from hangtag_train.fit import RunningAverage, fine_tune
from hangtag_train.history import HistoryRow
from hangtag_train.loading import PhotoBatches, predict
from hangtag_train.network import input_spec, softmax
from hangtag_train.recipe import Recipe
from hangtag_train.state import State
from hangtag_train.trainer import Trainer

ROW = HistoryRow("head", 1, 0.5, 0.6, 0.7, 0.8, 1.0)
# Three batches an epoch, much dropout: any difference in what is drawn shows in the weights.
RECIPE = Recipe(size_px=32, head_epochs=2, epochs=4, batch_size=7, dropout=0.5, learning_rate=1e-2)
# Everything that has a fate of its own.
RICH = RECIPE.changed(
    {"mixup": 0.4, "cutmix": 1.0, "norm_from_epoch": 2, "class_weights": True, "optimizer": "sgd"}
)


class Interruption(Exception):  # noqa: N818 - stands for Ctrl-C
    pass


@pytest.fixture(scope="module")
def splits(shapes_dataset: Path) -> tuple[LabelledFolder, LabelledFolder]:
    return read_split(shapes_dataset, "train"), read_split(shapes_dataset, "validation")


def begin(network) -> State:
    worst = dataclasses.replace(ROW, validation_loss=1e9)  # so that any epoch is better
    return State.beginning(network.logits.get_weights(), [worst])


def tuned(
    network,
    splits,
    silent,
    recipe: Recipe = RECIPE,
    state: State | None = None,
    save: Callable[[State], None] = lambda _state: None,
) -> State:
    state = state or begin(network)
    fine_tune(network, *splits, recipe, state, progress=silent, save=save)
    return state


def test_fine_tuning_moves_every_weight_and_keeps_the_best(small_network, splits, silent) -> None:
    network = small_network(3)
    before = [np.array(variable) for variable in network.logits.trainable_variables]
    state = tuned(network, splits, silent)
    for variable, value in zip(network.logits.trainable_variables, before, strict=True):
        assert np.abs(np.array(variable) - value).max() > 0
    assert state.epochs_done == 4
    assert [row.epoch for row in state.history[1:]] == [1, 2, 3, 4]
    assert {row.phase for row in state.history[1:]} == {"fine-tune"}
    for kept, loaded in zip(state.best, network.logits.get_weights(), strict=True):
        np.testing.assert_array_equal(kept, loaded)


@pytest.fixture(scope="module")
def uninterrupted(small_network, splits, silent) -> dict[str, tuple[State, list[np.ndarray]]]:
    found = {}
    for name, recipe in (("plain", RECIPE), ("rich", RICH)):
        keras.utils.set_random_seed(5)
        network = small_network(3)
        found[name] = (tuned(network, splits, silent, recipe), network.logits.get_weights())
    return found


@pytest.mark.parametrize(
    ("name", "recipe", "interrupted_after"),
    [("plain", RECIPE, 1), ("plain", RECIPE, 3), ("rich", RICH, 1), ("rich", RICH, 2)],
)
def test_a_resumed_run_equals_an_uninterrupted_one(
    name: str, recipe: Recipe, interrupted_after: int, uninterrupted, small_network, splits, silent,
    tmp_path: Path,
) -> None:  # fmt: skip
    path = tmp_path / "state.npz"

    def save(state: State) -> None:
        state.save(path, recipe, "digest")
        if state.epochs_done == interrupted_after:
            raise Interruption

    keras.utils.set_random_seed(5)
    with pytest.raises(Interruption):
        tuned(small_network(3), splits, silent, recipe, save=save)

    keras.utils.set_random_seed(99)  # another process, another fate
    other = small_network(3)
    state = State.load(path, recipe, "digest")
    assert state.epochs_done == interrupted_after
    tuned(other, splits, silent, recipe, state)
    expected, final = uninterrupted[name]
    for row, wanted in zip(state.history, expected.history, strict=True):
        assert row.train_loss == pytest.approx(wanted.train_loss, abs=1e-5)
        assert row.validation_loss == pytest.approx(wanted.validation_loss, abs=1e-5)
        assert row.validation_top1 == wanted.validation_top1
        assert row.learning_rate == wanted.learning_rate
    for group in ("weights", "average", "optimizer"):
        for value, wanted in zip(getattr(state, group), getattr(expected, group), strict=True):
            np.testing.assert_allclose(value, wanted, atol=1e-5)
    for value, wanted in zip(other.logits.get_weights(), final, strict=True):
        np.testing.assert_allclose(value, wanted, atol=1e-5)


def test_the_training_figures_are_means_over_all_photos(
    small_network, splits, silent, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures: list[tuple[float, float]] = []
    photos: list[int] = []
    original = Trainer.step

    def step(self, number, tensors, targets, learning_rate):
        figures.append(original(self, number, tensors, targets, learning_rate))
        photos.append(len(targets))
        return figures[-1]

    monkeypatch.setattr(Trainer, "step", step)
    recipe = dataclasses.replace(RECIPE, epochs=2)
    state = tuned(small_network(3), splits, silent, recipe)
    assert photos == [7, 7, 4] * 2
    for epoch, row in enumerate(state.history[1:]):
        part = slice(3 * epoch, 3 * epoch + 3)
        means = np.average(figures[part], axis=0, weights=photos[part])
        assert row.train_loss == pytest.approx(means[0])
        assert row.train_top1 == pytest.approx(means[1])
    assert len({round(loss, 6) for loss, _ in figures}) == 6


def test_two_epochs_do_not_drop_the_same_features(small_network, splits, silent, monkeypatch) -> None:
    states = []
    original = Trainer.start_epoch

    def start_epoch(self, epoch: int) -> None:
        original(self, epoch)
        states.append(tuple(np.array(self._view._dropout.seed_generator.state).tolist()))

    monkeypatch.setattr(Trainer, "start_epoch", start_epoch)
    tuned(small_network(3), splits, silent, dataclasses.replace(RECIPE, epochs=3))
    assert len(set(states)) == 3


def test_without_dropout(small_network, splits, silent) -> None:
    recipe = dataclasses.replace(RECIPE, epochs=1, dropout=0.0)
    assert tuned(small_network(3), splits, silent, recipe).epochs_done == 1


@pytest.mark.parametrize("start", [None, 1, 2])
def test_statistics_move_from_their_epoch_on_and_not_before(
    start: int | None, small_network, splits, silent
) -> None:
    # A functional model passes training=True on to BatchNorm even where it was called with training=False.
    network = small_network(3)
    norm = network.logits.get_layer("norm")
    places = [variable.path for variable in network.logits.weights].index(norm.moving_mean.path)
    begun = network.logits.get_weights()
    means = [begun[places]]
    recipe = dataclasses.replace(RECIPE, epochs=2, norm_from_epoch=start)
    tuned(network, splits, silent, recipe, save=lambda state: means.append(state.weights[places].copy()))
    moved = [not np.array_equal(means[epoch], means[epoch - 1]) for epoch in (1, 2)]
    assert moved == [start == 1, start is not None]
    gamma = next(i for i, variable in enumerate(network.logits.weights) if variable is norm.gamma)
    assert not np.array_equal(network.logits.get_weights()[gamma], begun[gamma]), "scales are learned always"


def test_an_average_without_momentum_is_the_weights(small_network, splits, silent) -> None:
    recipe = dataclasses.replace(RECIPE, epochs=1, average_momentum=0.0)
    state = tuned(small_network(3), splits, silent, recipe)
    for average, weight in zip(state.average, state.weights, strict=True):
        np.testing.assert_allclose(average, weight, rtol=1e-6)


def test_the_average_forgets_its_start_soon_and_then_settles(small_network) -> None:
    network = small_network(3)
    current = network.logits.get_weights()
    for steps_done, momentum in ((0, 0.1), (90, 0.91), (10**6, 0.995)):
        average = RunningAverage(network.logits, [value + 1 for value in current], 0.995, steps_done)
        average.update()
        for value, weight in zip(average.values, current, strict=True):
            np.testing.assert_allclose(value - weight, momentum, rtol=1e-4)


def test_the_average_goes_on_counting_steps_over_epochs(small_network, splits, silent, monkeypatch) -> None:
    begun: list[int] = []

    class Counting(RunningAverage):
        def __init__(self, averaged, values, momentum, steps_done) -> None:
            super().__init__(averaged, values, momentum, steps_done)
            begun.append(steps_done)

    monkeypatch.setattr(fit, "RunningAverage", Counting)
    tuned(small_network(3), splits, silent, dataclasses.replace(RECIPE, epochs=3))
    assert begun == [0, 3, 6]


def test_what_is_evaluated_and_kept_is_the_average(small_network, splits, silent) -> None:
    network = small_network(3)
    recipe = dataclasses.replace(RECIPE, epochs=1, average_momentum=0.9)
    state = tuned(network, splits, silent, recipe)
    for kept, average in zip(network.logits.get_weights(), state.average, strict=True):
        np.testing.assert_array_equal(kept, average)
    assert not np.array_equal(state.average[0], state.weights[0])
    outputs = predict(network.logits, splits[1], input_spec(RECIPE), silent)
    hits = outputs.argmax(axis=1) == np.array(splits[1].targets)
    assert state.history[-1].validation_top1 == pytest.approx(hits.mean())


def test_no_epochs_keep_the_head(small_network, splits, silent) -> None:
    network = small_network(3)
    state = tuned(network, splits, silent, dataclasses.replace(RECIPE, epochs=0))
    assert len(state.history) == 1
    for kept, loaded in zip(state.best, network.logits.get_weights(), strict=True):
        np.testing.assert_array_equal(kept, loaded)


# --- stopping ----------------------------------------------------------------------------------------------


def history_of(*top1: float) -> list[HistoryRow]:
    return [
        dataclasses.replace(ROW, phase="fine-tune", epoch=number, validation_top1=value)
        for number, value in enumerate(top1, 1)
    ]


@pytest.mark.parametrize(
    ("settings", "top1", "reason"),
    [
        ({"patience": 2}, (0.5, 0.6), None),
        ({"patience": 2}, (0.6, 0.5), None),
        ({"patience": 2}, (0.6, 0.5, 0.6), "no better validation result in 2 epochs"),
        ({"patience": 1}, (0.6, 0.7, 0.5), "no better validation result in 1 epoch"),
        ({"stop_at_top1": 0.9}, (0.5, 0.89), None),
        ({"stop_at_top1": 0.9}, (0.5, 0.9), "0.9000 reached 0.9"),
        ({"stop_at_top1": 0.9}, (0.95, 0.5), "0.9500 reached 0.9"),
        ({}, (0.5, 0.4, 0.3, 1.0), None),
    ],
)
def test_when_it_is_enough(settings: dict[str, float], top1: tuple[float, ...], reason: str | None) -> None:
    state = State([], [], [], history_of(*top1), epochs_done=len(top1))
    said = fit._enough(state, RECIPE.changed(settings))
    assert said is None if reason is None else (said is not None and reason in said)


def test_the_top1_that_stops_is_that_of_what_is_kept() -> None:
    rows = [
        dataclasses.replace(row, calibrated_loss=loss)
        for row, loss in zip(history_of(0.8, 0.95), (0.3, 0.35), strict=True)
    ]
    recipe = RECIPE.changed({"stop_at_top1": 0.9})
    assert fit._enough(State([], [], [], rows, epochs_done=2), recipe) is None
    rows.append(dataclasses.replace(rows[1], epoch=3, calibrated_loss=0.2))
    assert "0.9500 reached 0.9" in str(fit._enough(State([], [], [], rows, epochs_done=3), recipe))


def test_a_good_head_is_no_reason_to_stop_before_fine_tuning_began() -> None:
    state = State([], [], [], [dataclasses.replace(ROW, validation_top1=1.0)])
    assert fit._enough(state, RECIPE.changed({"stop_at_top1": 0.9, "patience": 1})) is None


def test_stopping_early_keeps_the_best(small_network, splits, silent) -> None:
    network = small_network(3)
    recipe = dataclasses.replace(RECIPE, epochs=9, stop_at_top1=0.0)
    state = tuned(network, splits, silent, recipe)
    assert state.epochs_done == 1
    for kept, loaded in zip(state.best, network.logits.get_weights(), strict=True):
        np.testing.assert_array_equal(kept, loaded)


def test_what_an_epoch_is_ranked_by_is_its_loss_after_calibration(small_network, splits, silent) -> None:
    network = small_network(3)
    state = tuned(network, splits, silent, dataclasses.replace(RECIPE, epochs=1))
    logits = predict(network.logits, splits[1], input_spec(RECIPE), silent)
    targets = np.array(splits[1].targets)
    row = state.history[-1]
    at = [
        negative_log_likelihood(softmax(logits / np.float32(temperature)), targets)
        for temperature in np.geomspace(0.25, 20, 400)
    ]
    assert row.calibrated_loss == pytest.approx(min(at), abs=1e-4)
    assert row.validation_loss == pytest.approx(negative_log_likelihood(softmax(logits), targets), abs=1e-5)


# --- diverging ---------------------------------------------------------------------------------------------


def test_training_that_diverges_says_so_and_saves_no_rubbish(small_network, splits, silent) -> None:
    saved: list[int] = []
    recipe = dataclasses.replace(
        RECIPE, optimizer="sgd", learning_rate=1e3, warmup_epochs=0.0, average_momentum=0.0
    )
    network = small_network(3)
    network.head.set_weights([1e30 * np.ones((6, 3), np.float32), np.zeros(3, np.float32)])
    with pytest.raises(
        TrainingError, match=r"diverged in epoch 1, step \d of 3.*lower --learning-rate than 1000"
    ):
        tuned(network, splits, silent, recipe, save=lambda state: saved.append(state.epochs_done))
    assert saved == []


def spoil_a_batch(monkeypatch: pytest.MonkeyPatch, epoch: int, index: int) -> None:
    original = PhotoBatches.__getitem__

    def spoilt(self, number: int):
        tensors, targets = original(self, number)
        if self._epoch == epoch and number == index and self._augmentation is not None:
            tensors = np.full_like(tensors, np.nan)
        return tensors, targets

    monkeypatch.setattr(PhotoBatches, "__getitem__", spoilt)


def test_a_loss_that_is_no_number_names_the_step_and_keeps_the_epoch_before(
    small_network, splits, silent, tmp_path: Path
) -> None:
    path = tmp_path / "state.npz"
    keras.utils.set_random_seed(5)
    with pytest.MonkeyPatch.context() as patch:
        spoil_a_batch(patch, epoch=2, index=1)
        with pytest.raises(
            TrainingError, match=r"diverged in epoch 3, step 2 of 3: .*the state after epoch 2 is kept"
        ):
            tuned(small_network(3), splits, silent, save=lambda state: state.save(path, RECIPE, "digest"))
    state = State.load(path, RECIPE, "digest")
    assert state.epochs_done == 2
    tuned(small_network(3), splits, silent, state=state)
    assert state.epochs_done == 4
    assert all(np.isfinite(row.validation_loss) for row in state.history)


def test_weights_that_broke_in_the_last_step_are_not_saved(
    small_network, splits, silent, monkeypatch: pytest.MonkeyPatch
) -> None:
    # That step's own loss was fine: it is computed before the weights change.
    original = RunningAverage.update

    def update(self) -> None:
        if self._steps == 5:  # the last of the second epoch
            self._model.set_weights([np.full_like(value, np.nan) for value in self._model.get_weights()])
        original(self)

    monkeypatch.setattr(RunningAverage, "update", update)
    saved: list[int] = []
    with pytest.raises(TrainingError, match="diverged in epoch 2, step 3 of 3"):
        tuned(small_network(3), splits, silent, save=lambda state: saved.append(state.epochs_done))
    assert saved == [1]


def test_predictions_come_in_the_order_of_the_photos(small_network, splits, silent) -> None:
    network = small_network(3)
    outputs = predict(network.logits, splits[1], input_spec(RECIPE), silent)
    assert outputs.shape == (12, 3)
    for photo, output in zip(splits[1].photos, outputs, strict=True):
        tensor = preprocess(read_photo(photo.path), input_spec(RECIPE))
        np.testing.assert_allclose(network.logits.predict_on_batch(tensor)[0], output, atol=1e-5)
