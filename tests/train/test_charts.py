"""The charts of a training run: those inside its page and those beside it."""

from __future__ import annotations

from pathlib import Path

import pytest
from html_page import Page
from hypothesis import given
from hypothesis import strategies as st
from page_examples import history

from hangtag_train.charts import Line, Mark, line_chart, nice_ticks
from hangtag_train.report import draw_curves


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_ticks_are_even_and_reach_around_the_values(one: float, other: float) -> None:
    low, high = min(one, other), max(one, other)
    ticks = nice_ticks(low, high)
    slack = 1e-6 * max(abs(low), abs(high), 1e-6) + 1e-9
    assert ticks[0] <= low + slack
    assert ticks[-1] >= high - slack
    assert 2 <= len(ticks) <= 9


def test_a_chart_leaves_out_what_is_not_finite() -> None:
    chart = line_chart(
        "loss",
        [Line("training", "training", [1.0, 2.0, float("nan"), 3.0])],
        x_label="epoch",
        mark=Mark(0, 1.0, "kept"),
    )
    page = Page(chart)
    curves = [
        dict_value
        for tag, key, dict_value in page.attributes
        if tag == "path" and key == "d" and "L" in dict_value
    ]
    assert len(curves) == 1
    assert "nan" not in chart
    assert ("svg", "aria-label", "loss") in page.attributes


def test_curves_of_a_head_do_not_mention_fine_tuning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib.figure import Figure

    written: list[str] = []
    save = Figure.savefig

    def spy(figure: Figure, *arguments, **named) -> None:
        for axes in figure.axes:
            written.extend(
                [axes.get_xlabel(), *(entry.get_text() for entry in axes.get_legend().get_texts())]
            )
        save(figure, *arguments, **named)

    monkeypatch.setattr(Figure, "savefig", spy)
    draw_curves(history("head", "head"), tmp_path / "curves.png")
    assert "fine" not in " ".join(written)
    draw_curves(history("head", "fine-tune"), tmp_path / "curves.png")
    assert "fine-tuning begins" in written
    with pytest.raises(ValueError, match="without rows"):
        draw_curves([], tmp_path / "none.png")
