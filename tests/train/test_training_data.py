"""What training says of data and settings before it begins: what cannot work, what is left out."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest
from tiny_run import QUIET, contents, train_run

from hangtag.errors import DatasetError, TrainingError
from hangtag.progress import Progress
from hangtag.run_seal import read_run
from hangtag_train.training_data import list_training_data


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
    assert read_run(tmp_path / "run").contract.provenance.backbone == backbone


def test_a_name_that_no_contract_can_hold_is_refused_before_training(
    shapes_dataset, course_recipe, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match="not valid Unicode"):
        train_run(shapes_dataset, tmp_path / "run", dataclasses.replace(course_recipe, model_name="\udcff"))


def test_nothing_to_train_is_refused(shapes_dataset, small_recipe, tmp_path: Path) -> None:
    recipe = dataclasses.replace(small_recipe, epochs=0, head_epochs=0, blocks="0")
    with pytest.raises(TrainingError, match="nothing would be trained"):
        train_run(shapes_dataset, tmp_path / "run", recipe)
