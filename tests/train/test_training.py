from __future__ import annotations

import contextlib
import csv
import dataclasses
import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest
from tiny_run import QUIET, train_run

import hangtag_train.training
from hangtag import readable
from hangtag.contract import ColourOrder, ModelContract, OutputKind
from hangtag.errors import DatasetError, HangtagError, OutputError, TrainingError
from hangtag.labelled_folder import read_split
from hangtag.metrics import evaluate
from hangtag.photos import read_photo
from hangtag.preprocess import preprocess
from hangtag.progress import Progress
from hangtag.run_seal import read_run
from hangtag.scoring import score_photos
from hangtag_train import finish, fit, loading
from hangtag_train.backbones import efficientnet_lite
from hangtag_train.evaluation import open_scorer
from hangtag_train.network import build_network
from hangtag_train.recipe import Recipe, load_recipe
from hangtag_train.run_folder import RunFolder
from hangtag_train.state import State
from hangtag_train.training_data import list_training_data

# --- a finished run ----------------------------------------------------------------------------------------


def contract_of(run: Path) -> ModelContract:
    return ModelContract.from_json((run / "contract.json").read_bytes())


def names_in(run: Path) -> set[str]:
    return {path.name for path in run.iterdir()}


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


@pytest.mark.parametrize(("best", "threshold"), [(0.99998, 0.5), (0.5, 0.5), (0.45678, 0.4567), (0.3, 0.3)])
def test_a_threshold_is_rounded_down_and_never_above_a_half(best: float, threshold: float) -> None:
    scores = np.array([[best, *[(1 - best) / 9] * 9]] * 9)
    assert finish._unknown_threshold(scores) == pytest.approx(threshold, abs=1e-9)
    assert finish._unknown_threshold(scores) <= best


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


def test_tensorboards_files_of_a_resumed_run_hold_each_epoch_once(
    shapes_dataset: Path, course_recipe: Recipe, tmp_path: Path
) -> None:
    import tensorflow as tf

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "RunningAverage", CtrlC)
        with pytest.raises(KeyboardInterrupt):
            train_run(shapes_dataset, tmp_path / "run", course_recipe, tensorboard=True)
    train_run(shapes_dataset, tmp_path / "run", course_recipe, tensorboard=True, resume=True)
    steps = []
    for path in (tmp_path / "run" / "tensorboard").iterdir():
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            steps += [event.step] if event.summary.value else []
    assert sorted(steps) == [1, 2]


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


# --- interrupted and resumed -------------------------------------------------------------------------------


class CtrlC(fit.RunningAverage):
    """Stands for Ctrl-C in the second epoch of three steps each."""

    def update(self) -> None:
        super().update()
        if self._steps == 5:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def interrupted_run(shapes_dataset, course_recipe, tmp_path_factory) -> Path:
    """A run that Ctrl-C reached in its second epoch."""
    path = tmp_path_factory.mktemp("runs") / "interrupted"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "RunningAverage", CtrlC)
        with pytest.raises(KeyboardInterrupt):
            train_run(shapes_dataset, path, course_recipe)
    return path


@pytest.fixture
def interrupted(interrupted_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(interrupted_run, tmp_path / "run"))


def test_an_interrupted_run_keeps_its_finished_epochs_and_is_not_sealed(interrupted: Path) -> None:
    assert names_in(interrupted) == {".lock", "history.csv", "training_state.npz"}


def test_an_interrupted_run_is_not_started_over_unasked(
    interrupted: Path, shapes_dataset, course_recipe
) -> None:
    with pytest.raises(TrainingError, match=r"interrupted run: go on with --resume, or .* --overwrite"):
        train_run(shapes_dataset, interrupted, course_recipe)
    assert (interrupted / "training_state.npz").exists()


def test_a_resumed_run_ends_where_an_uninterrupted_one_does(
    interrupted: Path, course_run, shapes_dataset, course_recipe
) -> None:
    keras.utils.set_random_seed(4711)
    evaluation = train_run(shapes_dataset, interrupted, course_recipe, resume=True)
    assert names_in(interrupted) == names_in(course_run.path)
    models = [
        keras.models.load_model(path / "model.keras", compile=False)
        for path in (interrupted, course_run.path)
    ]
    for resumed, straight in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        np.testing.assert_allclose(resumed, straight, rtol=1e-3, atol=1e-4)
    assert evaluation.confusion == course_run.evaluation.confusion


@pytest.mark.parametrize("change", [{"seed": 2}, {"epochs": 5}, {"mixup": 0.1}])
def test_a_run_is_not_resumed_with_other_settings(
    change, interrupted: Path, shapes_dataset, course_recipe
) -> None:
    with pytest.raises(TrainingError, match="begun with other settings"):
        train_run(shapes_dataset, interrupted, dataclasses.replace(course_recipe, **change), resume=True)


def test_a_run_is_not_resumed_with_other_photos(interrupted: Path, data: Path, course_recipe) -> None:
    (data / "train" / "disc" / "00.png").unlink()
    with pytest.raises(TrainingError, match="begun with other photos"):
        train_run(data, interrupted, course_recipe, resume=True)


def test_a_run_killed_before_its_first_epoch_can_be_resumed(
    shapes_dataset, course_recipe, tmp_path: Path
) -> None:
    def killed(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hangtag_train.training, "build_network", killed)
        with pytest.raises(KeyboardInterrupt):
            train_run(shapes_dataset, tmp_path / "run", course_recipe)
    assert names_in(tmp_path / "run") == {".lock"}
    train_run(shapes_dataset, tmp_path / "run", course_recipe, resume=True)
    read_run(tmp_path / "run")


def test_a_full_disk_keeps_the_epoch_before_and_can_be_resumed_from(
    shapes_dataset, course_recipe, course_run, tmp_path: Path
) -> None:
    original = np.savez

    def full(file, **arrays) -> None:
        if json.loads(str(arrays["header"]))["epochs_done"] == 2:
            file.write(b"half of it")
            raise OSError(errno.ENOSPC, "No space left on device")
        original(file, **arrays)

    run = tmp_path / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(np, "savez", full)
        with pytest.raises(OutputError, match=r"training_state\.npz: No space left on device"):
            train_run(shapes_dataset, run, course_recipe)
    digest = list_training_data(shapes_dataset, QUIET).sha256
    assert State.load(run / "training_state.npz", course_recipe, digest).epochs_done == 1
    evaluation = train_run(shapes_dataset, run, course_recipe, resume=True)
    assert evaluation.confusion == course_run.evaluation.confusion


def test_a_loss_that_is_no_number_leaves_a_run_that_can_be_resumed(
    shapes_dataset, course_recipe, course_run, tmp_path: Path
) -> None:
    original = loading.PhotoBatches.__getitem__

    def spoilt(self, number: int):
        tensors, targets = original(self, number)
        if self._epoch == 1 and number == 1:
            tensors = np.full_like(tensors, np.nan)
        return tensors, targets

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading.PhotoBatches, "__getitem__", spoilt)
        with pytest.raises(TrainingError, match=r"epoch 2, step 2 of 3: .*the state after epoch 1 is kept"):
            train_run(shapes_dataset, tmp_path / "run", course_recipe)
    evaluation = train_run(shapes_dataset, tmp_path / "run", course_recipe, resume=True)
    assert evaluation.confusion == course_run.evaluation.confusion


KILLED = """
import os, signal, sys
from hangtag_train.quiet import import_tensorflow_quietly
import_tensorflow_quietly()
from hangtag_train import fit
from hangtag_train.commands import train
straight, killed, *arguments = sys.argv[1:]
train([*arguments, "--out", straight], standalone_mode=False)
original = fit.RunningAverage.update
def update(self):
    original(self)
    if self._steps == 5:
        os.kill(os.getpid(), signal.SIGKILL)
fit.RunningAverage.update = update
train([*arguments, "--out", killed], standalone_mode=False)
"""
RESUMED = """
import sys
from hangtag_train.quiet import import_tensorflow_quietly
import_tensorflow_quietly()
from hangtag_train.commands import train
train(sys.argv[1:], standalone_mode=False)
"""


@pytest.mark.slow
def test_killed_in_the_middle_of_an_epoch_and_resumed_it_ends_with_the_same_weights(
    shapes_dataset: Path, tmp_path: Path
) -> None:
    straight, killed = str(tmp_path / "straight"), str(tmp_path / "killed")
    arguments = [
        str(shapes_dataset), "--recipe", "fashion-mnist-cnn", "--colour", "rgb", "--size", "16",
        "--epochs", "3", "--batch-size", "6", "--dropout", "0.3", "--mixup", "0.3", "--average", "0.9",
        "--set", "augmentation.rotation_deg=20", "--set", "augmentation.flip=0.5", "--deterministic",
    ]  # fmt: skip
    first = subprocess.run(
        [sys.executable, "-c", KILLED, straight, killed, *arguments], check=False, capture_output=True
    )
    assert first.returncode == -signal.SIGKILL, first.stderr.decode()
    assert names_in(tmp_path / "killed") == {".lock", "history.csv", "training_state.npz"}
    subprocess.run([sys.executable, "-c", RESUMED, *arguments, "--out", killed, "--resume"], check=True)
    models = [
        keras.models.load_model(Path(path) / "model.keras", compile=False) for path in (straight, killed)
    ]
    for wanted, resumed in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        np.testing.assert_array_equal(resumed, wanted)
    assert names_in(tmp_path / "killed") == names_in(tmp_path / "straight")


OWN_DROPOUT = """
import sys
from pathlib import Path
from hangtag_train.quiet import import_tensorflow_quietly
import_tensorflow_quietly()
import keras, numpy as np
from hangtag.contract import InputSpec, ModelContract
from hangtag_train import fit
from hangtag_train.commands import train
data, folder = sys.argv[1:]
own = Path(folder) / "own.keras"
image = keras.Input((16, 16, 3))
features = keras.layers.BatchNormalization()(keras.layers.Conv2D(6, 3, strides=2)(image))
features = keras.layers.Conv2D(6, 3)(keras.layers.Dropout(0.5)(features))
keras.Model(image, keras.layers.GlobalAveragePooling2D()(features)).save(own)
contract = ModelContract(labels=("a", "b"), input=InputSpec(width_px=16, height_px=16))
own.with_suffix(".json").write_text(contract.to_json())
arguments = [
    data, "--recipe", "fashion-mnist-cnn", "--backbone", str(own), "--colour", "rgb", "--size", "16",
    "--epochs", "2", "--batch-size", "6", "--dropout", "0", "--average", "0.9",
    "--norm-from-epoch", "1", "--deterministic",
]
def run(name, *more):
    keras.utils.set_random_seed(len(name))
    train([*arguments, "--out", str(Path(folder) / name), *more], standalone_mode=False)
run("straight")
original = fit.RunningAverage.update
def update(self):
    original(self)
    if self._steps == 4:
        raise KeyboardInterrupt
fit.RunningAverage.update = update
try:
    run("resumed")
except Exception as error:
    assert "interrupted" in str(error)
fit.RunningAverage.update = original
run("resumed", "--resume")
"""


@pytest.mark.slow
def test_dropout_in_a_network_of_the_users_own_is_resumed_to_the_bit(
    shapes_dataset: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", OWN_DROPOUT, str(shapes_dataset), str(tmp_path)],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "resuming after epoch 1 of 2" in done.stderr
    straight, resumed = (
        keras.models.load_model(tmp_path / name / "model.keras", compile=False).get_weights()
        for name in ("straight", "resumed")
    )
    for wanted, found in zip(straight, resumed, strict=True):
        np.testing.assert_array_equal(found, wanted)


MIRRORED = """
import json, sys
from hangtag_train.quiet import import_tensorflow_quietly
import_tensorflow_quietly()
import keras, numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from hangtag_train.compute import mirrored
from hangtag_train.network import build_network
from hangtag_train.recipe import Recipe
from hangtag_train.trainer import Trainer
recipe = Recipe(backbone="mlp", pretrained=False, size_px=8, optimizer="sgd")
recipe = recipe.changed({"dropout": 0, "label_smoothing": 0})
rng = np.random.default_rng(1)
tensors = rng.normal(0, 1, (6, 8, 8, 3)).astype(np.float32)
targets = np.eye(3, dtype=np.float32)[[0, 1, 2] * 2]
found = []
for devices in ([], ["CPU:0", "CPU:1"]):
    keras.utils.set_random_seed(1)
    with mirrored(devices):
        copies = tf.distribute.get_strategy().num_replicas_in_sync
        network = build_network(recipe, 3)
        trainer = Trainer(network, recipe, targets.argmax(axis=1), 3, None)
        trainer.start_epoch(0)
        losses = [trainer.step(n, tensors, targets, 0.05)[0] for n in range(8)]
    found.append([copies, losses])
print(json.dumps(found))
"""


@pytest.mark.slow
def test_a_network_mirrored_over_two_devices_learns_what_one_does() -> None:
    child = subprocess.run(
        [sys.executable, "-c", MIRRORED], check=True, capture_output=True, text=True, env=dict(os.environ)
    )
    (one, alone), (two, together) = json.loads(child.stdout.splitlines()[-1])
    assert (one, two) == (1, 2)
    assert together[-1] < 0.7 * together[0]
    np.testing.assert_allclose(together, alone, rtol=1e-3)


# --- a folder with a run in it -----------------------------------------------------------------------------


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


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


# --- data sets that cannot be trained on -------------------------------------------------------------------


def one_label(data: Path) -> None:
    for label in ("disc", "square"):
        shutil.rmtree(data / "train" / label)


def empty_class(data: Path) -> None:
    (data / "train" / "triangle").mkdir()


def no_validation(data: Path) -> None:
    shutil.rmtree(data / "validation")


def stranger(data: Path) -> None:
    shutil.copytree(data / "train" / "disc", data / "validation" / "sock")


def only_in_test(data: Path) -> None:
    shutil.copytree(data / "train" / "disc", data / "test" / "sock")


def few_photos(data: Path) -> None:
    for label in ("disc", "square"):
        shutil.rmtree(data / "validation" / label)
    for photo in sorted((data / "validation" / "stripe").iterdir())[2:]:
        photo.unlink()


def unmeasured(data: Path) -> None:
    shutil.rmtree(data / "validation" / "disc")


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
        (only_in_test, "not labels of the model: sock"),
        (few_photos, "holds 2 photos for 3 labels"),
        (unmeasured, "has no photo of disc: a label that is never measured"),
        (padded_label, "cannot be a label"),
        (label_of_two_lines, "cannot be a label"),
        (label_not_utf8, "cannot be a label"),
    ],
)
def test_a_data_set_that_cannot_work_is_one_clear_line_before_training(
    spoil: Callable[[Path], None], message: str, data: Path, course_recipe, tmp_path: Path
) -> None:
    spoil(data)
    with pytest.raises(DatasetError) as caught:
        train_run(data, tmp_path / "run", course_recipe)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("inside", ["train", "train/disc"])
def test_a_folder_too_deep(inside: str, data: Path, course_recipe, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=f"give the folder .*above it: {data}$"):
        train_run(data / inside, tmp_path / "run", course_recipe)


def test_a_data_set_without_test_photos_is_fine(data: Path, tmp_path: Path) -> None:
    shutil.rmtree(data / "test")
    assert list_training_data(data, QUIET).photos == {"train": 18, "validation": 12}


def test_a_broken_photo_is_named_left_out_and_recorded(
    data: Path, course_recipe, draw_shape, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6, 30):  # so that one of them is few
        assert cv2.imwrite(str(data / "train" / "disc" / f"{number}.png"), draw_shape("disc", 500 + number))
    broken = data / "train" / "disc" / "07.png"
    (data / "train" / "disc" / "7.png").rename(broken)
    broken.write_bytes(broken.read_bytes()[:60])
    said: list[str] = []
    monkeypatch.setattr(Progress, "say", lambda _self, line: said.append(line))
    train_run(data, tmp_path / "run", dataclasses.replace(course_recipe, epochs=1))
    (skipped,) = json.loads((tmp_path / "run" / "run.json").read_text())["skipped"]
    assert "07.png" in skipped
    assert [line for line in said if line.startswith("skipped: ") and "07.png" in line]


def test_photos_in_two_splits_are_warned_of_recorded_and_shown(
    data: Path, course_recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(data / "train" / "disc" / "00.png", data / "validation" / "disc" / "leaked.png")
    for number in (1, 2):
        shutil.copy(data / "train" / "square" / f"0{number}.png", data / "test" / "square" / f"{number}.png")
    shutil.copy(data / "train" / "stripe" / "03.png", data / "train" / "stripe" / "twice.png")
    said: list[str] = []
    monkeypatch.setattr(Progress, "say", lambda _self, line: said.append(line))
    train_run(data, tmp_path / "run", dataclasses.replace(course_recipe, epochs=1))
    leaked, tested = json.loads((tmp_path / "run" / "run.json").read_text())["warnings"]
    assert leaked.startswith("1 photo of validation is in train as well, such as ")
    assert "leaked.png" in leaked
    assert tested.startswith("2 photos of test are in train as well, such as ")
    assert [line for line in said if line.startswith("warning: ")] == [
        f"warning: {leaked}", f"warning: {tested}"
    ]  # fmt: skip
    page = (tmp_path / "run" / "report.html").read_text()
    assert "1 photo of validation is in train as well" in page
    assert "2 photos of test are in train as well" in page


def test_splits_that_share_nothing_are_not_warned_of(course_run, shapes_dataset: Path) -> None:
    assert list_training_data(shapes_dataset, QUIET).warnings == ()
    assert json.loads((course_run.path / "run.json").read_text())["warnings"] == []


def test_fresh_statistics_that_would_never_learn_are_refused_before_training(
    course_run, shapes_dataset, course_recipe, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(course_run.path, tmp_path / "run"))
    recipe = dataclasses.replace(course_recipe, backbone="residual", norm_from_epoch=None)
    with pytest.raises(TrainingError, match="give --norm-from-epoch 1"):
        train_run(shapes_dataset, run, recipe, overwrite=True)
    assert contents(run) == contents(course_run.path)


@pytest.mark.parametrize("backbone", ["mlp", "small-cnn"])
def test_without_statistics_there_is_nothing_to_learn(
    backbone: str, shapes_dataset, course_recipe, tmp_path: Path
) -> None:
    recipe = dataclasses.replace(course_recipe, backbone=backbone, norm_from_epoch=None, epochs=1)
    train_run(shapes_dataset, tmp_path / "run", recipe)
    read_run(tmp_path / "run")


def test_a_name_that_no_contract_can_hold_is_refused_before_training(
    shapes_dataset, course_recipe, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match="not valid Unicode"):
        train_run(shapes_dataset, tmp_path / "run", dataclasses.replace(course_recipe, model_name="\udcff"))


def test_nothing_to_train_is_refused(shapes_dataset, small_recipe, tmp_path: Path) -> None:
    recipe = dataclasses.replace(small_recipe, epochs=0, head_epochs=0, blocks="0")
    with pytest.raises(TrainingError, match="nothing would be trained"):
        train_run(shapes_dataset, tmp_path / "run", recipe)
