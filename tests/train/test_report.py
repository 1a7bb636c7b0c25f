"""The pictures of a run, by what Matplotlib is asked to draw."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from hangtag.page_style import STYLE
from hangtag_train.history import HistoryRow
from hangtag_train.report import draw_curves

PLAIN = {"pretrained": False, "head_epochs": 0, "dropout": 0, "augmentation": {"flip": 0.0}}
VARIED = {"pretrained": True, "head_epochs": 40, "dropout": 0.2, "augmentation": {"flip": 0.5}}


def history(*phases: str) -> list[HistoryRow]:
    """The accuracy is best in the end, the loss in the second row."""
    return [
        HistoryRow(phase, number + 1, 1.0, 0.8, 0.5 + 0.1 * abs(number - 1), 0.7 + 0.01 * number, 9.0)
        for number, phase in enumerate(phases)
    ]


@pytest.fixture
def drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Figure]:
    """Draws curves and gives the figure."""
    figures: list[Figure] = []
    save = Figure.savefig

    def spy(figure: Figure, *arguments: Any, **named: Any) -> None:
        save(figure, *arguments, **named)
        figures.append(figure)

    monkeypatch.setattr(Figure, "savefig", spy)

    def draw(rows: list[HistoryRow], recipe: dict[str, Any]) -> Figure:
        draw_curves(rows, tmp_path / "curves.png", recipe)
        return figures[-1]

    return draw


def words(figure: Figure) -> list[str]:
    found = []
    for axes in figure.axes:
        found += [axes.get_xlabel(), *(entry.get_text() for entry in axes.get_legend().get_texts())]
    return found


def test_a_legend_claims_what_the_recipe_did_and_no_more(drawn) -> None:
    plain = " ".join(words(drawn(history("fine-tune", "fine-tune"), PLAIN)))
    assert "varied" not in plain
    assert "fine-tun" not in plain
    assert "training (varied photos)" in words(drawn(history("fine-tune"), VARIED))
    assert "training (varied photos in fine-tuning)" in words(drawn(history("head", "fine-tune"), VARIED))
    assert "training" in words(drawn(history("head"), VARIED))
    assert "fine-tuning begins" in words(drawn(history("head", "fine-tune"), {}))


def test_the_kept_checkpoint_stands_in_both_panels_with_its_reason(drawn) -> None:
    rows = history("fine-tune", "fine-tune", "fine-tune")
    figure = drawn(rows, PLAIN)
    for axes, value in zip(figure.axes, (0.5, 71.0), strict=True):
        (mark,) = [line for line in axes.lines if str(line.get_label()).startswith("kept")]
        assert mark.get_xydata().tolist() == [[2.0, pytest.approx(value)]]
    assert {"kept: smallest validation loss", "kept: 71.0 %"} <= set(words(figure))
    calibrated = [dataclasses.replace(row, calibrated_loss=row.epoch / 10) for row in rows]
    assert "kept: smallest validation loss after calibration" in words(drawn(calibrated, PLAIN))


@pytest.mark.parametrize("epochs", [1, 2, 5, 12])
def test_few_epochs_are_points_on_whole_numbers(drawn, epochs: int) -> None:
    for axes in drawn(history(*["head"] * epochs), {}).axes:
        for line in axes.lines:
            assert line.get_marker() == "o"
        shown = [tick for tick in axes.get_xticks() if axes.get_xlim()[0] <= tick <= axes.get_xlim()[1]]
        assert shown
        assert all(tick == round(tick) for tick in shown)
        assert shown[0] >= 1
        assert shown[-1] <= epochs


def test_many_epochs_are_a_line(drawn) -> None:
    lines = drawn(history(*["head"] * 60), {}).axes[0].lines
    assert [line.get_marker() for line in lines] == ["", "", "o"]


def test_curves_have_the_colours_of_the_page(drawn) -> None:
    for axes in drawn(history("head", "head"), {}).axes:
        for line, name in zip(axes.lines, ("training", "validation"), strict=False):
            assert f"--{name}: {to_hex(line.get_color())};" in STYLE
