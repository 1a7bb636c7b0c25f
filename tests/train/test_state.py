from __future__ import annotations

import dataclasses
import errno
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hangtag.errors import OutputError, TrainingError
from hangtag_train.history import HistoryRow, best_row, epochs_since_best
from hangtag_train.recipe import Recipe
from hangtag_train.state import State, stored_recipe

ROW = HistoryRow("head", 1, 0.5, 0.6, 0.7, 0.8, 1.0)
RECIPE = Recipe(size_px=32, epochs=4)


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
    assert stored_recipe(path) == RECIPE


@pytest.mark.parametrize(
    ("recipe", "digest", "message"),
    [
        (dataclasses.replace(RECIPE, seed=2), "digest", "begun with other settings"),
        (dataclasses.replace(RECIPE, epochs=9), "digest", "begun with other settings"),
        (RECIPE.changed({"augmentation": {"noise": 1.0}}), "digest", "begun with other settings"),
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
    for read in (lambda: State.load(path, RECIPE, "digest"), lambda: stored_recipe(path)):
        with pytest.raises(TrainingError, match=r"cannot resume from .*state\.npz.*--overwrite"):
            read()


def test_a_state_cut_short_is_one_clear_error(state: State, tmp_path: Path) -> None:
    path = tmp_path / "state.npz"
    state.save(path, RECIPE, "digest")
    data = path.read_bytes()
    for place in range(0, len(data), 211):
        path.write_bytes(data[:place])
        with pytest.raises(TrainingError, match="cannot resume"):
            State.load(path, RECIPE, "digest")


def test_a_full_disk_leaves_the_state_before_as_it_was(
    state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.npz"
    state.save(path, RECIPE, "digest")
    before = path.read_bytes()
    original = np.savez

    def full(file, **arrays) -> None:
        original(file, **dict(list(arrays.items())[:3]))
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OutputError, match=r"cannot write .*state\.npz: No space left on device"):
        dataclasses.replace(state, epochs_done=3).save(path, RECIPE, "digest")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path], "no half-written file stays behind"


@pytest.mark.parametrize("field", ["calibrated_loss", "validation_loss"])  # older rows lack the first
def test_the_smaller_loss_ranks_first_then_better_accuracy(field: str) -> None:
    rows = [
        dataclasses.replace(ROW, validation_top1=top1, **{field: loss})
        for top1, loss in ((0.9, 0.8), (0.8, 0.5), (0.9, 0.5), (0.9, 0.5))
    ]
    assert best_row(rows) is rows[2]
    assert epochs_since_best(rows) == 1
    assert epochs_since_best(rows[:3]) == 0


def test_a_network_that_is_right_but_not_sure_ranks_above_one_that_is_only_sure() -> None:
    # What label smoothing does to the loss of fine-tuning, against a head that was fitted without it.
    head = dataclasses.replace(ROW, validation_loss=0.08, calibrated_loss=0.07, validation_top1=0.98)
    tuned = dataclasses.replace(ROW, validation_loss=0.11, calibrated_loss=0.01, validation_top1=1.0)
    assert best_row([head, tuned]) is tuned


def test_the_average_of_the_best_epoch_is_kept() -> None:
    state = State.beginning([np.zeros(1, np.float32)], [])
    for epoch, loss in enumerate((0.5, 0.3, 0.4), 1):
        state.average = [np.full(1, epoch, np.float32)]
        state.record(dataclasses.replace(ROW, epoch=epoch, validation_loss=loss))
    assert state.best[0] == 2
    assert state.epochs_done == 3
