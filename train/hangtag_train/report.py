"""The pictures of a run: learning curves and the confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from hangtag.files import whole_file
from hangtag_train.history import best_row
from hangtag_train.lettering import style, written
from hangtag_train.phases import epoch_axis, phase_ends, phase_words

if TYPE_CHECKING:
    from hangtag.metrics import Evaluation
    from hangtag_train.history import HistoryRow

_LONGEST_LABEL = 24
_LARGEST_LETTERED = 60
"""Labels; a larger matrix is drawn without their names and counts, which could not be read."""


def draw_curves(history: Sequence[HistoryRow], path: Path) -> None:
    """Plot loss and top-1 accuracy over the epochs of all phases.

    Args:
        history: at least one row.
        path: the PNG to write.

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
    top1 = 100 * best.validation_top1
    tuned = any(row.phase != "head" for row in history)
    loss.plot(steps, [row.train_loss for row in history], "--", label="training")
    loss.plot(steps, [row.validation_loss for row in history], label="validation")
    varied = "training (varied photos)" if tuned else "training"
    accuracy.plot(steps, [100 * row.train_top1 for row in history], "--", label=varied)
    accuracy.plot(steps, [100 * row.validation_top1 for row in history], label="validation")
    accuracy.plot(history.index(best) + 1, top1, "o", color="black", label=f"kept: {top1:.1f} %")
    for axes, title in ((loss, "cross-entropy"), (accuracy, "top-1 accuracy (%)")):
        for end in phase_ends(history):
            begins = f"{phase_words(history[end].phase)} begins"
            axes.axvline(end + 0.5, color="grey", linestyle=":", label=begins)
        axes.set_xlabel(epoch_axis(history))
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
