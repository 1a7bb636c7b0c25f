from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest

from hangtag.contract import InputSpec
from hangtag.preprocess import Preprocessor
from hangtag_train.augment import IDENTITY, write_augmented
from hangtag_train.history import HistoryRow
from hangtag_train.phases import (
    epoch_axis,
    handicaps,
    kept_for,
    phase_ends,
    phase_words,
    targets_words,
    varies_photos,
)
from hangtag_train.recipe import load_recipe, recipe_names


@pytest.mark.parametrize(
    ("phases", "axis", "ends"),
    [
        ([], "epoch", []),
        (["head", "head"], "epoch of the linear head", []),
        (["fine-tune"], "epoch", []),
        (["head", "head", "fine-tune"], "epoch: linear head, then fine-tuning", [2]),
    ],
)
def test_an_axis_names_the_phases_there_are(phases: list[str], axis: str, ends: list[int]) -> None:
    history = [HistoryRow(phase, 1, 1.0, 0.5, 1.0, 0.5, 1.0) for phase in phases]
    assert epoch_axis(history) == axis
    assert phase_ends(history) == ends


@pytest.mark.parametrize(
    ("phase", "recipe", "words"),
    [
        ("head", {}, "linear head"),
        ("fine-tune", {}, "fine-tuning"),
        ("fine-tune", {"pretrained": True, "head_epochs": 0}, "fine-tuning"),
        ("fine-tune", {"pretrained": False, "head_epochs": 3}, "fine-tuning"),
        ("fine-tune", {"pretrained": False, "head_epochs": 0}, "training"),
    ],
)
def test_from_fresh_weights_there_is_nothing_to_fine_tune(phase: str, recipe: dict, words: str) -> None:
    assert phase_words(phase, recipe) == words


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_is_described_as_it_is(name: str) -> None:
    recipe = load_recipe(name).as_dict()
    plain = name in {"fashion-mnist-mlp", "fashion-mnist-cnn"}
    assert varies_photos(recipe) is not plain
    if plain:
        assert handicaps("fine-tune", recipe) == targets_words("fine-tune", recipe) == []
    else:
        blended = ["on blended photos"] if recipe["mixup"] else []
        assert handicaps("fine-tune", recipe) == ["on varied photos", *blended, "with dropout"]
        assert targets_words("fine-tune", recipe) == ["against smoothed labels"]
        assert handicaps("head", recipe) == ["with dropout"]
        assert targets_words("head", recipe) == []


def test_blended_photos_and_a_teacher_are_named() -> None:
    assert handicaps("fine-tune", {"mixup": 0.2, "cutmix": 0.0}) == ["on blended photos"]
    assert handicaps("fine-tune", {"mixup": 0.0, "cutmix": 1.0}) == ["on blended photos"]
    assert targets_words("fine-tune", {"teacher": "runs/best"}) == ["against a teacher's scores"]


_ODDS = {"far": "far_odds", "darkness": "dark_odds", **dict.fromkeys(
    ("occlusion", "blur_px", "motion_px", "noise", "jpeg"), "odds"
)}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "odds"),
    [*((name, None) for name in IDENTITY.__dataclass_fields__), *_ODDS.items(), ("noise", "dark_odds")],
)
def test_photos_are_said_to_be_varied_just_where_they_are(name: str, odds: str | None) -> None:
    changes = {name: 0.9} if odds is None else {name: 0.9, odds: 1.0}
    changes |= {key: 20.0 for key in ("noise", "jpeg", "rotation_deg", "motion_px") if key in changes}
    settings = dataclasses.replace(IDENTITY, **changes)
    spec = InputSpec(width_px=24, height_px=24)
    photo = cv2.resize(np.random.default_rng(1).integers(0, 256, (6, 8, 3), np.uint8), (64, 48))
    plain, varied = np.empty((24, 24, 3), np.uint8), np.empty((24, 24, 3), np.uint8)
    Preprocessor(spec).write_pixels(photo, plain)
    differs = False
    for seed in range(5):
        write_augmented(photo, settings, np.random.default_rng(seed), Preprocessor(spec), varied)
        differs = differs or not np.array_equal(plain, varied)
    assert varies_photos({"augmentation": dataclasses.asdict(settings)}) is differs


def test_what_a_checkpoint_was_chosen_for() -> None:
    row = HistoryRow("head", 1, 1.0, 0.5, 1.0, 0.5, 1.0)
    assert kept_for(row) == "smallest validation loss"
    assert (
        kept_for(dataclasses.replace(row, calibrated_loss=0.9))
        == "smallest validation loss after calibration"
    )
