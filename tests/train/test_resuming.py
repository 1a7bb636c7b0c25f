"""A run that was interrupted, and what it goes on to."""

from __future__ import annotations

import dataclasses
import errno
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from tiny_run import QUIET, names_in, train_run

import hangtag_train.training
from hangtag.errors import OutputError, TrainingError
from hangtag.run_seal import read_run
from hangtag_train import fit, loading
from hangtag_train.recipe import Recipe
from hangtag_train.state import State
from hangtag_train.training_data import list_training_data


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
