"""``python -m hangtag_benchmarks.camera.loop_age``: how old a label is when it leaves the loop.

A camera of 30 frames a second draws the moment into each picture; two models look at it: one of 5 ms, which
has time for every frame, and one of 200 ms, which has not. The slower model is the bundled one invoked again
and again: real load. Two ages are reported: what the loop tells (capture to label), and the true one, from
the stamp in the picture that was classified until it reached a sink.
"""

from __future__ import annotations

import sys

import click

from hangtag.cli.leaving import leave
from hangtag.errors import HangtagError
from hangtag_benchmarks.camera.aged_loop import COLUMNS, AgedRun, Target, missed, run_aged
from hangtag_benchmarks.camera.stamped_camera import StampedCamera
from hangtag_benchmarks.machine.environment import busy_note, conditions
from hangtag_benchmarks.reports.tables import Table

FAST_MS, SLOW_MS = 5.0, 200.0
LEAST_CLASSIFIED_PERCENT = 99.0
MOST_FAST_AGE_MS = 12.0
MOST_GROWTH_MB = 5.0


@click.command()
@click.option("--seconds", type=click.FloatRange(2), default=30.0, show_default=True, help="Of each run.")
@click.option("--fps", type=click.FloatRange(1, 120), default=30.0, show_default=True)
@click.option(
    "--switch-interval",
    "switch_ms",
    type=click.FloatRange(0.01, 100),
    help="Milliseconds after which Python's threads must give way to each other [Python's own: 5].",
)
def loop_age(seconds: float, fps: float, switch_ms: float | None) -> None:
    """Measure the age of labels; exit 1 where a target is missed."""
    busy = busy_note(conditions())
    if switch_ms is not None:
        sys.setswitchinterval(switch_ms / 1000)
    try:
        fast = run_aged(StampedCamera(fps=fps, seconds=seconds), FAST_MS)
        slow = run_aged(StampedCamera(fps=fps, seconds=seconds), SLOW_MS)
    except HangtagError as error:
        raise click.ClickException(str(error)) from None
    click.echo(Table(COLUMNS, (fast.row(f"{fps:g} fps"), slow.row(f"{fps:g} fps"))).text())
    click.echo()
    found = targets(fast, slow, interval_ms=1000 / fps)
    for target in found:
        click.echo(target.line())
    if busy is not None:
        click.echo(f"note: {busy}")
    leave(1 if missed(found) else 0)


def targets(fast: AgedRun, slow: AgedRun, *, interval_ms: float) -> list[Target]:
    """Return what must hold, for the loop's own ages and for the true ones."""
    slow_limit_ms = interval_ms + 1.1 * SLOW_MS
    return [
        Target(
            "5 ms model: frames classified",
            fast.classified_percent,
            LEAST_CLASSIFIED_PERCENT,
            "%",
            at_most=False,
        ),
        Target("5 ms model: p95 of the age", fast.told(95), MOST_FAST_AGE_MS, "ms"),
        Target("5 ms model: p95 of the true age", fast.true(95), MOST_FAST_AGE_MS, "ms"),
        Target("200 ms model: p95 of the age", slow.told(95), slow_limit_ms, "ms"),
        Target("200 ms model: p95 of the true age", slow.true(95), slow_limit_ms, "ms"),
        Target("5 ms model: memory grew by", fast.growth_mb, MOST_GROWTH_MB, "MB"),
        Target("200 ms model: memory grew by", slow.growth_mb, MOST_GROWTH_MB, "MB"),
    ]


if __name__ == "__main__":
    loop_age()
