"""The pictures of a run: learning curves and the confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")  # pictures go to files; no screen is needed

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from hangtag.files import whole_file

if TYPE_CHECKING:
    from hangtag.metrics import Evaluation
    from hangtag_train.fit import HistoryRow


def draw_curves(history: Sequence[HistoryRow], path: Path) -> None:
    """Plot loss and top-1 accuracy of both phases over their epochs."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    loss, accuracy = figure.subplots(1, 2)
    steps = np.arange(1, len(history) + 1)
    loss.plot(steps, [row.train_loss for row in history], label="training (smoothed labels when fine-tuning)")
    loss.plot(steps, [row.validation_loss for row in history], label="validation")
    accuracy.plot(steps, [100 * row.train_top1 for row in history], label="training (varied photos)")
    accuracy.plot(steps, [100 * row.validation_top1 for row in history], label="validation")
    best = max(range(len(history)), key=lambda index: history[index].rank)
    accuracy.plot(
        best + 1, 100 * history[best].validation_top1, "o", color="black",
        label=f"kept: {100 * history[best].validation_top1:.1f} %",
    )  # fmt: skip
    head_epochs = sum(row.phase == "head" for row in history)
    for axes, title in ((loss, "cross-entropy"), (accuracy, "top-1 accuracy (%)")):
        if 0 < head_epochs < len(history):
            axes.axvline(head_epochs + 0.5, color="grey", linestyle=":", label="fine-tuning begins")
        axes.set_xlabel("epoch: linear head, then fine-tuning")
        axes.set_title(title)
        axes.grid(alpha=0.3)
        axes.legend(fontsize="small")
    _save(figure, path)


def draw_confusion(evaluation: Evaluation, title: str, path: Path) -> None:
    """Draw the confusion matrix, coloured by each row's share, with the counts written in."""
    counts = np.array(evaluation.confusion)
    labels = [row.label for row in evaluation.classes]
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = max(4.0, 1.5 + 0.6 * len(labels))
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.subplots()
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    # A label is text, not mathematics: "$" is a character.
    axes.set_xticks(range(len(labels)), labels, rotation=45, ha="right", parse_math=False)
    axes.set_yticks(range(len(labels)), labels, parse_math=False)
    axes.set_xlabel("called")
    axes.set_ylabel("is")
    axes.set_title(f"{title}: {evaluation.photos} photos, top-1 {100 * evaluation.top1:.1f} %")
    for row, column in np.argwhere(counts > 0):
        colour = "white" if share[row, column] > 0.5 else "black"
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=colour)
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    with whole_file(path) as temporary:
        figure.savefig(temporary, dpi=120)
