"""What an hour of work does to a row: medians by the minute, with the temperature and the clock below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.ticker import StrMethodFormatter

from hangtag_benchmarks.plot_theme import DAY, Theme, dress, entitle, figure, png


@dataclass(frozen=True, slots=True)
class SoakCurve:
    """One row minute by minute; all sequences are of one length.

    Args:
        name: of the row.
        minutes: since the start, ascending.
        p50_ms: the median of the minute's invocations; None where there was none.
        temperature_c: at the minute's end; None where the machine does not tell.
        frequency_mhz: likewise.
        cold_ms: the median at first.
        parts_at_minute: from where on the median stays away from ``cold_ms``; None where it never does.
    """

    name: str
    minutes: Sequence[float]
    p50_ms: Sequence[float | None]
    temperature_c: Sequence[float | None]
    frequency_mhz: Sequence[float | None]
    cold_ms: float
    parts_at_minute: float | None


def soak_plot(curve: SoakCurve, theme: Theme = DAY) -> bytes:
    """Draw a soak run as a PNG file; temperature and clock only where the machine tells them."""
    panels = [("median, ms", curve.p50_ms, theme.first)]
    panels += [
        (title, values, theme.second)
        for title, values in (("°C", curve.temperature_c), ("MHz", curve.frequency_mhz))
        if any(value is not None for value in values)
    ]
    drawn = figure(2.1 + 1.05 * (len(panels) - 1), theme)
    every = drawn.subplots(
        len(panels), sharex=True, squeeze=False, height_ratios=[1.5, *[1] * (len(panels) - 1)]
    )[:, 0]
    for axes, (title, values, colour) in zip(every, panels, strict=True):
        dress(axes, theme)
        axes.set_ylabel(title)
        shown = [float("nan") if value is None else value for value in values]
        axes.plot(curve.minutes, shown, color=colour, marker="o", markersize=2.5, linewidth=1.2)
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        if curve.parts_at_minute is not None:
            axes.axvline(curve.parts_at_minute, color=theme.ink, linewidth=1, linestyle=(0, (2, 2)))
    every[0].axhline(curve.cold_ms, color=theme.soft, linewidth=0.8)
    parts = curve.parts_at_minute
    when = "stays as it was cold" if parts is None else f"leaves its cold median at minute {parts:g}"
    entitle(drawn, f"{curve.name}: {when}", theme.ink)
    every[-1].set_xlabel("minutes")
    return png(drawn)
