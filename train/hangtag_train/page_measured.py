"""The sections of a run's page that show measurements: the headline figures, the confusion, the stress."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hangtag.camera_stress import STEP_NAMES
from hangtag.metrics import CALIBRATION_BINS, FEWEST_FOR_CALIBRATION
from hangtag.page_parts import Cell, Row, details, name, number, percent, section, table, text

if TYPE_CHECKING:
    from hangtag.metrics import Evaluation, Interval
    from hangtag_train.run_page import RunPage

_LARGEST_MATRIX = 30
"""Labels; beyond it, pairs that are mixed up are listed in place of a matrix that nobody could read."""
_FITS_A_PHONE = 4
_WIDER_THAN_A_DESK = 20
"""Labels: the matrix of so few never needs to scroll, that of more does on most screens."""
_LISTED = 30
_NONE = "\N{EN DASH}"
_WORRYING_DROP = 6.0
"""Percentage points that a stress may cost before its figure is marked."""


def headline(split: str, evaluation: Evaluation) -> str:
    """Return the section with the key figures of one split."""
    cards = [
        _card(evaluation.top1, _range(evaluation.top1_wilson), "top-1: called right at the first guess"),
        _card(
            evaluation.macro_f1,
            _resampled(evaluation, evaluation.macro_f1_bootstrap),
            "macro-F1: every label counts the same",
        ),
        _card(
            evaluation.calibration_error,
            _resampled(evaluation, evaluation.calibration_error_bootstrap)
            if evaluation.calibration_tells
            else "<strong>too few photos to tell</strong>",
            "calibration error (ECE): how far scores are from the truth",
            doubtful=not evaluation.calibration_tells,
        ),
    ]
    if evaluation.top3_tells:
        cards.append(_card(evaluation.top3, "", "top-3: among the best three guesses"))
    boxes = f'<div class="cards">{"".join(cards)}</div>'
    return section(
        f"Result on {text(split)}", boxes, f'<p class="soft">{_headline_note(split, evaluation)}</p>'
    )


def _card(value: float, below: str, meaning: str, *, doubtful: bool = False) -> str:
    css_class = "card doubtful" if doubtful else "card"
    line = f"<div>{below}</div>" if below else ""
    return f'<div class="{css_class}"><b>{percent(value)}</b>{line}<div class="soft">{meaning}</div></div>'


def _headline_note(split: str, evaluation: Evaluation) -> str:
    others = ", the others by resampling" if evaluation.resampling_tells else ""
    sentences = [
        f"{evaluation.photos} {text(split)} photos.",
        f"Ranges hold the true value with 95 % confidence (top-1 by the formula of Wilson{others}).",
    ]
    if not evaluation.resampling_tells:
        sentences.append(
            f"Where {'every' if evaluation.top1 else 'no'} photo is called right, resampling cannot tell how "
            "far off the other figures may be."
        )
    if not evaluation.calibration_tells:
        sentences.append(
            f"The calibration error is averaged over {CALIBRATION_BINS} bins: with fewer than "
            f"{FEWEST_FOR_CALIBRATION} photos, 10 in each, it is mostly chance."
        )
    return " ".join(sentences)


def _resampled(evaluation: Evaluation, interval: Interval) -> str:
    return _range(interval) if evaluation.resampling_tells else "no range"


def _range(interval: Interval) -> str:
    return f"{100 * interval.low:.1f} to {100 * interval.high:.1f} %"


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
    caption = "Rows: what the photo is. Columns: what it was called."
    if len(labels) > _FITS_A_PHONE:
        hint = "hint always" if len(labels) > _WIDER_THAN_A_DESK else "hint"
        caption += f' <span class="{hint}">Where it is wider than the screen it scrolls sideways.</span>'
    return table(head, rows, caption=caption, css_class="confusion")


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
        f"see them. Without stress {percent(report.clean_top1)} of them are called right. One photo is worth "
        f"{report.photo_points:.3g} points: a difference of a photo or two says nothing.</p>"
    )
    return section(
        "Camera stress", note, averages, table(("stress", "level", "top-1", "change (points)"), rows)
    )


def _drop(points: float) -> str:
    return f"{-points:+.1f}".replace("-", "\N{MINUS SIGN}")


def _drop_class(points: float) -> str:
    return "number bad" if points > _WORRYING_DROP else "number"
