"""A soak in words and as a table."""

from __future__ import annotations

import math
from collections.abc import Iterator

from hangtag.raspberry_pi.firmware import throttle_reasons
from hangtag_benchmarks.reports.naming import soak_name
from hangtag_benchmarks.reports.tables import Table
from hangtag_benchmarks.soak.records import Soak, SoakFigure
from hangtag_benchmarks.soak.sustained import LEAST_FOR_PARTING, LEAST_MINUTES

MOST_LINES = 30
"""Minutes that a terminal is shown; of more, evenly some. The files hold all."""

SOAK_MEANINGS = (
    "p50, low, high: the median of the minute's runs and its 95 % interval.",
    "MHz: the working core's clock, median over the minute; °C: the processor's hottest sensor at its end.",
    "flags: of the firmware (vcgencmd get_throttled); others: cores that other programs kept busy.",
    "cold: the first minute after the warm-up, what a short benchmark would have found.",
    "sustained: the last third of the minutes, what remains once the machine is as warm as it will be.",
    (
        "They part at the first minute from which on nine of ten are slower than the cold one, the last "
        "among them: by 5 % or four spreads of neighbouring minutes, and with their interval above the cold "
        "one's."
    ),
)


def soak_plan_line(soak: Soak) -> str:
    """Return how it was measured."""
    what = "invocations" if soak.kind == "invoke" else "frames to labels"
    length = "" if soak.minute_s == 60 else f" of {soak.minute_s:g} s"
    return (
        f"soak: {len(soak.minutes)} of {soak.planned_minutes} minutes{length}, "
        f"{sum(minute.runs for minute in soak.minutes)} {what} without a pause, in one process"
    )


def soak_lines(soak: Soak) -> Iterator[str]:
    """Return what a soak found."""
    yield f"{soak_name(soak)}: {soak_plan_line(soak)}"
    yield f"cold: {_figure_words(soak.cold)}"
    if soak.sustained is None:
        yield f"sustained: not known of fewer than {LEAST_MINUTES} minutes"
    else:
        ratio = soak.sustained.p50_ms / soak.cold.p50_ms
        yield f"sustained: {_figure_words(soak.sustained)}: {ratio:.2f}x the cold median"
        yield _parting(soak)
    yield from _throttling(soak)
    if soak.accuracy is not None:
        yield (
            f"top-1 {soak.accuracy.top1:.3f} of {soak.accuracy.photos} photos, after the last minute "
            f"({soak.accuracy.split} split)"
        )


def _parting(soak: Soak) -> str:
    if len(soak.minutes) < LEAST_FOR_PARTING:
        return f"whether they part is not known of fewer than {LEAST_FOR_PARTING} minutes"
    if soak.parts_at is None:
        return "they do not part: from no minute on is it slower than the first by more than minutes differ"
    before, after = soak.minutes[soak.parts_at - 2], soak.minutes[soak.parts_at - 1]
    return (
        f"they part at minute {soak.parts_at}: its median is {after.p50_ms:.3f} ms, "
        f"that of the minute before {before.p50_ms:.3f} ms"
    )


def _throttling(soak: Soak) -> Iterator[str]:
    """Return since when the firmware or the kernel held the processor back."""
    for number, minute in enumerate(soak.minutes, start=1):
        reasons = throttle_reasons(minute.conditions.throttled or 0)
        if (minute.conditions.cooling_steps or 0) > 0:
            reasons.append("slowed down by the kernel")
        if reasons:
            yield f"held back first at the end of minute {number}: {', '.join(reasons)}"
            return


def _figure_words(figure: SoakFigure) -> str:
    first, last = figure.first_minute, figure.last_minute
    minutes = f"minute {first}" if first == last else f"minutes {first} to {last}"
    interval = figure.p50_interval
    known = "" if interval is None else f" (95 % CI {interval.low:.3f} to {interval.high:.3f})"
    parts = [f"{figure.p50_ms:.3f} ms{known}, {minutes}"]
    if figure.cpu_frequency_mhz is not None:
        parts.append(f"{figure.cpu_frequency_mhz:.0f} MHz")
    if figure.cpu_temperature_c is not None:
        parts.append(f"up to {figure.cpu_temperature_c:.1f} °C")
    return ", ".join(parts)


def soak_table(soak: Soak, most_lines: int | None = None) -> Table:
    """Return a line for each minute, without columns that nobody knows.

    Args:
        soak: what was found.
        most_lines: of more minutes, show evenly some; None shows all.
    """
    step = 1 if most_lines is None else math.ceil(len(soak.minutes) / most_lines)
    rows = [_cells(soak, number) for number in range(1, len(soak.minutes) + 1, step)]
    header = ("minute", "p50 ms", "low", "high", "p95", "runs", "MHz", "°C", "flags", "others")
    empty = {name for column, name in enumerate(header) if all(row[column] == "-" for row in rows)}
    return Table(header, tuple(rows), text_columns=0).without(empty)


def _cells(soak: Soak, number: int) -> tuple[str, ...]:
    minute = soak.minutes[number - 1]
    seen, interval = minute.conditions, minute.p50_interval
    return (
        str(number),
        f"{minute.p50_ms:.3f}",
        "-" if interval is None else f"{interval.low:.3f}",
        "-" if interval is None else f"{interval.high:.3f}",
        f"{minute.p95_ms:.3f}",
        str(minute.runs),
        "-" if seen.cpu_frequency_mhz is None else f"{seen.cpu_frequency_mhz:.0f}",
        "-" if seen.cpu_temperature_c is None else f"{seen.cpu_temperature_c:.1f}",
        "-" if seen.throttled is None else f"{seen.throttled:#x}",
        "-" if seen.others_load is None else f"{seen.others_load:.2f}",
    )
