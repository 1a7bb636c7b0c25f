from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from hangtag.stress_report import StressReport, StressRow
from hangtag_train.stress_chart import draw_stress

TOP1 = (0.0, 0.004, 0.05, 0.09, 0.1, 0.12, 0.5, 1.0)


@pytest.fixture
def figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Figure:
    drawn: list[Figure] = []
    save = Figure.savefig

    def spy(figure: Figure, *arguments, **named) -> None:
        save(figure, *arguments, **named)
        drawn.append(figure)

    monkeypatch.setattr(Figure, "savefig", spy)
    rows = tuple(
        StressRow(f"{step} {top1}", "blur", str(top1), step, top1) for step in (1, 2) for top1 in TOP1
    )
    draw_stress(StressReport(8, 0, 0.875, rows), "validation", tmp_path / "stress.png")
    return drawn[-1]


def test_every_figure_is_inside_its_bar_or_dark_beside_it(figure: Figure) -> None:
    (axes,) = figure.axes
    figures = [text for text in axes.texts if text.get_text()]
    assert [text.get_text() for text in figures] == [f"{100 * top1:.1f}" for top1 in (*TOP1, *TOP1)]
    for text, bar in zip(figures, axes.patches, strict=True):
        box, extent = text.get_window_extent(), bar.get_window_extent()
        inside = box.x0 >= extent.x0 and box.x1 <= extent.x1
        beside = box.x0 >= extent.x1 and to_hex(text.get_color()) == "#000000"
        assert inside or beside, text.get_text()


def test_the_chart_says_what_one_photo_is_worth(figure: Figure) -> None:
    assert "one photo is worth 12.5 points" in figure.axes[0].get_xlabel()
