"""A picture of what a model loses under camera stress."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")  # pictures go to files; no screen is needed

from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.patches import Patch

from hangtag.camera_stress import STEP_NAMES
from hangtag.files import whole_file

if TYPE_CHECKING:
    from hangtag.stress_report import StressReport

_SHORT = 0.1
"""A bar of a lower top-1 has no room for its figure, which then stands beside it."""
_COLOURS = {1: "#2b6cb0", 2: "#90b4d8", 3: "#c9d8e8", 0: "#b8b8b8"}


def draw_stress(report: StressReport, title: str, path: Path) -> None:
    """Draw a bar of top-1 per stress, with the accuracy of the photos as they are as a line."""
    figure = Figure(figsize=(8, 1.5 + 0.28 * len(report.rows)), layout="constrained")
    axes = figure.subplots()
    places = range(len(report.rows))
    axes.barh(
        places,
        [100 * row.top1 for row in report.rows],
        color=[_COLOURS[row.step] for row in report.rows],
    )
    axes.axvline(100 * report.clean_top1, color="black", linewidth=1)
    for place, row in zip(places, report.rows, strict=True):
        short = row.top1 < _SHORT
        colour = "white" if row.step == 1 and not short else "black"
        start = 1 + (100 * row.top1 if short else 0)
        axes.text(start, place, f"{100 * row.top1:.1f}", va="center", color=colour)
    axes.set_yticks(places, [row.name for row in report.rows])
    axes.set_ylim(len(report.rows) - 0.4, -0.6)
    axes.set_xlim(0, 100)
    axes.set_xlabel(f"top-1 accuracy (%); one photo is worth {report.photo_points:.3g} points")
    axes.set_title(
        f"{title}: {report.photos} photos, {100 * report.clean_top1:.1f} % as they are (line),\n"
        f"{100 * report.mean_top1(1):.1f} % under moderate stress"
    )
    keys = [
        Patch(color=_COLOURS[step], label=STEP_NAMES[step] if step else "outside the averages")
        for step in (1, 2, 3, 0)
    ]
    figure.legend(handles=keys, loc="outside lower center", ncols=len(keys), fontsize="small")
    with whole_file(path) as temporary:
        figure.savefig(temporary, dpi=120)
