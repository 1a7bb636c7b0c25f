from __future__ import annotations

import csv
import dataclasses
import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from hangtag.errors import DatasetError, OutputError, TrainingError
from hangtag.progress import Progress
from hangtag_train import tuning
from hangtag_train.augment import IDENTITY, Augmentation
from hangtag_train.recipe import Recipe, load_recipe, recipe_names
from hangtag_train.run_folder import RunFolder
from hangtag_train.search_space import STRENGTH, search_space, shortened, strengthened, with_settings
from hangtag_train.training import RunPlan
from hangtag_train.trials import Trial, Trials, load_trials
from hangtag_train.tuning import tune

RECIPE = Recipe(
    name="tiny", backbone="mlp", pretrained=False, size_px=8, head_epochs=0, norm_from_epoch=1, epochs=3,
    batch_size=9, average_momentum=0, warmup_epochs=0,
)  # fmt: skip
FEW = dataclasses.replace(RECIPE, optimizer="adam", augmentation=IDENTITY)
"""Three settings to search: from the fifth trial on proposals follow from results."""


# --- what is searched --------------------------------------------------------------------------------------


def test_every_recipe_that_trains_has_a_space_around_its_own_values() -> None:
    for name in recipe_names():
        recipe = load_recipe(name)
        if recipe.epochs == recipe.head_epochs == 0:
            with pytest.raises(TrainingError, match="nothing to tune"):
                search_space(recipe)
            continue
        for setting in search_space(recipe):
            assert setting.low <= setting.value <= setting.high, setting
            assert setting.low > 0 or not setting.logarithmic, setting
            for end in (setting.low, setting.high):
                with_settings(recipe, {setting.name: end})


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, {"learning_rate", "weight_decay", "dropout", "label_smoothing", STRENGTH}),
        ({"optimizer": "adam"}, {"learning_rate", "dropout", "label_smoothing", STRENGTH}),
        ({"weight_decay": 0.0}, {"learning_rate", "dropout", "label_smoothing", STRENGTH}),
        ({"augmentation": IDENTITY}, {"learning_rate", "weight_decay", "dropout", "label_smoothing"}),
        (  # an amount without its odds does nothing
            {"augmentation": dataclasses.replace(IDENTITY, noise=9.0, blur_px=2.0)},
            {"learning_rate", "weight_decay", "dropout", "label_smoothing"},
        ),
        (
            {"epochs": 0, "pretrained": True, "head_epochs": 5},
            {"head_learning_rate", "weight_decay", "dropout"},
        ),
    ],
)
def test_what_a_recipe_leaves_out_is_not_searched(changes, names: set[str]) -> None:
    assert {setting.name for setting in search_space(dataclasses.replace(RECIPE, **changes))} == names


def test_the_recipes_own_settings_are_the_recipe() -> None:
    for name in ("clothing-best", "fashion-mnist-cnn", "clothing-quick"):
        recipe = load_recipe(name)
        own = {setting.name: setting.value for setting in search_space(recipe)}
        assert with_settings(recipe, own) == recipe


def test_strength_changes_how_far_and_not_how_often() -> None:
    plain = Augmentation(zoom_in=0.8, jpeg=90)
    half, more = strengthened(plain, 0.5), strengthened(plain, 1.5)
    assert (half.noise, more.noise) == (plain.noise / 2, plain.noise * 1.5)
    assert (more.zoom_in, more.jpeg) == (0.95, 100)
    for name in ("flip", "far_odds", "dark_odds", "odds", "surroundings"):
        assert getattr(half, name) == getattr(more, name) == getattr(plain, name)
    still = strengthened(plain, 0)
    assert (still.rotation_deg, still.occlusion, still.blur_px) == (0, 0, 0)


@pytest.mark.parametrize(("epochs", "short"), [(1, 1), (2, 1), (3, 1), (6, 2), (16, 5), (24, 8)])
def test_a_trial_is_a_third_of_a_run_with_its_schedule_drawn_together(epochs: int, short: int) -> None:
    recipe = dataclasses.replace(
        RECIPE, epochs=epochs, warmup_epochs=epochs / 4, norm_from_epoch=epochs, patience=2, stop_at_top1=0.9
    )
    trial = shortened(recipe)
    assert trial.epochs == short
    assert trial.warmup_epochs == pytest.approx(short / 4)
    assert 1 <= trial.norm_from_epoch <= short
    assert trial.patience is trial.stop_at_top1 is None


# --- searching, with the training replaced by a formula ----------------------------------------------------


@pytest.fixture
def plan(shapes_dataset: Path, tmp_path: Path) -> RunPlan:
    data = Path(shutil.copytree(shapes_dataset, tmp_path / "data"))
    for photo in (data / "test").rglob("*.png"):
        photo.write_bytes(b"a tuning that reads test photos fails on this")
    return RunPlan(data=data, out=tmp_path / "run", cache=tmp_path / "cache")


@pytest.fixture
def bowl(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, float]]:
    """Puts a formula with its minimum at dropout 0.4 in the place of training; returns what was tried."""
    tried: list[dict[str, float]] = []

    def measure(settings) -> Trial:
        tried.append(dict(settings))
        return Trial(settings, (settings["dropout"] - 0.4) ** 2 + 0.1, 0.5)

    monkeypatch.setattr(tuning, "_measure", lambda *_: measure)
    return tried


def rows(plan: RunPlan) -> list[dict[str, str]]:
    with (plan.out / "tuning" / "trials.csv").open() as file:
        return list(csv.DictReader(file))


def test_the_best_trial_becomes_the_recipe(plan: RunPlan, bowl, silent) -> None:
    best = tune(plan, FEW, 6, silent)
    assert len(bowl) == 6
    assert bowl[0] == {setting.name: setting.value for setting in search_space(FEW)}
    nearest = min(bowl, key=lambda settings: (settings["dropout"] - 0.4) ** 2)
    assert nearest != bowl[0]
    assert best == with_settings(FEW, nearest)
    assert best.epochs == FEW.epochs
    table = rows(plan)
    assert [int(row["trial"]) for row in table] == list(range(1, 7))
    for row, settings in zip(table, bowl, strict=True):
        assert {name: float(row[name]) for name in settings} == settings
        assert float(row["validation_loss"]) == (settings["dropout"] - 0.4) ** 2 + 0.1


def test_the_seed_says_what_is_proposed(plan: RunPlan, bowl, silent) -> None:
    for seed, out in ((0, "a"), (0, "b"), (5, "c")):
        changed = dataclasses.replace(plan, out=plan.out.parent / out)
        tune(changed, dataclasses.replace(FEW, seed=seed), 4, silent)
    first, again, other = bowl[:4], bowl[4:8], bowl[8:]
    assert first == again
    assert first[0] == other[0]
    assert first[1:] != other[1:]


@pytest.mark.parametrize(("finished", "trials"), [(0, 2), (1, 4), (4, 5)])
def test_an_interrupted_tuning_goes_on_as_if_nothing_had_been(
    finished: int, trials: int, plan: RunPlan, bowl, silent, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight = tune(dataclasses.replace(plan, out=plan.out.parent / "straight"), FEW, trials, silent)
    expected = bowl.copy()
    bowl.clear()
    measure = tuning._measure()

    def interrupted(settings) -> Trial:
        if len(bowl) == finished:
            raise KeyboardInterrupt
        return measure(settings)

    with monkeypatch.context() as patch:
        patch.setattr(tuning, "_measure", lambda *_: interrupted)
        with pytest.raises(TrainingError, match=f"{finished} finished trials are kept: .* --resume"):
            tune(plan, FEW, trials, silent)
    with pytest.raises(TrainingError, match="--resume, or start again with --overwrite"):
        tune(plan, FEW, trials, silent)
    assert tune(dataclasses.replace(plan, resume=True), FEW, trials, silent) == straight
    assert bowl == expected, "no trial twice, and the same ones"
    assert rows(plan) == rows(dataclasses.replace(plan, out=plan.out.parent / "straight"))
    bowl.clear()
    tune(dataclasses.replace(plan, overwrite=True), FEW, 1, silent)
    assert bowl == expected[:1], "overwriting begins anew"


def test_a_finished_tuning_is_only_read_and_may_be_taken_further(plan: RunPlan, bowl, silent) -> None:
    tune(plan, RECIPE, 3, silent)
    again = dataclasses.replace(plan, resume=True)
    tune(again, RECIPE, 3, silent)
    assert len(bowl) == 3
    tune(again, RECIPE, 5, silent)
    assert len(bowl) == 5


def test_trials_that_diverge_are_noted_and_passed_over(
    plan: RunPlan, silent, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measure(settings) -> Trial:
        return Trial(settings, 0.5, 0.5) if settings["dropout"] != FEW.dropout else Trial(settings)

    monkeypatch.setattr(tuning, "_measure", lambda *_: measure)
    best = tune(plan, FEW, 3, silent)
    assert best.dropout != FEW.dropout
    losses = [row["validation_loss"] for row in rows(plan)]
    assert losses[0] == ""
    assert "0.5" in losses


def test_when_all_diverge(plan: RunPlan, silent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "_measure", lambda *_: Trial)
    with pytest.raises(TrainingError, match="every trial diverged"):
        tune(plan, RECIPE, 5, silent)
    assert len(rows(plan)) == 5


def test_an_error_that_is_no_bad_trial_ends_the_search(
    plan: RunPlan, silent, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(settings) -> Trial:
        raise OutputError("the disk is full")

    monkeypatch.setattr(tuning, "_measure", lambda *_: full)
    with pytest.raises(OutputError, match="the disk is full"):
        tune(plan, RECIPE, 5, silent)


def test_nothing_of_the_libraries_reaches_the_terminal(plan: RunPlan, bowl, capfd) -> None:
    tune(plan, FEW, 5, Progress())
    printed = capfd.readouterr()
    assert printed.out == ""
    lines = printed.err.splitlines()
    assert [line for line in lines if not line.startswith(("trial ", "best of "))] == []


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda stored: stored.update(recipe={}), "trials of other settings"),
        (lambda stored: stored.update(dataset_sha256="0"), "trials on other photos"),
        (lambda stored: stored.update(trials=None), "cannot go on tuning"),
        (lambda stored: stored["trials"][0].update(settings=[1]), "cannot go on tuning"),
        (lambda stored: stored["trials"][0].update(validation_loss="low"), "cannot go on tuning"),
        (lambda stored: stored["trials"][1]["settings"].update(dropout=7.0), "would not propose"),
        (lambda stored: stored["trials"][1]["settings"].pop("dropout"), "would not propose"),
    ],
)
def test_a_record_that_does_not_fit_is_refused(
    spoil: Callable[[dict], object], message: str, plan: RunPlan, bowl, silent
) -> None:
    tune(plan, RECIPE, 3, silent)
    path = plan.out / "tuning" / "trials.json"
    stored = json.loads(path.read_text())
    spoil(stored)
    path.write_text(json.dumps(stored))
    with pytest.raises(TrainingError, match=message) as caught:
        tune(dataclasses.replace(plan, resume=True), RECIPE, 3, silent)
    assert "\n" not in str(caught.value)
    assert "--overwrite" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe", b"null"])
def test_a_record_that_is_none(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "trials.json").write_bytes(content)
    with pytest.raises(TrainingError, match="cannot go on tuning"):
        load_trials(tmp_path, RECIPE.as_dict(), "")


def test_of_equal_trials_the_first_is_best(tmp_path: Path) -> None:
    losses = (None, 0.3, 0.2, 0.2, 0.1)
    trials = Trials(tmp_path, {}, "", [Trial({}, loss, 0.5) for loss in losses])
    assert trials.best(4) == 2
    assert trials.best(5) == 4


def test_a_run_that_got_past_tuning_keeps_its_settings(plan: RunPlan, bowl, silent) -> None:
    run = RunFolder(plan.out)
    plan.out.mkdir()
    run.state.write_bytes(b"whatever was reached")
    assert tune(dataclasses.replace(plan, resume=True), RECIPE, 3, silent) is RECIPE
    assert bowl == []


def test_a_finished_run_is_not_tuned_over(plan: RunPlan, bowl, silent) -> None:
    plan.out.mkdir()
    RunFolder(plan.out).seal.write_text("{}")
    with pytest.raises(TrainingError, match="finished run"):
        tune(plan, RECIPE, 3, silent)
    assert bowl == []


# --- real trials -------------------------------------------------------------------------------------------


def test_trials_train_a_network_and_repeat_themselves(plan: RunPlan, silent) -> None:
    tune(plan, RECIPE, 2, silent)
    other = dataclasses.replace(plan, out=plan.out.parent / "again")
    tune(other, RECIPE, 2, silent)
    losses = [float(row["validation_loss"]) for row in rows(plan)]
    assert losses == pytest.approx([float(row["validation_loss"]) for row in rows(other)], abs=1e-4)
    assert losses[0] != losses[1]
    assert all(0 < loss < 3 for loss in losses)


def test_a_head_is_tuned_on_features(plan: RunPlan, silent, small_network, monkeypatch) -> None:
    monkeypatch.setattr(tuning, "build_network", lambda _recipe, labels: small_network(labels))
    recipe = Recipe(size_px=32, head_epochs=4, epochs=0, batch_size=5)
    best = tune(plan, recipe, 3, silent)
    table = rows(plan)
    assert set(table[0]) == {
        "trial", "head_learning_rate", "weight_decay", "dropout", "validation_loss", "validation_top1",
    }  # fmt: skip
    chosen = min(table, key=lambda row: float(row["validation_loss"]))
    assert best.head_learning_rate == float(chosen["head_learning_rate"])
    assert best.head_epochs == 4
    assert len({row["validation_loss"] for row in table}) > 1
    assert list((plan.cache / "features").iterdir()), "features are read once and kept"


def test_a_learning_rate_that_diverges_is_a_trial_without_a_loss(plan: RunPlan, silent) -> None:
    recipe = dataclasses.replace(RECIPE, learning_rate=1000.0, weight_decay=1000.0, epochs=30)
    with pytest.raises(TrainingError, match="every trial diverged"):
        tune(plan, recipe, 1, silent)


def unreadable_photo(plan: RunPlan) -> Recipe:
    (plan.data / "train" / "disc" / "00.png").write_bytes(b"no photo")
    return RECIPE


def no_teacher(plan: RunPlan) -> Recipe:
    return dataclasses.replace(RECIPE, teacher=str(plan.data))


def statistics_that_never_learn(plan: RunPlan) -> Recipe:
    return dataclasses.replace(RECIPE, backbone="residual", size_px=16, norm_from_epoch=None)


def ctrl_c(plan: RunPlan) -> Recipe:
    return RECIPE


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (unreadable_photo, DatasetError),
        (no_teacher, TrainingError),
        (statistics_that_never_learn, TrainingError),
        (ctrl_c, KeyboardInterrupt),
    ],
)
def test_overwriting_loses_nothing_where_no_trial_can_begin(
    spoil, error, plan: RunPlan, silent, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("run.json", "contract.json", "metrics.json", "report.html", "tuning/trials.json")
    for name in names:
        (plan.out / name).parent.mkdir(parents=True, exist_ok=True)
        (plan.out / name).write_text(f"{name} of the run before")
    recipe = spoil(plan)
    if spoil is ctrl_c:
        monkeypatch.setattr(tuning, "screened", lambda *_: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(error):
        tune(dataclasses.replace(plan, overwrite=True), recipe, 1, silent)
    for name in names:
        assert (plan.out / name).read_text() == f"{name} of the run before"


def test_overwriting_drops_the_run_before(plan: RunPlan, bowl, silent) -> None:
    plan.out.mkdir()
    for name in ("run.json", "report.html"):
        (plan.out / name).write_text("of the run before")
    tune(dataclasses.replace(plan, overwrite=True), FEW, 1, silent)
    assert [path.name for path in plan.out.iterdir()] == ["tuning"]
