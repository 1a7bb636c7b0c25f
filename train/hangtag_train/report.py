"""The pictures of a run: learning curves and the confusion matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hangtag.files import whole_file
from hangtag.page_style import TRAINING_COLOUR, VALIDATION_COLOUR
from hangtag_train.history import best_row
from hangtag_train.lettering import style, written
from hangtag_train.phases import (
    HEAD,
    UNKNOWN,
    epoch_axis,
    kept_for,
    phase_ends,
    phase_words,
    varies_photos,
)

if TYPE_CHECKING:
    from hangtag.metrics import Evaluation
    from hangtag_train.history import HistoryRow

_FEW_EPOCHS = 12
"""Up to so many each is a point on its curve, and one alone can be seen."""
_LONGEST_LABEL = 24
_LARGEST_LETTERED = 60
"""Labels; a larger matrix is drawn without their names and counts, which could not be read."""


def draw_curves(history: Sequence[HistoryRow], path: Path, recipe: Mapping[str, Any] = UNKNOWN) -> None:
    """Plot loss and top-1 accuracy over the epochs of all phases, in the colours of the run's page.

    Args:
        history: at least one row.
        path: the PNG to write.
        recipe: the run's settings by name; the legend claims nothing that is not in them.

    Raises:
        ValueError: there is no row.
        OutputError: the file cannot be written.
    """
    if not history:
        raise ValueError("a history without rows has no curves")
    figure = Figure(figsize=(10, 4), layout="constrained")
    loss, accuracy = figure.subplots(1, 2)
    steps = np.arange(1, len(history) + 1)
    best = best_row(history)
    tuned = any(row.phase != HEAD for row in history)
    later = " in fine-tuning" if phase_ends(history) else ""
    varied = f"training (varied photos{later})" if tuned and varies_photos(recipe) else "training"
    marker = "o" if len(history) <= _FEW_EPOCHS else ""
    for axes, title, field, factor, kept in (
        (loss, "cross-entropy", "loss", 1.0, kept_for(best)),
        (accuracy, "top-1 accuracy (%)", "top1", 100.0, f"{100 * best.validation_top1:.1f} %"),
    ):
        for prefix, line, colour, label in (
            ("train", "--", TRAINING_COLOUR, varied),
            ("validation", "-", VALIDATION_COLOUR, "validation"),
        ):
            values = [factor * getattr(row, f"{prefix}_{field}") for row in history]
            axes.plot(steps, values, line, marker=marker, markersize=4, color=colour, label=label)
        place = history.index(best) + 1, factor * getattr(best, f"validation_{field}")
        # A ring, as on the page: what lies under it stays in sight.
        axes.plot(*place, "o", markersize=9, color="black", fillstyle="none", label=f"kept: {kept}")
        for end in phase_ends(history):
            begins = f"{phase_words(history[end].phase, recipe)} begins"
            axes.axvline(end + 0.5, color="grey", linestyle=":", label=begins)
        axes.set_xlim(0.5, len(history) + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.set_xlabel(epoch_axis(history, recipe))
        axes.set_title(title)
        axes.grid(alpha=0.3)
        axes.legend(fontsize="small")
    _save(figure, path)


def draw_confusion(evaluation: Evaluation, title: str, path: Path) -> None:
    """Draw the confusion matrix, coloured by each row's share, with the counts written in.

    Raises:
        OutputError: the file cannot be written.
    """
    counts = np.array(evaluation.confusion)
    labels = [written(row.label, _LONGEST_LABEL) for row in evaluation.classes]
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    lettered = len(labels) <= _LARGEST_LETTERED
    side = max(4.0, 1.5 + 0.6 * len(labels)) if lettered else 12.0
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.subplots()
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    axes.set_xlabel("called")
    axes.set_ylabel("is")
    axes.set_title(f"{title}: {evaluation.photos} photos, top-1 {100 * evaluation.top1:.1f} %")
    if lettered:
        axes.set_xticks(range(len(labels)), labels, rotation=45, ha="right", **style(labels))
        axes.set_yticks(range(len(labels)), labels, **style(labels))
        for row, column in np.argwhere(counts > 0):
            colour = "white" if share[row, column] > 0.5 else "black"
            axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=colour)
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    with whole_file(path) as temporary:
        figure.savefig(temporary, dpi=120)
