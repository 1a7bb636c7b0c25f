"""Line charts as inline SVG, coloured by the page's style sheet so that they follow its dark mode."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

_WIDTH, _HEIGHT = 360, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 10, 10, 36


@dataclass(frozen=True, slots=True)
class Line:
    """One curve: its CSS class, its name in the legend, one value per step (not finite ones are left out)."""

    css_class: str
    name: str
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Mark:
    """A place worth pointing at: a dot at (step, value), steps counted from 0."""

    step: int
    value: float
    name: str


def line_chart(
    title: str,
    lines: Sequence[Line],
    *,
    x_label: str,
    boundaries: Sequence[int] = (),
    mark: Mark | None = None,
) -> str:
    """Return an SVG element with curves over steps counted from 1.

    Args:
        title: what is read out in place of the picture.
        lines: the curves, all of one length.
        x_label: what a step is.
        boundaries: steps after which a dotted vertical line stands.
        mark: a dot.
    """
    steps = max((len(line.values) for line in lines), default=0)
    finite = [value for line in lines for value in line.values if math.isfinite(value)]
    ticks = nice_ticks(min(finite, default=0.0), max(finite, default=1.0))
    low, high = ticks[0], ticks[-1]

    def x(step: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (step / (steps - 1) if steps > 1 else 0.5)

    def y(value: float) -> float:
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (high - value) / (high - low)

    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{html.escape(title)}">',
        f"<title>{html.escape(title)}</title>",
    ]
    for tick in ticks:
        parts.append(f'<path class="grid" d="M{_LEFT} {y(tick):.1f}H{_WIDTH - _RIGHT}"/>')
        parts.append(f'<text x="{_LEFT - 5}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    parts += [
        f'<text x="{x(step):.1f}" y="{_HEIGHT - _BOTTOM + 15}" text-anchor="middle">{step + 1}</text>'
        for step in _step_ticks(steps)
    ]
    parts.append(
        f'<text x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{_HEIGHT - 4}" text-anchor="middle">'
        f"{html.escape(x_label)}</text>"
    )
    parts += [
        f'<path class="boundary" d="M{x(boundary - 0.5):.1f} {_TOP}V{_HEIGHT - _BOTTOM}"/>'
        for boundary in boundaries
    ]
    for line in lines:
        parts.extend(
            _curve(line.css_class, [(x(step), y(value)) for step, value in run])
            for run in _finite_runs(line.values)
        )
    if mark is not None:
        parts.append(
            f'<circle class="mark" cx="{x(mark.step):.1f}" cy="{y(mark.value):.1f}" r="4.5">'
            f"<title>{html.escape(mark.name)}</title></circle>"
        )
    parts.append("</svg>")
    return "".join(parts)


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return about ``count`` round numbers, evenly apart, that reach from under ``low`` to over ``high``."""
    size = max(abs(low), abs(high), 1.0)
    # All but equal values get an axis of their own size, on which they are a flat line.
    span = high - low if high - low > 1e-4 * size else 0.1 * size
    rough = span / count
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * magnitude for factor in (1, 2, 2.5, 5, 10) if factor * magnitude >= rough * 0.999)
    first, last = math.floor(low / step), math.ceil(high / step)
    # Rounded: 3 * 0.1 is not 0.3.
    return [round(place * step, 12) for place in range(first, max(last, first + 1) + 1)]


def _step_ticks(steps: int) -> list[int]:
    """Return up to seven steps to write under the axis, counted from 0."""
    every = max(1, math.ceil((steps - 1) / 6))
    return list(range(0, steps, every))


def _finite_runs(values: Sequence[float]) -> list[list[tuple[int, float]]]:
    runs: list[list[tuple[int, float]]] = [[]]
    for step, value in enumerate(values):
        if math.isfinite(value):
            runs[-1].append((step, value))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _curve(css_class: str, points: Sequence[tuple[float, float]]) -> str:
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    if len(points) == 1:
        # A single point has no length; a round line cap shows it as a dot.
        return f'<path class="curve dot {html.escape(css_class)}" d="M{path}h0"/>'
    return f'<path class="curve {html.escape(css_class)}" d="M{path}"/>'
