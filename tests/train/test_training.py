"""What a training leaves behind: its run folder, for every kind of run."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest
from tiny_run import QUIET, contents, names_in, train_run

from hangtag import readable
from hangtag.contract import ColourOrder, ModelContract, OutputKind
from hangtag.errors import DatasetError, HangtagError, TrainingError
from hangtag.labelled_folder import read_split
from hangtag.metrics import evaluate
from hangtag.photos import read_photo
from hangtag.preprocess import preprocess
from hangtag.progress import Progress
from hangtag.run_seal import read_run
from hangtag.scoring import score_photos
from hangtag_train import loading
from hangtag_train.backbones import efficientnet_lite
from hangtag_train.evaluation import open_scorer
from hangtag_train.network import build_network
from hangtag_train.recipe import Recipe, load_recipe
from hangtag_train.run_folder import RunFolder

# --- a finished run ----------------------------------------------------------------------------------------


def contract_of(run: Path) -> ModelContract:
    return ModelContract.from_json((run / "contract.json").read_bytes())


def test_a_finished_run_is_whole_and_holds_nothing_unfinished(finished_run) -> None:
    wanted = {"contract.json", "history.csv", "metrics.json", "model.keras", "run.json"}
    assert wanted <= names_in(finished_run.path)
    assert not [name for name in names_in(finished_run.path) if name.startswith(".")]
    assert "training_state.npz" not in names_in(finished_run.path)


def test_the_contract_describes_the_run(finished_run) -> None:
    contract = contract_of(finished_run.path)
    assert contract.labels == ("disc", "square", "stripe")
    assert contract.name == "shapes"
    assert contract.input.shape == (1, 32, 32, 3)
    assert contract.output.kind is OutputKind.SOFTMAX
    assert contract.provenance.backbone == "efficientnet-lite0"
    assert contract.provenance.versions["keras"] == keras.__version__
    assert contract.calibration.unknown_threshold is not None


def test_the_saved_model_reaches_the_metrics_that_were_written(finished_run, shapes_dataset) -> None:
    contract = contract_of(finished_run.path)
    model = keras.models.load_model(finished_run.path / "model.keras", compile=False, safe_mode=True)
    written = json.loads((finished_run.path / "metrics.json").read_text())
    assert set(written) == {"validation"}, "test photos are not looked at"
    split = read_split(shapes_dataset, "validation", contract.labels)
    tensors = np.concatenate([preprocess(read_photo(photo.path), contract.input) for photo in split.photos])
    scores = np.asarray(model.predict_on_batch(tensors))
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)
    found = evaluate(scores, np.array(split.targets), contract.labels)
    metrics = written["validation"]
    assert metrics["photos"] == found.photos
    assert metrics["top1"] == found.top1 == finished_run.evaluation.top1
    assert metrics["confusion"] == [list(row) for row in found.confusion]
    assert metrics["calibration_error"] == pytest.approx(found.calibration_error, abs=1e-4)
    assert metrics["negative_log_likelihood"] == pytest.approx(found.negative_log_likelihood, abs=1e-4)


def test_the_saved_model_keeps_the_statistics_of_the_imagenet_weights(finished_run) -> None:
    model = keras.models.load_model(finished_run.path / "model.keras", compile=False)
    fresh = efficientnet_lite.build(efficientnet_lite.VARIANTS["efficientnet-lite0"], 32)
    for layer in fresh.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            trained = model.get_layer(layer.name)
            np.testing.assert_array_equal(trained.moving_mean, layer.moving_mean)
            np.testing.assert_array_equal(trained.moving_variance, layer.moving_variance)
    stem = model.get_layer("stem_conv").kernel
    assert not np.array_equal(stem, fresh.get_layer("stem_conv").kernel), "nothing was fine-tuned"


def test_the_unknown_threshold_lets_the_known_pass(finished_run, shapes_dataset) -> None:
    scorer = open_scorer(finished_run.path)
    scores = score_photos(scorer, read_split(shapes_dataset, "validation"), QUIET)
    threshold = scorer.contract.calibration.unknown_threshold
    assert threshold is not None
    assert (scores.max(axis=1) >= threshold - 1e-4).mean() >= 0.9


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
    for row in rows:
        assert float(row["train_loss"]) > 0
        assert 0 <= float(row["validation_top1"]) <= 1
        assert 0 <= float(row["waiting_share"]) <= 1
        assert float(row["learning_rate"]) > 0


def test_the_seal_names_what_was_made_from_what(finished_run, shapes_dataset, small_recipe: Recipe) -> None:
    seal = json.loads((finished_run.path / "run.json").read_text())
    for name, digest in seal["sha256"].items():
        assert hashlib.sha256((finished_run.path / name).read_bytes()).hexdigest() == digest
    assert set(seal["sha256"]) == {"model.keras", "contract.json"}
    assert seal["photos"] == {"train": 18, "validation": 12, "test": 6}
    assert seal["recipe"] == json.loads(json.dumps(small_recipe.as_dict()))
    assert seal["skipped"] == []
    assert read_run(finished_run.path).data == shapes_dataset


def test_shapes_are_told_apart(finished_run) -> None:
    # Chance is one third: a network whose weights, labels or photos were mixed up stays there.
    assert finished_run.evaluation.top1 >= 0.6


def test_test_photos_are_never_looked_at(
    shapes_dataset: Path, course_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    for module in (loading, readable):
        monkeypatch.setattr(module, "read_photo", lambda path: opened.append(path) or read_photo(path))
    train_run(shapes_dataset, tmp_path / "run", dataclasses.replace(course_recipe, epochs=1))
    assert opened
    assert not [path for path in opened if "test" in path.relative_to(shapes_dataset).parts]


# --- kinds of runs -----------------------------------------------------------------------------------------


def test_two_labels_by_one_sigmoid_unit(data: Path, course_recipe: Recipe, tmp_path: Path) -> None:
    for split in ("train", "validation", "test"):
        shutil.rmtree(data / split / "stripe")
    recipe = dataclasses.replace(course_recipe, output="sigmoid", epochs=6, class_weights=True)
    evaluation = train_run(data, tmp_path / "run", recipe)
    contract = contract_of(tmp_path / "run")
    assert contract.output.kind is OutputKind.SIGMOID
    assert contract.labels == ("disc", "square")
    model = keras.models.load_model(tmp_path / "run" / "model.keras", compile=False)
    assert model.output_shape == (None, 1)
    split = read_split(data, "validation")
    tensors = np.concatenate([preprocess(read_photo(photo.path), contract.input) for photo in split.photos])
    square = np.asarray(model.predict_on_batch(tensors))[:, 0]
    assert evaluation.top1 == pytest.approx(((square > 0.5) == np.array(split.targets)).mean())
    scores = score_photos(open_scorer(tmp_path / "run"), split, QUIET)
    np.testing.assert_allclose(scores, np.stack([1 - square, square], axis=1), atol=1e-5)
    assert evaluation.top1 > 0.5


def test_small_grey_pictures(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    for split, count in (("train", 12), ("validation", 6)):
        for label, level in (("dark", 40), ("light", 200), ("middle", 120)):
            folder = tmp_path / "data" / split / label
            folder.mkdir(parents=True)
            for number in range(count):
                image = rng.normal(level, 8, (28, 28)).clip(0, 255).astype(np.uint8)
                assert cv2.imwrite(str(folder / f"{number}.png"), image)
    recipe = load_recipe("fashion-mnist-cnn").changed({"epochs": 12, "batch_size": 6, "learning_rate": 3e-3})
    evaluation = train_run(tmp_path / "data", tmp_path / "run", recipe)
    contract = contract_of(tmp_path / "run")
    assert contract.input.colour_order is ColourOrder.GREY
    assert contract.input.shape == (1, 28, 28, 1)
    assert evaluation.top1 > 0.9


def test_frozen_blocks_end_as_they_began(shapes_dataset: Path, course_recipe: Recipe, tmp_path: Path) -> None:
    recipe = dataclasses.replace(course_recipe, frozen_blocks=1, epochs=1)
    keras.utils.set_random_seed(recipe.seed)
    begun = build_network(recipe, 3).features
    train_run(shapes_dataset, tmp_path / "run", recipe)
    model = keras.models.load_model(tmp_path / "run" / "model.keras", compile=False)
    np.testing.assert_array_equal(model.get_layer("conv1").kernel, begun.get_layer("conv1").kernel)
    assert not np.array_equal(model.get_layer("conv2").kernel, begun.get_layer("conv2").kernel)


def test_a_run_can_be_taught_by_another(
    course_run, shapes_dataset: Path, course_recipe: Recipe, tmp_path: Path
) -> None:
    recipe = dataclasses.replace(course_recipe, backbone="mlp", teacher=str(course_run.path), epochs=1)
    train_run(shapes_dataset, tmp_path / "run", recipe)
    assert json.loads((tmp_path / "run" / "run.json").read_text())["recipe"]["teacher"] == str(
        course_run.path
    )
    with pytest.raises(TrainingError, match="no finished training run"):
        train_run(
            shapes_dataset, tmp_path / "other", dataclasses.replace(recipe, teacher=str(tmp_path / "none"))
        )


def test_stopping_early_is_said_and_the_run_is_whole(
    shapes_dataset: Path, course_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(Progress, "say", lambda _self, line: said.append(line))
    recipe = dataclasses.replace(course_recipe, epochs=9, stop_at_top1=0.01)
    train_run(shapes_dataset, tmp_path / "run", recipe)
    assert any(line.startswith("stopping: validation top-1 ") for line in said)
    with (tmp_path / "run" / "history.csv").open() as file:
        assert len(list(csv.DictReader(file))) < 9
    read_run(tmp_path / "run")


def test_tensorboards_files_hold_the_history(
    shapes_dataset: Path, course_recipe: Recipe, tmp_path: Path
) -> None:
    import tensorflow as tf

    train_run(shapes_dataset, tmp_path / "run", course_recipe, tensorboard=True)
    (events,) = (tmp_path / "run" / "tensorboard").iterdir()
    found: dict[str, list[tuple[int, float]]] = {}
    for record in tf.data.TFRecordDataset(str(events)):
        event = tf.compat.v1.Event.FromString(record.numpy())
        for value in event.summary.value:
            found.setdefault(value.tag, []).append((event.step, value.simple_value))
    with (tmp_path / "run" / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    steps, values = zip(*found["top-1/validation"], strict=True)
    assert list(steps) == list(range(1, len(rows) + 1))
    assert list(values) == pytest.approx([float(row["validation_top1"]) for row in rows])
    assert {"loss/training", "loss/validation", "learning rate"} <= set(found)


def test_mixed_precision_without_a_gpu_is_refused(
    shapes_dataset: Path, course_recipe: Recipe, tmp_path: Path
) -> None:
    import tensorflow as tf

    if tf.config.list_logical_devices("GPU"):
        pytest.skip("needs a machine without a GPU")
    recipe = dataclasses.replace(course_recipe, mixed_precision=True)
    with pytest.raises(TrainingError, match="mixed precision needs a GPU, and TensorFlow finds none"):
        train_run(shapes_dataset, tmp_path / "run", recipe)
    assert keras.mixed_precision.dtype_policy().name == "float32"


def test_a_second_run_on_the_same_photos_reads_no_training_photo(
    shapes_dataset: Path, course_recipe: Recipe, course_run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A backbone that stays as it is: its features are kept. Validation is read again, to calibrate.
    recipe = Recipe(
        backbone=str(course_run.path / "model.keras"), epochs=0, head_epochs=2, model_name="shapes"
    )
    train_run(shapes_dataset, tmp_path / "first", recipe)

    def read(path: Path) -> np.ndarray:
        assert "validation" in path.parts, f"{path} is read again"
        return read_photo(path)

    monkeypatch.setattr(loading, "read_photo", read)
    monkeypatch.setattr(readable, "read_photo", read)
    train_run(shapes_dataset, tmp_path / "second", recipe)
    models = [
        keras.models.load_model(tmp_path / name / "model.keras", compile=False)
        for name in ("first", "second")
    ]
    for first, second in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        np.testing.assert_allclose(first, second, atol=1e-5)


# --- a folder with a run in it -----------------------------------------------------------------------------


def test_a_finished_run_is_not_overwritten_unasked(course_run, shapes_dataset, course_recipe) -> None:
    before = contents(course_run.path)
    for resume, said in ((False, "a finished run"), (True, "a finished run, with nothing left to resume")):
        with pytest.raises(TrainingError, match=rf"{said}: choose another --out, or .* --overwrite"):
            train_run(shapes_dataset, course_run.path, course_recipe, resume=resume)
    assert contents(course_run.path) == before


@pytest.mark.parametrize("resume", [False, True])
def test_a_run_that_another_process_ends_meanwhile_is_kept(
    resume: bool, course_run, shapes_dataset, course_recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "training_state.npz").write_bytes(b"of the other process")
    if not resume:
        (run / "training_state.npz").unlink()
    original = RunFolder.locked

    @contextlib.contextmanager
    def ended_meanwhile(self: RunFolder) -> Iterator[None]:
        shutil.copytree(course_run.path, run, dirs_exist_ok=True)
        (run / "training_state.npz").unlink(missing_ok=True)
        with original(self):
            yield

    monkeypatch.setattr(RunFolder, "locked", ended_meanwhile)
    with pytest.raises(TrainingError, match="holds a finished run"):
        train_run(shapes_dataset, run, course_recipe, resume=resume)
    assert contents(run) == contents(course_run.path)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_run_into_a_folder_of_something_else_is_refused(
    overwrite: bool, shapes_dataset, course_recipe, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    for name in ("package.json", "holiday.png", "index.html"):
        (home / name).write_text("mine")
    before = contents(home)
    with pytest.raises(TrainingError, match="holds other files and no run"):
        train_run(shapes_dataset, home, course_recipe, overwrite=overwrite)
    assert contents(home) == before


def test_overwriting_with_broken_photos_loses_nothing(
    course_run, data: Path, course_recipe, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(course_run.path, tmp_path / "run"))
    (data / "train" / "disc" / "00.png").write_bytes(b"no photo")
    with pytest.raises(DatasetError):
        train_run(data, run, course_recipe, overwrite=True)
    assert contents(run) == contents(course_run.path)


def test_a_run_is_overwritten_where_it_is_asked(
    course_run, shapes_dataset, course_recipe, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(course_run.path, tmp_path / "run"))
    (run / "shapes-int8.tflite").write_bytes(b"of the run before")
    train_run(shapes_dataset, run, dataclasses.replace(course_recipe, epochs=1), overwrite=True)
    assert names_in(run) == names_in(course_run.path)
    assert json.loads((run / "run.json").read_text())["recipe"]["epochs"] == 1


def test_a_folder_that_another_run_writes_into_is_left_alone(
    shapes_dataset, course_recipe, tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    with (
        RunFolder(tmp_path / "run").locked(),
        pytest.raises(TrainingError, match="another training is writing into"),
    ):
        train_run(shapes_dataset, tmp_path / "run", course_recipe)


def test_an_out_folder_that_cannot_be(shapes_dataset, course_recipe, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(HangtagError, match="cannot write into"):
        train_run(shapes_dataset, tmp_path / "file", course_recipe)
