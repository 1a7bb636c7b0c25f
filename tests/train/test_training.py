from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from click.testing import CliRunner

from hangtag.contract import ModelContract
from hangtag.errors import DatasetError, HangtagError, TrainingError
from hangtag.labelled_folder import read_split
from hangtag.metrics import evaluate
from hangtag.photos import read_photo
from hangtag.preprocess import preprocess
from hangtag_train import commands, fit, training
from hangtag_train.fit import HistoryRow
from hangtag_train.loading import predict
from hangtag_train.network import build_network
from hangtag_train.recipe import Recipe
from hangtag_train.report import draw_confusion, draw_curves
from hangtag_train.run_folder import RunFolder
from hangtag_train.training import check_photos, read_dataset, train

# --- a finished run ----------------------------------------------------------------------------------------


def test_a_finished_run_holds_all_its_files_and_no_others(finished_run) -> None:
    assert sorted(path.name for path in finished_run.path.iterdir()) == [
        "confusion_test.png",
        "confusion_validation.png",
        "contract.json",
        "curves.png",
        "history.csv",
        "metrics.json",
        "model.keras",
        "run.json",
    ]
    for picture in finished_run.path.glob("*.png"):
        assert min(read_photo(picture).shape[:2]) > 100


def test_the_contract_describes_the_run(finished_run, small_recipe: Recipe) -> None:
    contract = ModelContract.from_json((finished_run.path / "contract.json").read_bytes())
    assert contract.labels == ("disc", "square", "stripe")
    assert contract.name == "shapes"
    assert contract.input.shape == (1, 32, 32, 3)
    assert contract.provenance.backbone == "efficientnet-lite0"
    assert contract.provenance.versions["keras"] == keras.__version__
    assert contract.calibration.unknown_threshold is not None


def test_the_saved_model_reaches_the_metrics_that_were_written(finished_run, shapes_dataset, silent) -> None:
    contract = ModelContract.from_json((finished_run.path / "contract.json").read_bytes())
    model = keras.models.load_model(finished_run.path / "model.keras", compile=False, safe_mode=True)
    written = json.loads((finished_run.path / "metrics.json").read_text())
    assert set(written) == {"validation", "test"} == set(finished_run.evaluations)
    for name, metrics in written.items():
        split = read_split(shapes_dataset, name, contract.labels)
        tensors = np.concatenate(
            [preprocess(read_photo(photo.path), contract.input) for photo in split.photos]
        )
        scores = model.predict(tensors, verbose=0)
        np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)
        found = evaluate(scores, np.array(split.targets), contract.labels)
        assert metrics["photos"] == found.photos
        assert metrics["top1"] == found.top1
        assert metrics["confusion"] == [list(row) for row in found.confusion]
        assert metrics["calibration_error"] == pytest.approx(found.calibration_error, abs=1e-4)
        assert metrics["negative_log_likelihood"] == pytest.approx(found.negative_log_likelihood, abs=1e-4)


def test_the_saved_model_keeps_the_statistics_of_the_imagenet_weights(finished_run, small_recipe) -> None:
    model = keras.models.load_model(finished_run.path / "model.keras", compile=False)
    fresh = build_network(small_recipe, 3).features
    for layer in fresh.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            trained = model.get_layer(layer.name)
            np.testing.assert_array_equal(trained.moving_mean, layer.moving_mean)
            np.testing.assert_array_equal(trained.moving_variance, layer.moving_variance)
    stem = model.get_layer("stem_conv").kernel
    assert not np.array_equal(stem, fresh.get_layer("stem_conv").kernel), "nothing was fine-tuned"


def test_the_unknown_threshold_lets_the_known_pass(finished_run, shapes_dataset, silent) -> None:
    contract = ModelContract.from_json((finished_run.path / "contract.json").read_bytes())
    model = keras.models.load_model(finished_run.path / "model.keras", compile=False)
    scores = predict(model, read_split(shapes_dataset, "validation"), contract.input, silent)
    assert (scores.max(axis=1) >= contract.calibration.unknown_threshold - 1e-4).mean() >= 0.9


@pytest.mark.parametrize(("best", "threshold"), [(0.99998, 0.5), (0.5, 0.5), (0.45678, 0.4567), (0.3, 0.3)])
def test_a_threshold_is_rounded_down_and_never_above_a_half(best: float, threshold: float) -> None:
    scores = np.array([[best, *[(1 - best) / 9] * 9]] * 9)
    assert training._unknown_threshold(scores) == pytest.approx(threshold, abs=1e-9)
    assert training._unknown_threshold(scores) <= best


def test_the_history_has_a_row_per_epoch_of_both_phases(finished_run) -> None:
    with (finished_run.path / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["phase"], row["epoch"]) for row in rows] == [
        ("head", "1"),
        ("head", "2"),
        ("head", "3"),
        ("fine-tune", "1"),
        ("fine-tune", "2"),
    ]
    assert all(float(row["train_loss"]) > 0 and 0 <= float(row["validation_top1"]) <= 1 for row in rows)


def test_the_seal_names_what_was_made_from_what(finished_run, shapes_dataset, small_recipe: Recipe) -> None:
    seal = json.loads((finished_run.path / "run.json").read_text())
    for name, digest in seal["sha256"].items():
        assert hashlib.sha256((finished_run.path / name).read_bytes()).hexdigest() == digest
    assert set(seal["sha256"]) == {"model.keras", "contract.json"}
    assert seal["photos"] == {"train": 18, "validation": 12, "test": 6}
    assert seal["recipe"] == json.loads(json.dumps(small_recipe.as_dict()))


def test_shapes_are_told_apart(finished_run) -> None:
    # Chance is one third: a network whose weights, labels or photos were mixed up stays there.
    assert finished_run.evaluations["validation"].top1 >= 0.6


# --- interrupted and resumed -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def interrupted_run(shapes_dataset, small_recipe, silent, tmp_path_factory) -> Path:
    """A run that Ctrl-C reached in its second epoch."""
    path = tmp_path_factory.mktemp("runs") / "interrupted"

    class CtrlC(fit._RunningAverage):
        def on_train_batch_end(self, batch: int, logs=None) -> None:
            super().on_train_batch_end(batch, logs)
            if (path / "training_state.npz").exists():
                raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "_RunningAverage", CtrlC)
        with pytest.raises(KeyboardInterrupt):
            train(shapes_dataset, path, small_recipe, silent)
    return path


@pytest.fixture
def interrupted(interrupted_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(interrupted_run, tmp_path / "run"))


def test_an_interrupted_run_keeps_its_finished_epochs_and_is_not_sealed(interrupted: Path) -> None:
    assert sorted(path.name for path in interrupted.iterdir()) == ["history.csv", "training_state.npz"]


def test_an_interrupted_run_is_not_started_over_unasked(
    interrupted: Path, shapes_dataset, small_recipe, silent
) -> None:
    with pytest.raises(TrainingError, match=r"interrupted run: go on with --resume, or .* --overwrite"):
        train(shapes_dataset, interrupted, small_recipe, silent)
    assert (interrupted / "training_state.npz").exists()


def test_a_resumed_run_ends_where_an_uninterrupted_one_does(
    interrupted: Path, finished_run, shapes_dataset, small_recipe, silent
) -> None:
    keras.utils.set_random_seed(4711)
    evaluations = train(shapes_dataset, interrupted, small_recipe, silent, resume=True)
    assert sorted(path.name for path in interrupted.iterdir()) == sorted(
        path.name for path in finished_run.path.iterdir()
    )
    models = [keras.models.load_model(path / "model.keras") for path in (interrupted, finished_run.path)]
    for resumed, straight in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        np.testing.assert_allclose(resumed, straight, rtol=1e-3, atol=1e-4)
    for name, evaluation in finished_run.evaluations.items():
        assert evaluations[name].confusion == evaluation.confusion


@pytest.mark.parametrize(
    ("change", "message"), [({"seed": 2}, "begun with other settings"), ({"epochs": 5}, "other settings")]
)
def test_a_run_is_not_resumed_with_other_settings(
    change, message: str, interrupted: Path, shapes_dataset, small_recipe, silent
) -> None:
    recipe = dataclasses.replace(small_recipe, **change)
    with pytest.raises(TrainingError, match=message):
        train(shapes_dataset, interrupted, recipe, silent, resume=True)


def test_a_run_is_not_resumed_with_other_photos(
    interrupted: Path, shapes_dataset, small_recipe, silent, tmp_path: Path
) -> None:
    other = Path(shutil.copytree(shapes_dataset, tmp_path / "other"))
    (other / "train" / "disc" / "00.png").unlink()
    with pytest.raises(TrainingError, match="begun with other photos"):
        train(other, interrupted, small_recipe, silent, resume=True)


# --- a folder with a run in it -----------------------------------------------------------------------------


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_finished_run_is_not_overwritten_unasked(
    finished_run, shapes_dataset, small_recipe, silent
) -> None:
    before = contents(finished_run.path)
    with pytest.raises(TrainingError, match=r"finished run: choose another --out, or .* --overwrite"):
        train(shapes_dataset, finished_run.path, small_recipe, silent)
    with pytest.raises(TrainingError, match="no interrupted run to resume"):
        train(shapes_dataset, finished_run.path, small_recipe, silent, resume=True)
    assert contents(finished_run.path) == before


def test_overwriting_with_broken_photos_loses_nothing(
    finished_run, shapes_dataset, small_recipe, silent, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(finished_run.path, tmp_path / "run"))
    data = Path(shutil.copytree(shapes_dataset, tmp_path / "data"))
    (data / "train" / "disc" / "00.png").write_bytes(b"no photo")
    with pytest.raises(DatasetError):
        train(data, run, small_recipe, silent, overwrite=True)
    assert contents(run) == contents(finished_run.path)


def test_overwriting_clears_what_no_longer_holds(finished_run, tmp_path: Path) -> None:
    run = RunFolder(Path(shutil.copytree(finished_run.path, tmp_path / "run")))
    run.prepare(resume=False, overwrite=True)
    assert run.seal.exists(), "preparing changes nothing yet"
    run.clear()
    assert not run.seal.exists()
    assert not run.metrics.exists()
    assert not list(run.path.glob("confusion_*.png"))
    run.prepare(resume=False, overwrite=False)


def test_an_out_folder_that_cannot_be(shapes_dataset, small_recipe, silent, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(HangtagError, match="cannot write into"):
        train(shapes_dataset, tmp_path / "file", small_recipe, silent)


# --- data sets that cannot be trained on -------------------------------------------------------------------


@pytest.fixture
def data(shapes_dataset: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(shapes_dataset, tmp_path / "data"))


def one_label(data: Path) -> None:
    for label in ("disc", "square"):
        shutil.rmtree(data / "train" / label)


def empty_class(data: Path) -> None:
    (data / "train" / "triangle").mkdir()


def no_validation(data: Path) -> None:
    shutil.rmtree(data / "validation")


def stranger(data: Path) -> None:
    shutil.copytree(data / "train" / "disc", data / "validation" / "sock")


def few_photos(data: Path) -> None:
    for label in ("disc", "square"):
        shutil.rmtree(data / "validation" / label)
    for photo in sorted((data / "validation" / "stripe").iterdir())[2:]:
        photo.unlink()


def padded_label(data: Path) -> None:
    (data / "train" / "disc").rename(data / "train" / "disc ")


def label_of_two_lines(data: Path) -> None:
    (data / "train" / "disc").rename(data / "train" / "di\nsc")


def label_not_utf8(data: Path) -> None:
    (data / "train" / "disc").rename(data / "train" / os.fsdecode(b"d\xefsc"))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (one_label, "holds one label, 'stripe'"),
        (empty_class, "triangle holds no image"),
        (no_validation, "has no folder 'validation'"),
        (stranger, "not labels of the model: sock"),
        (few_photos, "holds 2 photos for 3 labels"),
        (padded_label, "cannot be a label"),
        (label_of_two_lines, "cannot be a label"),
        (label_not_utf8, "cannot be a label"),
    ],
)
def test_a_data_set_that_cannot_work_is_one_clear_line_before_training(
    spoil: Callable[[Path], None], message: str, data: Path, small_recipe, silent, tmp_path: Path
) -> None:
    spoil(data)
    with pytest.raises(DatasetError) as caught:
        train(data, tmp_path / "run", small_recipe, silent)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("inside", ["train", "train/disc"])
def test_a_folder_too_deep(inside: str, data: Path, small_recipe, silent, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=f"give the folder .*above it: {data}$"):
        train(data / inside, tmp_path / "run", small_recipe, silent)


def test_broken_photos_are_counted_and_the_first_named(data: Path, silent) -> None:
    for number in range(5):
        photo = data / "train" / "disc" / f"{number:02}.png"
        photo.write_bytes(photo.read_bytes()[:100])
    with pytest.raises(DatasetError) as caught:
        check_photos(read_dataset(data), silent)
    message = str(caught.value)
    assert message.startswith("5 of 36 photos cannot be used")
    assert "disc/00.png is cut short" in message
    assert message.endswith("and 2 more")
    assert "\n" not in message


def test_a_data_set_without_test_photos_is_fine(data: Path) -> None:
    shutil.rmtree(data / "test")
    assert [split.path.name for split in read_dataset(data).splits] == ["train", "validation"]


def test_a_name_that_no_contract_can_hold_is_refused_before_training(
    data: Path, small_recipe, silent, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match="not valid Unicode"):
        train(data, tmp_path / "run", dataclasses.replace(small_recipe, model_name="\udcff"), silent)


# --- the command -------------------------------------------------------------------------------------------


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch, finished_run) -> list[tuple]:
    calls: list[tuple] = []

    def run_training(data, out, recipe, progress, *, resume, overwrite):
        calls.append((data, out, recipe, resume, overwrite))
        return finished_run.evaluations

    monkeypatch.setattr(training, "train", run_training)
    return calls


def run_command(*arguments: str):
    return CliRunner().invoke(commands.train, arguments)


@pytest.mark.parametrize(
    ("options", "changes"),
    [
        ([], {}),
        (["--size", "64"], {"size_px": 64}),
        (["--epochs", "0"], {"epochs": 0}),
        (["--batch-size", "8", "--seed", "0"], {"batch_size": 8, "seed": 0}),
        (["--learning-rate", "0.01", "--name", "socks"], {"learning_rate": 0.01, "model_name": "socks"}),
        (["--seed", str(2**32 - 1)], {"seed": 2**32 - 1}),
    ],
)
def test_options_change_the_recipe_and_nothing_else(options, changes, called) -> None:
    result = run_command("photos", "--out", "run", *options)
    assert result.exit_code == 0, result.output
    assert called == [(Path("photos"), Path("run"), dataclasses.replace(Recipe(), **changes), False, False)]


@pytest.mark.parametrize(
    "options",
    [
        ["photos"],
        ["photos", "--out", "run", "--size", "31"],
        ["photos", "--out", "run", "--epochs", "-1"],
        ["photos", "--out", "run", "--batch-size", "0"],
        ["photos", "--out", "run", "--learning-rate", "0"],
        ["photos", "--out", "run", "--seed", "-1"],
        ["photos", "--out", "run", "--seed", str(2**32)],
        ["photos", "--out", "run", "--size", "many"],
    ],
)
def test_usage_errors_exit_with_2(options: list[str], called) -> None:
    assert run_command(*options).exit_code == 2
    assert called == []


def test_results_are_printed_with_the_run_folder_on_stderr(called, finished_run) -> None:
    result = run_command("photos", "--out", "run")
    top1 = finished_run.evaluations["validation"].top1
    assert f"{top1:.4f}" in result.stdout
    assert "validation" in result.stdout
    assert "test" in result.stdout
    assert result.stderr.endswith("run folder: run\n")


@pytest.mark.parametrize("finished_an_epoch", [True, False])
def test_an_interruption_says_what_is_kept(
    finished_an_epoch: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def run_training(*_arguments, **_options) -> None:
        if finished_an_epoch:
            (tmp_path / "training_state.npz").write_bytes(b"")
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "train", run_training)
    result = run_command("photos", "--out", str(tmp_path))
    assert isinstance(result.exception, TrainingError)
    assert ("--resume" in str(result.exception)) == finished_an_epoch
    assert str(tmp_path) in str(result.exception)


# --- pictures ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phases", [["head"], ["fine-tune"], ["head", "fine-tune", "fine-tune"]])
def test_curves_of_any_history(phases: list[str], tmp_path: Path) -> None:
    history = [HistoryRow(phase, number, 0.5, 0.6, 0.7, 0.8, 1.0) for number, phase in enumerate(phases)]
    draw_curves(history, tmp_path / "curves.png")
    assert read_photo(tmp_path / "curves.png").shape[1] > 500


def test_labels_are_text_not_mathematics(tmp_path: Path) -> None:
    labels = ["$\\nonsense{$", "under_score^2", "100 %", "<b>"]
    evaluation = evaluate(np.eye(4), np.arange(4), labels)
    draw_confusion(evaluation, "validation", tmp_path / "confusion.png")
    assert (tmp_path / "confusion.png").stat().st_size > 1000
