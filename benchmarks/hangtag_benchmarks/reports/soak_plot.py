"""What an hour of work does to a row: medians by the minute, with the temperature and the clock below."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from hangtag_benchmarks.reports.plot_theme import DAY, Theme, dress, entitle, figure, png
from hangtag_benchmarks.soak.records import Soak

_Panel = tuple[str, Sequence[float | None], str]


def soak_plot(soak: Soak, name: str, theme: Theme = DAY) -> bytes:
    """Draw a soak run as a PNG file; temperature and clock only where the machine tells them.

    Args:
        soak: with at least one minute.
        name: of its row, for the title.
        theme: the colours.
    """
    panels = [panel for panel in _panels(soak, theme) if any(value is not None for value in panel[1])]
    drawn = figure(2.1 + 1.05 * (len(panels) - 1), theme)
    ratios = [1.5, *[1.0] * (len(panels) - 1)]
    every = drawn.subplots(len(panels), sharex=True, squeeze=False, height_ratios=ratios)[:, 0]
    minutes = range(1, len(soak.minutes) + 1)
    for axes, (title, values, colour) in zip(every, panels, strict=True):
        dress(axes, theme)
        axes.set_ylabel(title)
        shown = [float("nan") if value is None else value for value in values]
        axes.plot(minutes, shown, color=colour, marker="o", markersize=2.5, linewidth=1.2)
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        if soak.parts_at is not None:
            axes.axvline(soak.parts_at, color=theme.ink, linewidth=1, linestyle=(0, (2, 2)))
    every[0].axhline(soak.cold.p50_ms, color=theme.soft, linewidth=0.8)
    every[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    parts = soak.parts_at
    when = "as cold all the time" if parts is None else f"slower than cold for good from minute {parts}"
    every[-1].set_xlabel(f"minute ({when})")
    entitle(drawn, name, theme.ink)
    return png(drawn)


def _panels(soak: Soak, theme: Theme) -> list[_Panel]:
    conditions = [one.conditions for one in soak.minutes]
    return [
        ("median, ms", [one.p50_ms for one in soak.minutes], theme.first),
        ("°C", [one.cpu_temperature_c for one in conditions], theme.second),
        ("MHz", [one.cpu_frequency_mhz for one in conditions], theme.second),
    ]
