from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import hangtag_train.datasets
import hangtag_train.training
from hangtag.errors import HangtagError, TrainingError
from hangtag_train import commands, lr_sweep
from hangtag_train.augment import IDENTITY
from hangtag_train.datasets import PreparedDataset
from hangtag_train.recipe import Recipe, load_recipe, recipe_names
from hangtag_train.state import State
from hangtag_train.training import RunPlan


@dataclasses.dataclass
class Calls:
    plans: list[RunPlan] = dataclasses.field(default_factory=list)
    recipes: list[Recipe] = dataclasses.field(default_factory=list)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, course_run) -> Calls:
    """Notes what would be trained."""
    noted = Calls()

    def run_training(plan: RunPlan, recipe: Recipe, progress: object) -> Any:
        noted.plans.append(plan)
        noted.recipes.append(recipe)
        return course_run.evaluation

    def prepare(source: str, options: object, progress: object) -> PreparedDataset:
        return PreparedDataset(Path(source), source, {"given": source})

    monkeypatch.setattr(hangtag_train.training, "train", run_training)
    monkeypatch.setattr(hangtag_train.datasets, "prepare", prepare)
    return noted


def run_command(*arguments: str) -> Result:
    return CliRunner().invoke(commands.train, [*arguments])


def test_without_a_recipe_it_is_the_default(calls: Calls) -> None:
    result = run_command("photos", "--out", "run")
    assert result.exit_code == 0, result.output
    assert calls.recipes == [load_recipe("clothing-best")]
    plan = calls.plans[0]
    assert (plan.data, plan.out, plan.source) == (Path("photos"), Path("run"), {"given": "photos"})
    assert (plan.resume, plan.overwrite, plan.tensorboard) == (False, False, False)


@pytest.mark.parametrize(
    ("options", "changes"),
    [
        (["--size", "64"], {"size_px": 64}),
        (["--epochs", "0"], {"epochs": 0}),
        (["--head-epochs", "7"], {"head_epochs": 7}),
        (["--batch-size", "8", "--seed", "0"], {"batch_size": 8, "seed": 0}),
        (["--learning-rate", "0.01", "--name", "socks"], {"learning_rate": 0.01, "model_name": "socks"}),
        (["--seed", str(2**32 - 1)], {"seed": 2**32 - 1}),
        (["--backbone", "mlp", "--fresh-weights"], {"backbone": "mlp", "pretrained": False}),
        (["--colour", "grey", "--output", "sigmoid"], {"colour": "grey", "output": "sigmoid"}),
        (["--optimizer", "sgd", "--schedule", "step"], {"optimizer": "sgd", "schedule": "step"}),
        (["--mixup", "0.2", "--cutmix", "1"], {"mixup": 0.2, "cutmix": 1.0}),
        (["--average", "0", "--dropout", "0.5"], {"average_momentum": 0.0, "dropout": 0.5}),
        (["--label-smoothing", "0", "--weight-decay", "0"], {"label_smoothing": 0.0, "weight_decay": 0.0}),
        (["--warmup-epochs", "0.5"], {"warmup_epochs": 0.5}),
        (["--frozen-blocks", "4", "--norm-from-epoch", "3"], {"frozen_blocks": 4, "norm_from_epoch": 3}),
        (["--teacher", "runs/big", "--teacher-share", "0.9"], {"teacher": "runs/big", "teacher_share": 0.9}),
        (["--patience", "3", "--stop-at", "0.9"], {"patience": 3, "stop_at_top1": 0.9}),
        (["--class-weights"], {"class_weights": True}),
        (["--mixed-precision", "--deterministic"], {"mixed_precision": True, "deterministic": True}),
        (["--no-augmentation"], {"augmentation": IDENTITY}),
        (["--set", "step_epochs=2", "--set", "momentum = 0"], {"step_epochs": 2, "momentum": 0}),
        (["--set", "patience=none", "--set", "pretrained=true"], {}),
        (["--set", "blocks=0-9"], {"blocks": "0-9"}),
        (["--set", "blocks=0", "--set", "model_name=501"], {"blocks": "0", "model_name": "501"}),
        (["--set", "blocks=None", "--set", "model_name=true"], {"blocks": None, "model_name": "true"}),
    ],
)
def test_options_change_the_recipe_and_nothing_else(
    options: list[str], changes: dict[str, Any], calls: Calls
) -> None:
    result = run_command("photos", "--out", "run", "--recipe", "clothing-large", *options)
    assert result.exit_code == 0, (result.output, result.exception)
    assert calls.recipes == [dataclasses.replace(load_recipe("clothing-large"), **changes)]


@pytest.mark.parametrize(
    "options",
    [
        ["--no-augmentation", "--set", "augmentation.flip=0.5"],
        ["--set", "augmentation.flip=0.5", "--no-augmentation"],
    ],
)
def test_one_variation_alone_can_be_asked_for(options: list[str], calls: Calls) -> None:
    assert run_command("photos", "--out", "run", *options).exit_code == 0
    assert calls.recipes[0].augmentation == dataclasses.replace(IDENTITY, flip=0.5)


def test_one_variation_can_be_changed(calls: Calls) -> None:
    assert run_command("photos", "--out", "run", "--set", "augmentation.noise=0").exit_code == 0
    default = load_recipe("clothing-best")
    assert calls.recipes[0].augmentation == dataclasses.replace(default.augmentation, noise=0)


def test_what_is_given_does_not_outlive_the_command(calls: Calls) -> None:
    run_command("photos", "--out", "run", "--epochs", "3")
    run_command("photos", "--out", "run")
    assert [recipe.epochs for recipe in calls.recipes] == [3, load_recipe("clothing-best").epochs]


@pytest.mark.parametrize(
    "options",
    [
        ["photos"],
        ["photos", "--out", "run", "--size", "7"],
        ["photos", "--out", "run", "--epochs", "-1"],
        ["photos", "--out", "run", "--batch-size", "0"],
        ["photos", "--out", "run", "--learning-rate", "0"],
        ["photos", "--out", "run", "--seed", "-1"],
        ["photos", "--out", "run", "--seed", str(2**32)],
        ["photos", "--out", "run", "--size", "many"],
        ["photos", "--out", "run", "--optimizer", "lion"],
        ["photos", "--out", "run", "--set", "epochs"],
        ["photos", "--out", "run", "--lr-sweep", "--tune", "3"],
        ["photos", "--out", "run", "--tune", "0"],
    ],
)
def test_usage_errors_exit_with_2(options: list[str], calls: Calls) -> None:
    assert run_command(*options).exit_code == 2
    assert calls.plans == []


@pytest.mark.parametrize(
    ("options", "idle"),
    [
        (["--recipe", "clothing-quick", "--learning-rate", "7"], "learning_rate would change nothing"),
        (["--recipe", "clothing-quick", "--teacher", "runs/nothing"], "teacher would"),
        (["--epochs", "0", "--mixup", "0.2", "--no-augmentation"], "augmentation, mixup would"),
        (["--epochs", "0", "--set", "augmentation.noise=0"], "augmentation would"),
        (["--head-epochs", "0", "--set", "head_learning_rate=0.1"], "head_learning_rate would"),
        (
            ["--recipe", "clothing-quick", "--lr-sweep"],
            "learning rate of fine-tuning",
        ),
    ],
)
def test_an_option_that_would_change_nothing_is_refused(options: list[str], idle: str, calls: Calls) -> None:
    result = run_command("photos", "--out", "run", *options)
    assert result.exit_code == 2
    assert idle in result.stderr
    assert calls.plans == []


def test_what_is_misspelt_is_said_before_tensorflow_is_loaded() -> None:
    script = (
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from hangtag_train.commands import train\n"
        "result = CliRunner().invoke(train, ['photos', '--recipe', 'clothing-quik', '--out', 'run'])\n"
        "print('tensorflow' in sys.modules, result.exception)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("False there is no recipe 'clothing-quik'")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--recipe", "no-such"], "there is no recipe 'no-such'; wanted one of"),
        (["--recipe", "clothing-quik"], "no recipe 'clothing-quik' (did you mean clothing-quick?); wanted"),
        (["--set", "no_such=1"], "no setting 'no_such'; wanted some of"),
        (["--set", "learn_rate=1"], "no setting 'learn_rate' (did you mean learning_rate?)"),
        (["--set", "noise=0"], "no setting 'noise' (did you mean augmentation.noise?)"),
        (["--set", "augmentation.nois=0"], "no setting 'nois' (did you mean noise?)"),
        (["--set", "epochs=many"], "setting epochs is 'many'; wanted int"),
        (["--set", "epochs=-3"], "epochs is -3"),
        (["--set", "augmentation.no_such=1"], "augmentation has no setting 'no_such'"),
        (["--set", "augmentation=1"], "wanted a table"),
        (["--warmup-epochs", "inf"], "warmup_epochs is inf"),
        (["--label-smoothing", "1"], "label_smoothing is 1"),
    ],
)
def test_settings_that_cannot_be_are_one_line(options: list[str], message: str, calls: Calls) -> None:
    result = run_command("photos", "--out", "run", *options)
    assert isinstance(result.exception, HangtagError), result.output
    assert message in str(result.exception)
    assert "\n" not in str(result.exception)
    assert calls.plans == []


def test_recipes_are_listed_without_anything_else_given() -> None:
    result = run_command("--list-recipes")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(recipe_names())
    for line in lines:
        assert load_recipe(line.split()[0]).about in line
    assert [line.split()[0] for line in lines if "when none is named" in line] == ["clothing-best"]


def test_results_are_printed_with_the_run_folder_on_stderr(calls: Calls, course_run) -> None:
    result = run_command("photos", "--out", "run")
    assert f"top-1 {course_run.evaluation.top1:.4f}" in result.stdout
    assert result.stdout.count("\n") == 1
    assert "run folder: run" in result.stderr


@pytest.mark.parametrize("finished_an_epoch", [True, False])
def test_an_interruption_says_what_is_kept(
    finished_an_epoch: bool, calls: Calls, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def run_training(*_arguments: object) -> None:
        if finished_an_epoch:
            (tmp_path / "training_state.npz").write_bytes(b"")
        raise KeyboardInterrupt

    monkeypatch.setattr(hangtag_train.training, "train", run_training)
    result = run_command("photos", "--out", str(tmp_path))
    assert isinstance(result.exception, TrainingError)
    assert ("--resume" in str(result.exception)) == finished_an_epoch
    assert str(tmp_path) in str(result.exception)


# --- resuming ----------------------------------------------------------------------------------------------


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """A run that was begun with settings of its own."""
    state = State([], [], [], [])
    recipe = load_recipe("clothing-quick").changed({"epochs": 5, "seed": 9})
    state.save(tmp_path / "training_state.npz", recipe, "digest")
    return tmp_path


def test_resuming_takes_the_settings_that_the_run_was_begun_with(begun: Path, calls: Calls) -> None:
    result = run_command("photos", "--out", str(begun), "--resume")
    assert result.exit_code == 0, result.exception
    assert calls.recipes == [load_recipe("clothing-quick").changed({"epochs": 5, "seed": 9})]
    assert calls.plans[0].resume


def test_the_same_command_with_resume_goes_on(begun: Path, calls: Calls) -> None:
    options = ["--recipe", "clothing-quick", "--epochs", "5", "--seed", "9", "--resume"]
    assert run_command("photos", "--out", str(begun), *options).exit_code == 0
    assert calls.recipes == [load_recipe("clothing-quick").changed({"epochs": 5, "seed": 9})]


def test_a_run_is_not_resumed_with_another_recipe(begun: Path, calls: Calls) -> None:
    result = run_command("photos", "--out", str(begun), "--resume", "--recipe", "clothing-best")
    assert isinstance(result.exception, TrainingError)
    assert "begun with the recipe clothing-quick, not clothing-best" in str(result.exception)
    assert calls.plans == []


def test_a_run_killed_before_its_first_state_takes_the_settings_given(tmp_path: Path, calls: Calls) -> None:
    result = run_command("photos", "--out", str(tmp_path), "--resume", "--recipe", "clothing-quick")
    assert result.exit_code == 0
    assert calls.recipes == [load_recipe("clothing-quick")]


# --- other questions ---------------------------------------------------------------------------------------


def test_a_sweep_prints_what_it_suggests_and_trains_nothing(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = lr_sweep.Sweep(0.00123, (1e-3,), (1.0,), Path("run/lr_sweep.png"))
    monkeypatch.setattr(lr_sweep, "sweep", lambda _plan, _recipe, _progress: found)
    result = run_command("photos", "--out", "run", "--lr-sweep")
    assert result.stdout == "suggested --learning-rate 0.0012\n"
    assert "run/lr_sweep.png" in result.stderr
    assert calls.plans == []


def test_training_without_photos_is_refused(tmp_path: Path) -> None:
    result = run_command("--out", str(tmp_path / "run"))
    assert isinstance(result.exception, TrainingError)
    assert "only --recipe imagenet does without" in str(result.exception)
    assert run_command("--recipe", "imagenet", "--out", str(tmp_path / "run"), "--resume").exit_code == 2
