"""``python -m hangtag_benchmarks.camera.true_age``: how old labels of network cameras really are.

Real servers on this machine, GStreamer's for RTSP and ffmpeg's for MJPEG over HTTP, serve pictures in which
the moment is drawn. The true age of a label is from that stamp to a sink of the loop: the server's coder, the
network's buffers, FFmpeg and the loop are all in it. What the loop tells begins when a frame arrived here.
Each source meets the bundled model, and one of 200 ms: frames are dropped then, and labels must not grow
older and older.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import click

from hangtag.cli.leaving import leave
from hangtag.errors import HangtagError
from hangtag.progress import Progress
from hangtag.sources.stream import StreamSource
from hangtag_benchmarks.camera.aged_loop import COLUMNS, AgedRun, Target, missed, run_aged
from hangtag_benchmarks.camera.stream_servers import (
    MjpegServer,
    RtspServer,
    StreamServer,
    why_no_mjpeg,
    why_no_rtsp,
)
from hangtag_benchmarks.machine.environment import busy_note, conditions
from hangtag_benchmarks.reports.tables import Table

FPS = 30
BUNDLED_MS, SLOW_MS = 0.0, 200.0
INTERVAL_MS = 1000 / FPS
PATH_MS = 2 * INTERVAL_MS + 20
"""What the way to us may take: coding, the frame that FFmpeg holds until the next one begins, decoding."""

MOST_GROWING_MS = 25.0
MOST_DIFFERENCE_MS = 50.0


@click.command()
@click.option("--seconds", type=click.FloatRange(3), default=30.0, show_default=True, help="Of each run.")
@click.option(
    "--size",
    type=click.Choice(["640x480", "1280x720"]),
    default="640x480",
    show_default=True,
    help="Of frames.",
)
def true_age(seconds: float, size: str) -> None:
    """Measure the true age of labels over RTSP and HTTP MJPEG; exit 1 where a target is missed."""
    logging.getLogger("hangtag").setLevel(logging.ERROR)
    busy, progress = busy_note(conditions()), Progress()
    width, height = (int(side) for side in size.split("x"))
    rows, targets, notes = [], [], []
    for name, why_not, server in _servers((width, height)):
        if why_not is not None:
            notes.append(f"without {name}: {why_not}")
            continue
        for model_ms in (BUNDLED_MS, SLOW_MS):
            progress.say(f"{name}, {f'a model of {model_ms:g} ms' if model_ms else 'the bundled model'}")
            try:
                run = _run(server(), name, model_ms, seconds)
            except HangtagError as error:
                raise click.ClickException(f"{name}: {error}") from None
            rows.append(run.row(name))
            targets += _targets(name, run, model_ms)
    if rows:
        click.echo(Table(COLUMNS, tuple(rows)).text())
        click.echo()
    for line in [target.line() for target in targets] + [f"note: {note}" for note in (*notes, busy) if note]:
        click.echo(line)
    leave(1 if missed(targets) or not rows else 0)


Servers = list[tuple[str, str | None, Callable[[], StreamServer]]]


def _servers(size_wh: tuple[int, int]) -> Servers:
    return [
        ("RTSP, TCP, H.264", why_no_rtsp(), lambda: RtspServer(size_wh=size_wh, fps=FPS)),
        ("RTSP, UDP, H.264", why_no_rtsp(), lambda: RtspServer(size_wh=size_wh, fps=FPS)),
        ("RTSP, TCP, MJPEG", why_no_rtsp(), lambda: RtspServer(codec="mjpeg", size_wh=size_wh, fps=FPS)),
        ("HTTP, MJPEG", why_no_mjpeg(), lambda: MjpegServer(size_wh=size_wh, fps=FPS)),
    ]


def _run(server: StreamServer, name: str, model_ms: float, seconds: float) -> AgedRun:
    with server:
        url = server.url + ("?udp" if "UDP" in name else "")
        return run_aged(StreamSource(url), model_ms, seconds=seconds)


def _targets(name: str, run: AgedRun, model_ms: float) -> list[Target]:
    kind = "200 ms model" if model_ms else "bundled model"
    limit_ms = PATH_MS + (INTERVAL_MS + 1.1 * model_ms if model_ms else 20)
    return [
        Target(f"{name}, {kind}: p95 of the true age", run.true(95), limit_ms, "ms"),
        Target(f"{name}, {kind}: older at the end by", run.growing_ms, MOST_GROWING_MS, "ms"),
        Target(
            f"{name}, {kind}: median of true age less told age",
            run.true(50) - run.told(50),
            MOST_DIFFERENCE_MS,
            "ms",
        ),
    ]


if __name__ == "__main__":
    true_age()
