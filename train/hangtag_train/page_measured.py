"""The sections of a run's page that show measurements: the headline figures, the confusion, the stress."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hangtag.camera_stress import STEP_NAMES
from hangtag_train.page_parts import Cell, Row, details, name, number, percent, section, table, text

if TYPE_CHECKING:
    from hangtag.metrics import Evaluation, Interval
    from hangtag_train.run_page import RunPage

_LARGEST_MATRIX = 30
"""Labels; beyond it, pairs that are mixed up are listed in place of a matrix that nobody could read."""
_LISTED = 30
_NONE = "\N{EN DASH}"
_WORRYING_DROP = 6.0
"""Percentage points that a stress may cost before its figure is marked."""


def headline(split: str, evaluation: Evaluation) -> str:
    """Return the section with the key figures of one split."""
    cards = (
        (percent(evaluation.top1), "top-1: called right at the first guess", evaluation.top1_wilson),
        (
            percent(evaluation.macro_f1),
            "macro-F1: every label counts the same",
            evaluation.macro_f1_bootstrap,
        ),
        (
            percent(evaluation.calibration_error),
            "calibration error (ECE): how far scores are from the truth",
            evaluation.calibration_error_bootstrap,
        ),
        (percent(evaluation.top3), "top-3: among the best three guesses", None),
    )
    boxes = "".join(
        f'<div class="card"><b>{value}</b>{_interval(interval)}<div class="soft">{meaning}</div></div>'
        for value, meaning, interval in cards
    )
    note = (
        f'<p class="soft">{evaluation.photos} {text(split)} photos. Ranges hold the true value with 95 % '
        "confidence (top-1 by the formula of Wilson, the others by resampling).</p>"
    )
    return section(f"Result on {text(split)}", f'<div class="cards">{boxes}</div>', note)


def _interval(interval: Interval | None) -> str:
    if interval is None:
        return ""
    return f"<div>{100 * interval.low:.1f} to {100 * interval.high:.1f} %</div>"


def confusion(split: str, evaluation: Evaluation) -> str:
    """Return the section that shows what is taken for what."""
    labels = [row.label for row in evaluation.classes]
    counts = np.array(evaluation.confusion, np.int64).reshape(len(labels), len(labels))
    shown = _matrix(labels, counts) if len(labels) <= _LARGEST_MATRIX else _mixed_up(labels, counts)
    return section(
        f"Confusion on {text(split)}", shown, details("Precision and recall by label", _by_label(evaluation))
    )


def _matrix(labels: Sequence[str], counts: Any) -> str:
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    rows: list[Row] = [
        [
            name(label),
            *(
                Cell(str(count) if count else "", _shade(share, on_diagonal=row == column))
                for column, (count, share) in enumerate(zip(counts[row], shares[row], strict=True))
            ),
        ]
        for row, label in enumerate(labels)
    ]
    head = ["", *(f"<span>{name(label)}</span>" for label in labels)]
    return table(
        head, rows, caption="Rows: what the photo is. Columns: what it was called.", css_class="confusion"
    )


def _shade(share: float, *, on_diagonal: bool) -> str:
    tenth = math.ceil(7 * share) if share > 0 else 0
    return " ".join([*([f"s{tenth}"] if tenth else []), *(["right"] if on_diagonal else [])])


def _mixed_up(labels: Sequence[str], counts: Any) -> str:
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:_LISTED]
    places = [divmod(int(place), len(labels)) for place in order]
    rows = [
        (name(labels[row]), name(labels[column]), number(str(wrong[row, column])))
        for row, column in places
        if wrong[row, column]
    ]
    caption = f"The pairs most often mixed up; a matrix of {len(labels)} labels would not fit."
    return table(("is", "called", "photos"), rows, caption=caption)


def _by_label(evaluation: Evaluation) -> str:
    classes = sorted(evaluation.classes, key=lambda row: row.recall if row.recall is not None else 2.0)
    rows: list[Row] = [
        (
            name(row.label),
            number(str(row.photos)),
            *(number(_NONE if value is None else percent(value)) for value in (row.precision, row.recall)),
        )
        for row in classes[: 10 * _LISTED]
    ]
    caption = (
        "Lowest recall first. Precision: how often the label is right where it is given. "
        "Recall: how many photos of the label are found."
    )
    return table(("label", "photos", "precision", "recall"), rows, caption=caption)


def stress(page: RunPage) -> str:
    """Return the section on camera stress, nothing where it was not measured."""
    report = page.stress
    if report is None:
        return ""
    rows: list[Row] = [
        (
            name(row.name),
            STEP_NAMES.get(row.step, "-"),
            number(percent(row.top1)),
            Cell(_drop(report.drop_points(row)), _drop_class(report.drop_points(row))),
        )
        for row in report.rows
    ]
    averages = "".join(
        f"<p>Averaged over the {STEP_NAMES[step]} levels: {percent(report.mean_top1(step))} "
        f"({_drop(report.mean_drop_points(step))} points).</p>"
        for step in (1, 2)
        if report.at(step)
    )
    note = (
        f'<p class="soft">{report.photos} {text(" + ".join(page.stress_splits))} photos as a camera would '
        f"see them. Without stress {percent(report.clean_top1)} of them are called right.</p>"
    )
    return section(
        "Camera stress", note, averages, table(("stress", "level", "top-1", "change (points)"), rows)
    )


def _drop(points: float) -> str:
    return f"{-points:+.1f}".replace("-", "\N{MINUS SIGN}")


def _drop_class(points: float) -> str:
    return "number bad" if points > _WORRYING_DROP else "number"
