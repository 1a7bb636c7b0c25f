from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hangtag_train.history import HistoryRow
from hangtag_train.verdict import verdict


def rows(
    train_loss: list[float],
    validation_loss: list[float],
    train_top1: float = 0.95,
    validation_top1: float | list[float] = 0.93,
    phase: str = "fine-tune",
) -> list[HistoryRow]:
    top1 = validation_top1 if isinstance(validation_top1, list) else [validation_top1] * len(train_loss)
    return [
        HistoryRow(phase, number + 1, *values, seconds=1.0)
        for number, values in enumerate(
            zip(train_loss, [train_top1] * len(train_loss), validation_loss, top1, strict=True)
        )
    ]


FALLING = [1.0, 0.8, 0.6, 0.5, 0.45, 0.42, 0.4, 0.39, 0.38, 0.37]
SETTLED = [0.6, 0.4, 0.3, 0.26, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25]


@pytest.mark.parametrize(
    ("history", "begins", "holds"),
    [
        pytest.param([], "Nothing was trained", "", id="nothing"),
        pytest.param(rows([1.0], [1.0]), "One epoch is too few", "", id="one epoch"),
        pytest.param(rows([1.0, 0.9], [1.0, 0.5]), "Two epochs are too few", "", id="two epochs"),
        pytest.param(rows(FALLING, SETTLED), "A good fit", "(+2.0 points)", id="settled"),
        pytest.param(
            rows(FALLING, SETTLED, 0.85, 0.92), "A good fit", "is normal", id="training under validation"
        ),
        pytest.param(
            rows(FALLING, [0.9, 0.7, 0.6, 0.5, 0.45, 0.41, 0.38, 0.36, 0.34, 0.32]),
            "Still improving", "more epochs", id="falling at the end",
        ),
        pytest.param(
            rows(FALLING, [0.6, 0.4, 0.30, 0.30, 0.31, 0.32, 0.33, 0.33, 0.33, 0.33], 0.99),
            "Mild overfitting", "calibration mends", id="loss rises, top-1 stays",
        ),
        pytest.param(
            rows(FALLING, [0.6, 0.4, 0.3, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9], 0.99, [0.9] * 5 + [0.8] * 5),
            "Strong overfitting", "by heart", id="loss trebles, top-1 falls",
        ),
        pytest.param(
            rows([1.0, 0.6, 0.7, 0.8, 0.9], [0.5, 0.3, 0.5, 0.6, 0.7], 0.5, 0.5),
            "Underfitting", "larger backbone", id="both losses rise: no overfitting",
        ),
        pytest.param(
            rows([2.0, 1.9, 1.88, 1.88, 1.88], [2.0, 1.9, 1.88, 1.88, 1.88], 0.3, 0.3),
            "Underfitting", "learning rate", id="both poor and flat",
        ),
        pytest.param(
            rows([2.0, 1.9, 1.8, 1.7, 1.6], [2.0, 1.9, 1.8, 1.7, 1.6], 0.3, 0.3),
            "Still improving", "", id="both poor, not done yet",
        ),
        pytest.param(rows(FALLING, SETTLED, 0.99, 0.90), "A wide gap", "(+9.0 points)", id="gap alone"),
        pytest.param(
            rows([0.02, 0.01, 0.004, 0.001, 0.0005], [0.05, 0.03, 0.02, 0.015, 0.012], 1.0, 1.0),
            "Nothing left to gain", "More or harder validation photos", id="all right, both losses near 0",
        ),
        pytest.param(
            rows([0.02, 0.01, 0.004, 0.001, 0.0005], [0.002, 0.001, 0.001, 0.002, 0.004], 1.0, 1.0),
            "Nothing left to gain", "", id="a rise of next to nothing",
        ),
        pytest.param(
            rows([0.5, 0.3, 0.2, 0.1, 0.05], [0.4, 0.3, 0.2, 0.15, 0.1], 1.0, 1.0),
            "Still improving", "", id="all right, not sure yet",
        ),
        pytest.param(
            rows([0.5, 0.3, 0.2, 0.1, 0.05], [0.09, 0.07, 0.06, 0.05, 0.04], 0.98, 0.98),
            "Still improving", "", id="a loss near 0, some wrong",
        ),
        pytest.param(rows([1.0, math.nan], [1.0, 1.0]), "Training diverged", "lower learning rate", id="NaN"),
        pytest.param(rows([1.0, 2.0], [1.0, math.inf]), "Training diverged", "", id="infinity"),
    ],
)  # fmt: skip
def test_the_verdict(history: list[HistoryRow], begins: str, holds: str) -> None:
    said = verdict(history)
    assert said.startswith(begins)
    assert holds in said


def test_only_the_last_phase_is_judged() -> None:
    overfitted_head = rows(FALLING, [0.3 + 0.1 * step for step in range(10)], 0.99, 0.8, phase="head")
    assert "overfitting" in verdict(overfitted_head)
    assert verdict([*overfitted_head, *rows(FALLING, SETTLED)]).startswith("A good fit")


def test_a_head_sees_plain_photos_so_a_lower_training_figure_is_not_excused() -> None:
    behind = rows(FALLING, SETTLED, 0.85, 0.92, phase="head")
    assert "is normal" not in verdict(behind)
    assert "is normal" not in verdict(behind, {"dropout": 0, "augmentation": {"flip": 0.5}})
    assert "is normal: it is measured with dropout." in verdict(behind, {"dropout": 0.2})


VARIED = {"augmentation": {"flip": 0.5}, "dropout": 0.2}
PLAIN = {"augmentation": {"flip": 0.0}, "dropout": 0}
RISING = [0.6, 0.4, 0.3, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
POOR = [2.0, 1.9, 1.88, 1.88, 1.88]


@pytest.mark.parametrize(
    ("history", "recipe", "said", "unsaid"),
    [
        pytest.param(
            rows(FALLING, SETTLED, 0.85, 0.92), VARIED, "measured on varied photos, with dropout.", "while",
            id="varied",
        ),
        pytest.param(
            rows(FALLING, SETTLED, 0.85, 0.92), PLAIN, "while the network is still learning.", "varied",
            id="plain",
        ),
        pytest.param(
            rows(FALLING, SETTLED, 0.99, 0.9), VARIED,
            "More photos, stronger augmentation or more dropout would", "--epochs", id="gap of varied",
        ),
        pytest.param(
            rows(FALLING, SETTLED, 0.99, 0.9), PLAIN, "More photos, augmentation or dropout would",
            "stronger", id="gap of plain",
        ),
        pytest.param(
            rows(FALLING, SETTLED, 0.99, 0.9, "head"), VARIED,
            "More photos, more dropout or fine-tuning on varied photos (--epochs) would", "augmentation",
            id="gap of a head",
        ),
        pytest.param(
            rows(FALLING, RISING, 0.99, 0.9, "head"), VARIED,
            "Fewer epochs, more dropout, fine-tuning on varied photos (--epochs) or more photos work",
            "augmentation", id="overfitted head",
        ),
        pytest.param(
            rows(FALLING, RISING, 0.99), PLAIN, "Fewer epochs, augmentation, dropout or more photos work",
            "stronger", id="overfitted on plain photos",
        ),
        pytest.param(
            rows(POOR, POOR, 0.3, 0.3), {**VARIED, "frozen_blocks": 3},
            "higher learning rate, all layers trained or milder augmentation;", "--epochs",
            id="underfitted on varied photos",
        ),
        pytest.param(
            rows(POOR, POOR, 0.3, 0.3), PLAIN, "Try a larger backbone or a higher learning rate;",
            "augmentation", id="underfitted on plain photos",
        ),
        pytest.param(
            rows(POOR, POOR, 0.3, 0.3, "head"), VARIED, "rate or fine-tuning of all layers (--epochs);",
            "augmentation", id="underfitted head",
        ),
    ],
)  # fmt: skip
def test_advice_is_about_what_the_recipe_has(
    history: list[HistoryRow], recipe: dict[str, object], said: str, unsaid: str
) -> None:
    text = verdict(history, recipe)
    assert said in text
    assert unsaid not in text


@pytest.mark.parametrize(
    ("recipe", "anew"),
    [
        ({"schedule": "cosine", "epochs": 10}, True),
        ({"schedule": "cosine", "epochs": 20}, False),
        ({"schedule": "constant", "epochs": 10}, False),
        ({}, False),
    ],
)
def test_more_epochs_need_a_new_run_where_the_cosine_has_ended(recipe: dict[str, object], anew: bool) -> None:
    text = verdict(rows(FALLING, [0.9, 0.7, 0.6, 0.5, 0.45, 0.41, 0.38, 0.36, 0.34, 0.32]), recipe)
    assert text.startswith("Still improving when training stopped: train for more epochs")
    assert ("in a new run" in text) == anew


@given(
    st.lists(
        st.tuples(*[st.floats(0, 50) for _ in range(2)], *[st.floats(0, 1) for _ in range(2)]), max_size=40
    )
)
def test_every_history_gets_one_verdict(values: list[tuple[float, float, float, float]]) -> None:
    history = [
        HistoryRow("fine-tune", number, train_loss, train_top1, loss, top1, 1.0)
        for number, (train_loss, loss, train_top1, top1) in enumerate(values)
    ]
    said = verdict(history)
    assert said.endswith(".")
    assert "\n" not in said
