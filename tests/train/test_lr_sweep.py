from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from tiny_run import QUIET

from hangtag.errors import TrainingError
from hangtag.photos import read_photo
from hangtag_train import lr_sweep
from hangtag_train.distillation import Teacher
from hangtag_train.lr_sweep import smoothed_losses, suggest, sweep
from hangtag_train.training import RunPlan

RATES = list(np.geomspace(1e-6, 1, 100))


def test_the_suggestion_is_where_the_loss_falls_fastest() -> None:
    # Flat, then down around 1e-3, then up again.
    places = np.log10(RATES)
    losses = list(2.3 - 1.5 / (1 + np.exp(-6 * (places + 3))) + 3 / (1 + np.exp(-8 * (places + 0.5))))
    assert suggest(RATES, losses) == pytest.approx(1e-3, rel=0.3)


def test_a_fall_after_the_minimum_does_not_count() -> None:
    losses = [2.0] * 20 + list(np.linspace(2.0, 0.5, 20)) + [5.0] * 10 + list(np.linspace(5, 0.6, 5))
    assert RATES[19] <= suggest(RATES[:55], losses) <= RATES[40]


@pytest.mark.parametrize(
    ("losses", "message"),
    [
        ([], "diverged after 0 steps, at a learning rate of 1e-06"),
        ([2.0] * 9, "diverged after 9 steps"),
        ([2.0] * 50, "never fell at any learning rate"),
        (list(np.linspace(1, 9, 60)), "never fell"),
    ],
)
def test_a_curve_that_says_nothing_is_refused(losses: list[float], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        suggest(RATES[: len(losses)], losses)


def test_smoothing_keeps_the_level_and_the_length() -> None:
    assert smoothed_losses([3.0] * 20) == [3.0] * 20
    rough = list(np.random.default_rng(1).normal(2, 1, 100))
    smooth = smoothed_losses(rough)
    assert len(smooth) == 100
    assert np.std(smooth) < 0.6 * np.std(rough)
    assert smooth[50] == pytest.approx(np.mean(rough[47:54]))


@pytest.fixture
def plan(shapes_dataset: Path, tmp_path: Path) -> RunPlan:
    return RunPlan(data=shapes_dataset, out=tmp_path / "sweep", cache=tmp_path / "cache")


def test_a_sweep_suggests_a_rate_and_draws_its_curve(plan: RunPlan, course_recipe) -> None:
    found = sweep(plan, course_recipe, QUIET)
    assert 1e-5 < found.suggested < 0.5
    assert sorted(path.name for path in plan.out.iterdir()) == ["lr_sweep.csv", "lr_sweep.png"]
    assert read_photo(found.picture).shape[1] > 400
    with (plan.out / "lr_sweep.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["learning_rate"]) for row in rows] == pytest.approx(list(found.rates))
    assert len(rows) >= 50
    assert len({row["loss"] for row in rows}) > 40, "each batch's own loss"


def test_a_sweep_that_diverges_at_once_is_refused(
    plan: RunPlan, course_recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lr_sweep, "LOWEST", 1e3)
    monkeypatch.setattr(lr_sweep, "HIGHEST", 1e9)
    with pytest.raises(TrainingError, match=r"the loss diverged after \d steps"):
        sweep(plan, course_recipe.changed({"optimizer": "sgd"}), QUIET)


def test_a_sweep_of_a_taught_run_sweeps_what_that_run_would_learn(
    plan: RunPlan, course_recipe, course_run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lr_sweep, "STEPS", 12)
    monkeypatch.setattr(lr_sweep, "suggest", lambda *_: 0.1)
    # The teacher's share of the loss is all of it: labels are not listened to.
    taught = course_recipe.changed({"teacher": str(course_run.path), "teacher_share": 1.0})
    asked: list[int] = []
    original = Teacher.probabilities
    monkeypatch.setattr(
        Teacher, "probabilities", lambda self, given: asked.append(len(given)) or original(self, given)
    )
    alone = sweep(plan, course_recipe, QUIET)
    assert asked == []
    with_teacher = sweep(plan, taught, QUIET)
    assert len(asked) == 12
    assert not np.isclose(alone.losses[0], with_teacher.losses[0], rtol=0.01)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"teacher": "none"}, "none holds no finished training run"),
        ({"backbone": "residual", "norm_from_epoch": None}, "give --norm-from-epoch 1"),
    ],
)
def test_what_a_run_would_refuse_a_sweep_refuses(changes, message: str, plan: RunPlan, course_recipe) -> None:
    with pytest.raises(TrainingError, match=message):
        sweep(plan, course_recipe.changed(changes), QUIET)
