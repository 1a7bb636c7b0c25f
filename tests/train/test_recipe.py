from __future__ import annotations

import dataclasses
import json
import typing
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hangtag.errors import TrainingError
from hangtag_train.augment import IDENTITY, Augmentation, draw_warp, vary_light
from hangtag_train.backbones import find_backbone
from hangtag_train.network import build_network, input_spec
from hangtag_train.recipe import _CHOICES, _RANGES, DEFAULT, Recipe, load_recipe, recipe_names
from hangtag_train.recipe_options import parsed
from hangtag_train.warp import Warp

NAMES = (
    "binary", "clothing-best", "clothing-large", "clothing-nano", "clothing-quick", "fashion-mnist-best",
    "fashion-mnist-cnn", "fashion-mnist-mlp", "imagenet", "sign-language",
)  # fmt: skip


def test_these_recipes_are_shipped() -> None:
    assert set(NAMES) <= set(recipe_names())
    assert DEFAULT in recipe_names()


@pytest.mark.parametrize("name", recipe_names())
def test_every_shipped_recipe_loads_describes_itself_and_comes_back(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert 20 < len(recipe.about) < 110
    assert "\n" not in recipe.about
    assert Recipe.from_dict(json.loads(json.dumps(recipe.as_dict()))) == recipe
    spec = input_spec(recipe)
    assert spec.shape == (1, recipe.size_px, recipe.size_px, 1 if recipe.colour == "grey" else 3)
    assert find_backbone(recipe).weights_licence is not None


def differing_networks() -> list[str]:
    """One recipe of each network: building a large one takes seconds."""
    found = {}
    for name in recipe_names():
        recipe = load_recipe(name)
        found.setdefault((recipe.backbone, recipe.blocks, recipe.output, recipe.colour), name)
    return sorted(found.values())


@pytest.mark.parametrize("name", differing_networks())
def test_every_shipped_recipe_builds(name: str) -> None:
    recipe = load_recipe(name)
    labels = 2 if recipe.output == "sigmoid" else 5
    # The shape of a network does not depend on its weights; large ones are built small.
    small = recipe.changed({"size_px": min(recipe.size_px, 32)})
    network = build_network(small, labels, pretrained=False)
    assert network.scores.output_shape == (None, 1 if recipe.output == "sigmoid" else 5)


@pytest.mark.parametrize("name", ["fashion-mnist-mlp", "fashion-mnist-cnn"])
def test_course_recipes_are_the_courses(name: str) -> None:
    recipe = load_recipe(name)
    image = np.random.default_rng(1).integers(0, 256, (8, 8, 3), np.uint8)
    for seed in range(50):
        assert draw_warp(recipe.augmentation, np.random.default_rng(seed)) == Warp()
        light = vary_light(image, recipe.augmentation, np.random.default_rng(seed))
        np.testing.assert_array_equal(light, image)
    assert (recipe.optimizer, recipe.learning_rate, recipe.schedule) == ("adam", 1e-3, "constant")
    assert (recipe.epochs, recipe.batch_size, recipe.size_px, recipe.colour) == (5, 32, 28, "grey")
    assert not any((recipe.weight_decay, recipe.label_smoothing, recipe.dropout, recipe.average_momentum))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"lerning_rate": 0.1},
            r"'lerning_rate' \(did you mean learning_rate\?\); wanted some of .*learning_rate",
        ),
        ({"epochs": "many"}, "setting epochs is 'many'; wanted int"),
        ({"epochs": 2.5}, "setting epochs is 2.5; wanted int"),
        ({"epochs": True}, "setting epochs is True; wanted int"),
        ({"pretrained": 1}, "setting pretrained is 1; wanted bool"),
        ({"pretrained": None}, "setting pretrained is None; wanted bool"),
        ({"patience": "no"}, "setting patience is 'no'; wanted int or nothing"),
        ({"learning_rate": [0.1]}, "setting learning_rate is .*; wanted float or int"),
        ({"backbone": 3}, "setting backbone is 3; wanted str"),
        ({"epochs": -1}, "epochs is -1; wanted 0 or more"),
        ({"size_px": 4}, "size_px is 4; wanted 8 to 1024"),
        ({"learning_rate": 0}, "learning_rate is 0; wanted"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"warmup_epochs": float("inf")}, "warmup_epochs is inf"),
        ({"label_smoothing": 1.0}, "label_smoothing is 1; wanted 0 to 0.99"),
        ({"average_momentum": 1.0}, "average_momentum is 1"),
        ({"mixup": -0.1}, "mixup is -0.1; wanted 0 to 100"),
        ({"teacher_temperature": 0}, "teacher_temperature is 0; wanted 0.1 to 100"),
        ({"stop_at_top1": 1.5}, "stop_at_top1 is 1.5; wanted 0 to 1"),
        ({"seed": 2**32}, "seed is "),
        ({"optimizer": "lion"}, "optimizer is 'lion'; wanted one of sgd, adam, adamw, rmsprop"),
        ({"schedule": "linear"}, "schedule is 'linear'; wanted one of constant, step, cosine"),
        ({"colour": "cmyk"}, "colour is 'cmyk'; wanted one of rgb, grey"),
        ({"output": "tanh"}, "output is 'tanh'; wanted one of softmax, sigmoid"),
        ({"augmentation": 0}, "augmentation is 0; wanted a table"),
        ({"augmentation": {"flop": 1.0}}, "augmentation has no setting 'flop'"),
        ({"augmentation": {"flip": "yes"}}, "setting flip is 'yes'; wanted float"),
        ({"augmentation": {"flip": 2}}, "augmentation flip is 2; wanted 0 to 1"),
        ({"pretrained": False, "epochs": 0}, "fresh weights and no epochs"),
    ],
)
def test_a_setting_that_cannot_be_is_one_clear_line(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(TrainingError, match=message) as caught:
        Recipe().changed(settings)
    assert "\n" not in str(caught.value)


def test_an_unknown_recipe_names_those_there_are() -> None:
    with pytest.raises(TrainingError, match=r"no recipe 'clothing'; wanted one of binary, clothing-best"):
        load_recipe("clothing")
    with pytest.raises(TrainingError, match="no recipe"):
        load_recipe("../recipe")


def test_changes_leave_all_else_as_it_was() -> None:
    before = load_recipe("fashion-mnist-best")
    after = before.changed({"epochs": 3, "augmentation": {"noise": 5.0}})
    assert after == dataclasses.replace(
        before, epochs=3, augmentation=dataclasses.replace(before.augmentation, noise=5.0)
    )
    assert before == load_recipe("fashion-mnist-best")


def _values(hint: Any, name: str) -> st.SearchStrategy[Any]:
    if name in _CHOICES:
        return st.sampled_from(_CHOICES[name])
    low, high = _RANGES.get(name, (0, 1))
    kinds = set(typing.get_args(hint)) or {hint}
    strategies: list[st.SearchStrategy[Any]] = []
    if float in kinds:
        strategies.append(st.floats(low, min(high, 1e6)))
    if int in kinds:
        strategies.append(st.integers(int(low), int(min(high, 2**32 - 1))))
    if str in kinds:
        strategies.append(st.text(max_size=20))
    if bool in kinds:
        strategies.append(st.booleans())
    if type(None) in kinds:
        strategies.append(st.none())
    return st.one_of(strategies)


_HINTS = {name: hint for name, hint in typing.get_type_hints(Recipe).items() if name != "augmentation"}


@given(
    st.fixed_dictionaries({name: _values(hint, name) for name, hint in _HINTS.items()}),
    st.builds(Augmentation, flip=st.floats(0, 1), noise=st.floats(0, 200), far=st.floats(0, 9)),
)
def test_any_recipe_comes_back_from_its_record(settings: dict[str, Any], augmentation: Augmentation) -> None:
    if not settings["pretrained"] and settings["epochs"] == 0:
        settings["epochs"] = 1
    recipe = Recipe(**settings, augmentation=augmentation)
    assert Recipe.from_dict(json.loads(json.dumps(recipe.as_dict()))) == recipe


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3), ("-3", -3), ("+3", 3), ("0.5", 0.5), ("1e-3", 1e-3), ("true", True), ("False", False),
        ("none", None), (" 7 ", 7), ("adamw", "adamw"), ("", ""), ("1_000", 1000.0), ("runs/a b", "runs/a b"),
    ],
)  # fmt: skip
def test_values_are_read_as_a_person_means_them(text: str, value: Any) -> None:
    result = parsed(text)
    assert result == value
    assert type(result) is type(value)


def test_the_identity_varies_nothing() -> None:
    assert set(dataclasses.asdict(IDENTITY).values()) == {0}
