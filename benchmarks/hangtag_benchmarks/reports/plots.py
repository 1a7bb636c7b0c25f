"""Plots of a benchmark as PNG files: every row's distribution of latencies, and what rows are worth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, NullLocator, StrMethodFormatter

from hangtag_benchmarks.records import Latency, Result, Row, RunSummary
from hangtag_benchmarks.reports.frontier import Frontier, Point, frontier
from hangtag_benchmarks.reports.naming import row_names, soak_name
from hangtag_benchmarks.reports.plot_theme import DAY, Theme, drawable, dress, entitle, figure, png, write
from hangtag_benchmarks.reports.report import marks
from hangtag_benchmarks.reports.report_tables import in_order
from hangtag_benchmarks.reports.soak_plot import soak_plot

_Values = npt.NDArray[np.float64]

LATENCY_NAME, FRONTIER_NAME, SOAK_NAME = "latency.png", "frontier.png", "soak.png"

_WIDE = 5.0
"""From this ratio of the largest to the smallest on, an axis is logarithmic."""

_LONG_NAME = 38
"""Characters of a name that leave no room for figures on its line."""

_ROW_IN, _AXIS_IN = 0.5, 0.55
_NAMES = {"invoke": "bare invocation", "end_to_end": "from frame to label"}


def plots(result: Result, theme: Theme = DAY) -> dict[str, bytes]:
    """Return the PNG files of a result by their names, as many as there is something to draw for."""
    drawn = {LATENCY_NAME: latency_plot(result, theme), FRONTIER_NAME: frontier_plot(result, theme)}
    if result.soak is not None:
        drawn[SOAK_NAME] = soak_plot(result.soak, soak_name(result.soak), theme)
    return {name: data for name, data in drawn.items() if data is not None}


def marked_figure(height_in: float, result: Result, theme: Theme) -> Figure:
    """Return an empty figure that says what must be known of a result before anything else."""
    words = [mark.partition(":")[0] for mark in marks(result)]
    drawn = figure(height_in + 0.25 * bool(words), theme)
    if words:
        entitle(drawn, f"{', '.join(words)}: do not quote", theme.second)
    return drawn


def latency_plot(result: Result, theme: Theme = DAY) -> bytes | None:
    """Draw a shape of all runs for each row, its median and its 95th percentile; None without a row.

    What lies beyond every row's 99th percentile is not in the picture; an arrow and the row's largest
    latency in figures stand for it.
    """
    names = dict(zip(map(id, result.rows), row_names(result), strict=True))
    shown = [(names[id(row)], row, main) for _, row in in_order(result) if (main := _main(row)) is not None]
    if not shown:
        return None
    drawn = marked_figure(_AXIS_IN + _ROW_IN * len(shown), result, theme)
    axes = drawn.subplots()
    dress(axes, theme)
    low = min(_lowest(main) for _, _, main in shown)
    high = max(_highest(main) for _, _, main in shown)
    is_log = high / low > _WIDE
    _scale_x(axes, low, high, is_log=is_log)
    for place, (name, row, main) in enumerate(shown):
        where = "" if row.invoke is not None else ", from frame to label"
        label = drawable(f"{name}{where}" if row.ranked else f"{name}{where}: unranked")
        write(axes, 0, place - 0.3, label, **_beside(axes, theme.ink))
        _draw_row(axes, place, main, theme.first if row.ranked else theme.soft, theme, is_log=is_log)
        _write_figures(axes, place, main.summary, theme, is_beside=len(label) > _LONG_NAME)
    axes.set_ylim(len(shown) - 0.35, -0.62)
    axes.set_yticks([])
    axes.set_xlabel("milliseconds: | p50, ¦ p95; the shape holds all runs")
    return png(drawn)


def _beside(axes: Axes, colour: str, side: str = "left") -> dict[str, Any]:
    """Return the style of text at a row's left or right end."""
    return {"transform": axes.get_yaxis_transform(), "size": 8, "va": "center", "ha": side, "color": colour}


def _main(row: Row) -> Latency | None:
    return row.invoke or row.end_to_end


def _lowest(latency: Latency) -> float:
    return latency.quantiles_ms[0] if latency.quantiles_ms else latency.summary.p50_ms


def _highest(latency: Latency) -> float:
    return latency.summary.p95_ms if latency.summary.p99_ms is None else latency.summary.p99_ms


def _scale_x(axes: Axes, low: float, high: float, *, is_log: bool) -> None:
    if is_log:
        axes.set_xscale("log")
        axes.set_xlim(low / 1.2, high * 1.25)
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        margin = 0.08 * (high - low) or 0.05 * high
        axes.set_xlim(low - margin, high + 2 * margin)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))


def _draw_row(axes: Axes, place: int, latency: Latency, colour: str, theme: Theme, *, is_log: bool) -> None:
    summary, at = latency.summary, place + 0.12
    if latency.quantiles_ms:
        x, height = _shape(latency.quantiles_ms, axes.get_xlim(), is_log=is_log)
        axes.fill_between(x, at - 0.22 * height, at + 0.22 * height, color=colour, linewidth=0.6)
        axes.plot([latency.quantiles_ms[0], summary.max_ms], [at, at], color=colour, linewidth=0.8)
    axes.plot([summary.p50_ms] * 2, [at - 0.27, at + 0.27], color=theme.ink, linewidth=1.4)
    axes.plot(
        [summary.p95_ms] * 2, [at - 0.2, at + 0.2], color=theme.second, linewidth=1.2, linestyle=(0, (2, 1))
    )
    beyond = summary.max_ms > axes.get_xlim()[1]
    if beyond:
        axes.plot([0.995], [at], ">", color=colour, markersize=4, transform=axes.get_yaxis_transform())


def _write_figures(axes: Axes, place: int, summary: RunSummary, theme: Theme, *, is_beside: bool) -> None:
    """Write a row's numbers at the end of its name's line, or beside its shape where the name is too long."""
    figures = f"{summary.p50_ms:.3g}, p95 {summary.p95_ms:.3g}, max {summary.max_ms:.3g}"
    x, y, side = 1.0, place - 0.3, "right"
    if is_beside:
        middle = (axes.transScale + axes.transLimits).transform((summary.p50_ms, place))[0]
        x, y, side = (0.97, place + 0.12, "right") if middle < 0.5 else (0.0, place + 0.12, "left")
    write(axes, x, y, figures, **_beside(axes, theme.soft, side))


def _shape(
    quantiles: Sequence[float], limits: tuple[float, float], *, is_log: bool
) -> tuple[_Values, _Values]:
    """Return places on the axis and the density there, from 0 to 1: a Gaussian kernel over the quantiles."""
    spread = np.log if is_log else np.asarray
    runs = np.asarray(spread(np.interp(np.linspace(0, 100, 501), np.arange(101), quantiles)), np.float64)
    first, last = (float(spread(limit)) for limit in limits)
    # Silverman's rule, for the middle half of the runs; and never narrower than can be seen.
    middle = float(np.subtract(*np.percentile(runs, [75, 25]))) / 1.34
    bandwidth = max(0.9 * middle * len(runs) ** -0.2, (last - first) / 300)
    grid = np.linspace(max(runs[0] - bandwidth, first), min(runs[-1] + bandwidth, last), 400)
    density = np.exp(-0.5 * ((grid[:, None] - runs) / bandwidth) ** 2).sum(axis=1)
    return np.asarray(np.exp(grid) if is_log else grid, np.float64), density / density.max()


def frontier_plot(result: Result, theme: Theme = DAY) -> bytes | None:
    """Draw accuracy over latency, with the size of the file as that of the circle; None with one row or none.

    Filled circles are the Pareto front. Numbers in the circles are those of the list below them.
    """
    found = frontier(result.rows)
    if len(found.points) < 2:
        return None
    drawn = marked_figure(2.9 + 0.17 * (len(found.points) + 2), result, theme)
    axes, below = drawn.subplots(2, height_ratios=[2.6, 0.17 * (len(found.points) + 2)])
    dress(axes, theme)
    medians = [point.p50_ms for point in found.points]
    _scale_x(axes, min(medians), max(medians), is_log=max(medians) / min(medians) > _WIDE)
    _draw_points(axes, result.rows, found, theme)
    axes.set_ylim(axes.get_ylim())  # the numbers' places are asked for: nothing may move any more
    _number_points(axes, found, theme)
    axes.set_xlabel(f"median {_NAMES[found.kind]}, ms (left is better)")
    axes.set_ylabel("top-1, %, with its 95 % interval")
    _draw_list(below, result, found, theme)
    return png(drawn)


def _draw_points(axes: Axes, rows: Sequence[Row], found: Frontier, theme: Theme) -> None:
    largest = max(point.size_bytes for point in found.points)
    for point in sorted(found.points, key=lambda one: _height(one, found)):
        accuracy = rows[point.place].accuracy
        if accuracy is not None:
            interval = accuracy.top1_interval
            ends = [100 * interval.low, 100 * interval.high]
            axes.plot([point.p50_ms] * 2, ends, color=theme.soft, linewidth=0.8, zorder=2)
        axes.scatter(
            [point.p50_ms],
            [100 * point.top1],
            s=90 + 380 * point.size_bytes / largest,
            facecolor=theme.first if point.place in found.front else theme.ground,
            edgecolor=theme.first,
            clip_on=False,
            zorder=3,
        )


def _height(point: Point, found: Frontier) -> tuple[bool, int]:
    """Return what puts circles in order, from the lowest: small ones and the front must not be hidden."""
    return point.place in found.front, -point.size_bytes


def _number_points(axes: Axes, found: Frontier, theme: Theme) -> None:
    """Write the numbers, those of circles that lie on each other together."""
    place_of = (axes.transScale + axes.transLimits).transform
    groups: list[tuple[_Values, list[int]]] = []
    for number, point in enumerate(found.points):
        at = np.asarray(place_of((point.p50_ms, 100 * point.top1)), np.float64)
        near = next((members for where, members in groups if np.abs(where - at).max() < 0.03), None)
        if near is None:
            groups.append((at, [number]))
        else:
            near.append(number)
    for _, members in groups:
        top = max((found.points[number] for number in members), key=lambda point: _height(point, found))
        write(
            axes,
            top.p50_ms,
            100 * top.top1,
            ",".join(str(number + 1) for number in members),
            color=theme.ground if top.place in found.front else theme.ink,
            ha="center",
            va="center",
            size=8 if len(members) == 1 else 6,
            zorder=4,
        )


def _draw_list(axes: Axes, result: Result, found: Frontier, theme: Theme) -> None:
    axes.set_axis_off()
    names = row_names(result)
    lines = ["filled: no other is as fast, as accurate and as small", "area of a circle: size of the file"]
    digits = len(str(len(found.points)))
    lines += [
        # Two blanks are as wide as a digit.
        f"{'  ' * (digits - len(str(number)))}{number}  {names[point.place]}: {point.p50_ms:.3g} ms, "
        f"{100 * point.top1:.1f} %, {point.size_bytes / 1e6:.1f} MB"
        for number, point in enumerate(found.points, 1)
    ]
    axes.set_ylim(len(lines), 0)
    for place, line in enumerate(lines):
        write(axes, 0, place + 0.5, line, **_beside(axes, theme.soft if place < 2 else theme.ink))
