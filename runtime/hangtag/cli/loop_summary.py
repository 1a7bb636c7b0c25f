"""What a camera loop did, in a few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hangtag.cli.options import latency_line

if TYPE_CHECKING:
    from hangtag.tally import LoopSummary


def echo_summary(summary: LoopSummary) -> None:
    """Print what a loop did on standard error."""
    for line in _lines(summary):
        click.echo(line, err=True)


def _lines(summary: LoopSummary) -> list[str]:
    rate = summary.frames / summary.seconds if summary.seconds else 0.0
    dropped = f", {summary.counts.dropped} older ones skipped" if summary.counts.dropped else ""
    stopped = " (interrupted)" if summary.interrupted else ""
    lines = [f"{summary.frames} frames in {summary.seconds:.1f} s, {rate:.1f} a second{dropped}{stopped}"]
    if summary.labelled:
        share = 100 * summary.right / summary.labelled
        right = f"{summary.right} of {summary.labelled} frames with a known label right ({share:.1f} %)"
        lines.append(f"{right}, each for itself")
    lines += _troubles(summary)
    timed = (("prepare", summary.prepare), ("infer", summary.infer), ("capture to label", summary.age))
    return lines + [latency_line(title, latency) for title, latency in timed if latency is not None]


def _troubles(summary: LoopSummary) -> list[str]:
    """Return what went wrong on the way, nothing where nothing did."""
    counts = summary.counts
    lines = []
    if counts.rejected or counts.outages or counts.reconnects:
        lines.append(
            f"{counts.rejected} frames that show nothing, {counts.outages} outages, "
            f"{counts.reconnects} reconnections"
        )
    return lines + [
        f"{loss.name}: {loss.late} results came too fast for it, {loss.failed} failed"
        for loss in summary.losses
        if loss.late or loss.failed
    ]
