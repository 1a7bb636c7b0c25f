from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from hangtag.errors import TrainingError
from hangtag.labelled_folder import LabelledFolder, read_split
from hangtag.photos import read_photo
from hangtag.preprocess import preprocess
from hangtag_train import fit
from hangtag_train.fit import HistoryRow, State, _RunningAverage, _TrainedView, fine_tune, fit_head, softmax
from hangtag_train.loading import predict
from hangtag_train.network import input_spec
from hangtag_train.recipe import Recipe

ROW = HistoryRow("head", 1, 0.5, 0.6, 0.7, 0.8, 1.0)
# Three batches an epoch, much dropout: any difference in what is drawn shows in the weights.
RECIPE = Recipe(size_px=32, head_epochs=2, epochs=4, batch_size=7, dropout=0.5, learning_rate=1e-2)


class Interruption(Exception):  # noqa: N818 - stands for Ctrl-C
    pass


@pytest.fixture(scope="module")
def splits(shapes_dataset: Path) -> tuple[LabelledFolder, LabelledFolder]:
    return read_split(shapes_dataset, "train"), read_split(shapes_dataset, "validation")


def begin(network) -> State:
    weights = network.logits.get_weights()
    worst = dataclasses.replace(ROW, validation_top1=-1.0)  # so that any epoch is better
    return State(weights, [weight.copy() for weight in weights], weights, [worst])


def tuned(network, splits, state: State, silent, recipe: Recipe = RECIPE, save=lambda _state: None) -> State:
    fine_tune(network, *splits, recipe, state, progress=silent, save=save)
    return state


@pytest.fixture(scope="module")
def uninterrupted(small_network, splits, silent) -> tuple[State, list[np.ndarray], list[np.ndarray]]:
    keras.utils.set_random_seed(5)
    network = small_network(3)
    before = [np.array(variable) for variable in network.logits.trainable_variables]
    state = tuned(network, splits, begin(network), silent)
    changes = [
        np.abs(np.array(variable) - value)
        for variable, value in zip(network.logits.trainable_variables, before, strict=True)
    ]
    return state, network.logits.get_weights(), changes


def test_fine_tuning_moves_every_weight_and_keeps_the_best(uninterrupted) -> None:
    state, final, changes = uninterrupted
    assert all(change.max() > 0 for change in changes)
    assert state.epochs_done == 4
    assert [row.epoch for row in state.history[1:]] == [1, 2, 3, 4]
    assert {row.phase for row in state.history[1:]} == {"fine-tune"}
    for kept, loaded in zip(state.best, final, strict=True):
        np.testing.assert_array_equal(kept, loaded)


@pytest.mark.parametrize("interrupted_after", [1, 3])
def test_a_resumed_run_equals_an_uninterrupted_one(
    interrupted_after: int, uninterrupted, small_network, splits, silent, tmp_path: Path
) -> None:
    path = tmp_path / "state.npz"

    def save(state: State) -> None:
        state.save(path, RECIPE, "digest")
        if state.epochs_done == interrupted_after:
            raise Interruption

    keras.utils.set_random_seed(5)
    network = small_network(3)
    with pytest.raises(Interruption):
        tuned(network, splits, begin(network), silent, save=save)

    keras.utils.set_random_seed(99)  # another process, another fate
    other = small_network(3)
    state = State.load(path, RECIPE, "digest")
    assert state.epochs_done == interrupted_after
    tuned(other, splits, state, silent)
    expected, final, _ = uninterrupted
    for row, wanted in zip(state.history, expected.history, strict=True):
        assert row.train_loss == pytest.approx(wanted.train_loss, abs=1e-5)
        assert row.validation_loss == pytest.approx(wanted.validation_loss, abs=1e-5)
        assert row.validation_top1 == wanted.validation_top1
    for group in ("weights", "average", "optimizer"):
        for value, wanted in zip(getattr(state, group), getattr(expected, group), strict=True):
            np.testing.assert_allclose(value, wanted, atol=1e-5)
    for value, wanted in zip(other.logits.get_weights(), final, strict=True):
        np.testing.assert_allclose(value, wanted, atol=1e-5)


def test_two_epochs_do_not_drop_the_same_features(small_network, splits, silent, monkeypatch) -> None:
    states = []
    network = small_network(3)
    original = _TrainedView.fit

    def fit(self, *arguments, **options):
        states.append(tuple(np.array(self._dropout.seed_generator.state).tolist()))
        return original(self, *arguments, **options)

    monkeypatch.setattr(_TrainedView, "fit", fit)
    tuned(network, splits, begin(network), silent, dataclasses.replace(RECIPE, epochs=3))
    assert len(set(states)) == 3


def test_without_dropout(small_network, splits, silent) -> None:
    network = small_network(3, dropout=0.0)
    recipe = dataclasses.replace(RECIPE, epochs=1, dropout=0.0)
    assert tuned(network, splits, begin(network), silent, recipe).epochs_done == 1


def test_fine_tuning_leaves_the_stored_statistics_alone(small_network, splits, silent) -> None:
    # A functional model passes training=True on to BatchNorm even where it was called with training=False.
    network = small_network(3)
    norm = next(layer for layer in network.logits.layers if "batch_norm" in layer.name)
    before = [np.array(variable) for variable in norm.variables]
    tuned(network, splits, begin(network), silent, dataclasses.replace(RECIPE, epochs=1))
    gamma, beta, mean, variance = [np.array(variable) for variable in norm.variables]
    np.testing.assert_array_equal(mean, before[2])
    np.testing.assert_array_equal(variance, before[3])
    assert not np.array_equal(gamma, before[0])
    assert not np.array_equal(beta, before[1])


def test_an_average_without_momentum_is_the_weights(small_network, splits, silent) -> None:
    network = small_network(3)
    recipe = dataclasses.replace(RECIPE, epochs=1, average_momentum=0.0)
    state = tuned(network, splits, begin(network), silent, recipe)
    for average, weight in zip(state.average, state.weights, strict=True):
        np.testing.assert_allclose(average, weight, rtol=1e-6)


def test_the_average_forgets_its_start_soon_and_then_settles(small_network) -> None:
    network = small_network(3)
    current = network.logits.get_weights()
    for steps_done, momentum in ((0, 0.1), (90, 0.91), (10**6, 0.995)):
        average = _RunningAverage(network.logits, [value + 1 for value in current], 0.995, steps_done)
        average.on_train_batch_end(0)
        for value, weight in zip(average.values, current, strict=True):
            np.testing.assert_allclose(value - weight, momentum, rtol=1e-4)


def test_the_average_goes_on_counting_steps_over_epochs(small_network, splits, silent, monkeypatch) -> None:
    begun: list[int] = []

    class Counting(_RunningAverage):
        def __init__(self, averaged, values, momentum, steps_done) -> None:
            super().__init__(averaged, values, momentum, steps_done)
            begun.append(steps_done)

    monkeypatch.setattr(fit, "_RunningAverage", Counting)
    network = small_network(3)
    tuned(network, splits, begin(network), silent, dataclasses.replace(RECIPE, epochs=3))
    assert begun == [0, 3, 6]


def test_no_epochs_keep_the_head(small_network, splits, silent) -> None:
    network = small_network(3)
    state = begin(network)
    tuned(network, splits, state, silent, dataclasses.replace(RECIPE, epochs=0))
    assert len(state.history) == 1
    for kept, loaded in zip(state.best, network.logits.get_weights(), strict=True):
        np.testing.assert_array_equal(kept, loaded)


def test_training_that_diverges_says_so_and_saves_no_rubbish(small_network, splits, silent) -> None:
    network = small_network(3)
    saved: list[int] = []
    recipe = dataclasses.replace(RECIPE, learning_rate=1e30, warmup_epochs=0.0, average_momentum=0.0)
    with pytest.raises(TrainingError, match=r"diverged in epoch 1.*lower --learning-rate than 1e\+30"):
        tuned(network, splits, begin(network), silent, recipe, lambda state: saved.append(state.epochs_done))
    assert saved == []


def test_the_head_learns_shapes_and_keeps_its_best_epoch(small_network, splits, silent) -> None:
    keras.utils.set_random_seed(1)
    network = small_network(3, dropout=0.0)
    recipe = dataclasses.replace(RECIPE, head_epochs=12, head_learning_rate=0.1, dropout=0.0)
    history = fit_head(network, *splits, recipe, silent)
    assert [row.epoch for row in history] == list(range(1, 13))
    assert history[-1].train_loss < history[0].train_loss
    best = max(history, key=lambda row: row.rank)
    scores = softmax(predict(network.logits, splits[1], input_spec(recipe), silent))
    reached = (scores.argmax(axis=1) == np.array(splits[1].targets)).mean()
    assert reached == pytest.approx(best.validation_top1)


def test_predictions_come_in_the_order_of_the_photos(small_network, splits, silent) -> None:
    network = small_network(3)
    outputs = predict(network.logits, splits[1], input_spec(RECIPE), silent)
    assert outputs.shape == (12, 3)
    for photo, output in zip(splits[1].photos, outputs, strict=True):
        tensor = preprocess(read_photo(photo.path), input_spec(RECIPE))
        np.testing.assert_allclose(network.logits.predict(tensor, verbose=0)[0], output, atol=1e-5)


# --- the state of an interrupted run -----------------------------------------------------------------------


@pytest.fixture
def state() -> State:
    rng = np.random.default_rng(0)

    def arrays() -> list[np.ndarray]:
        return [rng.normal(size=shape).astype(np.float32) for shape in [(2, 3), (), (0,)] + [(1,)] * 12]

    return State(arrays(), arrays(), arrays(), [ROW, ROW], [np.array(3), *arrays()], 2)


def test_a_state_comes_back_as_it_was(state: State, tmp_path: Path) -> None:
    path = tmp_path / "state.npz"
    state.save(path, RECIPE, "digest")
    back = State.load(path, RECIPE, "digest")
    assert back.history == state.history
    assert back.epochs_done == 2
    for group in ("weights", "average", "best", "optimizer"):
        for value, wanted in zip(getattr(back, group), getattr(state, group), strict=True):
            np.testing.assert_array_equal(value, wanted)
            assert value.dtype == wanted.dtype
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("recipe", "digest", "message"),
    [
        (dataclasses.replace(RECIPE, seed=2), "digest", "begun with other settings"),
        (dataclasses.replace(RECIPE, epochs=9), "digest", "begun with other settings"),
        (RECIPE, "other", "begun with other photos"),
    ],
)
def test_a_state_of_another_run_is_refused(
    recipe: Recipe, digest: str, message: str, state: State, tmp_path: Path
) -> None:
    state.save(tmp_path / "state.npz", RECIPE, "digest")
    with pytest.raises(TrainingError, match=message):
        State.load(tmp_path / "state.npz", recipe, digest)


def other_npz(path: Path) -> None:
    np.savez(path, a=np.zeros(3))


def plain_npy(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"garbage" * 50),
        lambda path: path.write_bytes(b"PK\x03\x04" + bytes(50)),
        lambda path: path.unlink(),
        other_npz,
        plain_npy,
        lambda path: np.savez(path, header=np.array("[1]")),
        lambda path: np.savez(path, header=np.array("{}")),
        lambda path: np.savez(path, header=np.array("not json")),
        lambda path: np.savez(path, header=np.array({"pickled": 1}, dtype=object)),
    ],
)
def test_a_spoilt_state_is_one_clear_error(
    spoil: Callable[[Path], None], state: State, tmp_path: Path
) -> None:
    path = tmp_path / "state.npz"
    state.save(path, RECIPE, "digest")
    spoil(path)
    with pytest.raises(TrainingError, match=r"cannot resume from .*state\.npz.*--overwrite"):
        State.load(path, RECIPE, "digest")


def test_a_state_cut_short_is_one_clear_error(state: State, tmp_path: Path) -> None:
    path = tmp_path / "state.npz"
    state.save(path, RECIPE, "digest")
    data = path.read_bytes()
    for place in range(0, len(data), 211):
        path.write_bytes(data[:place])
        with pytest.raises(TrainingError, match="cannot resume"):
            State.load(path, RECIPE, "digest")


def test_better_accuracy_ranks_first_then_the_smaller_loss() -> None:
    rows = [
        dataclasses.replace(ROW, validation_top1=top1, validation_loss=loss)
        for top1, loss in ((0.8, 0.5), (0.9, 0.9), (0.9, 0.7), (0.9, 0.7))
    ]
    assert State([], [], [], rows).best_row is rows[2]
