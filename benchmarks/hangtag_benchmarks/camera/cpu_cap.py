"""``python -m hangtag_benchmarks.camera.cpu_cap``: what ``--fps 5`` saves.

``hangtag camera`` runs as a user would run it, in a process of its own, once at 30 frames a second and once
with ``--fps 5``; counted is the CPU time that the process used after its first result, on all cores. What the
source costs by itself is measured in a run without the loop: the simulated camera draws its garments anew
every 2.4 seconds however few frames are asked for, which a real camera does not; and an RTSP camera goes on
sending 30 frames a second, which must be taken in and decoded all the same, since each frame of H.264 builds
on the one before. The target is for what the loop adds; the whole is reported beside it. Whoever wants an
RTSP camera to cost less lets the camera send less.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import click

from hangtag.errors import BenchmarkError, HangtagError
from hangtag.sources import open_source
from hangtag.sources.live import LiveSource
from hangtag_benchmarks.camera.aged_loop import Target, missed
from hangtag_benchmarks.camera.stream_servers import RtspServer, why_no_rtsp
from hangtag_benchmarks.environment import busy_note, conditions
from hangtag_benchmarks.tables import Table

FULL_FPS, CAPPED_FPS = 30, 5
MOST_SHARE_PERCENT = 25.0


@dataclass(frozen=True, slots=True)
class CpuUse:
    """Results a second, and what they cost: percent of one core, in all and for the source alone."""

    results_a_s: float
    all_percent: float
    source_percent: float

    @property
    def loop_percent(self) -> float:
        """What is not the source's."""
        return self.all_percent - self.source_percent


@click.command()
@click.option("--seconds", type=click.FloatRange(2), default=20.0, show_default=True, help="Of each run.")
def cpu_cap(seconds: float) -> None:
    """Measure the CPU use of hangtag camera at 30 and 5 fps; exit 1 where a target is missed."""
    busy = busy_note(conditions())
    notes = [busy] if busy else []
    try:
        runs = {"scene:": _pair(("scene:", "--pace", "real-time"), seconds)}
        if (why_not := why_no_rtsp()) is None:
            with RtspServer(fps=FULL_FPS) as server:
                runs["RTSP:"] = _pair((server.url,), seconds)
        else:
            notes.append(f"without RTSP: {why_not}")
    except HangtagError as error:
        raise click.ClickException(str(error)) from None
    rows = tuple(
        (
            f"{name} --fps {fps}",
            f"{use.results_a_s:.1f}",
            *(f"{percent:.1f}" for percent in (use.all_percent, use.source_percent, use.loop_percent)),
        )
        for name, pair in runs.items()
        for fps, use in zip((FULL_FPS, CAPPED_FPS), pair, strict=True)
    )
    click.echo(Table(("run", "results/s", "CPU, % of a core", "source alone", "loop"), rows).text())
    click.echo()
    targets = [
        Target(
            f"{name} the loop's CPU use at 5 fps over that at 30",
            100 * capped.loop_percent / full.loop_percent,
            MOST_SHARE_PERCENT,
            "%",
        )
        for name, (full, capped) in runs.items()
    ]
    notes += [
        f"{name} with the source, {100 * capped.all_percent / full.all_percent:.1f} %"
        for name, (full, capped) in runs.items()
    ]
    for line in [target.line() for target in targets] + [f"note: {note}" for note in notes]:
        click.echo(line)
    sys.exit(1 if missed(targets) else 0)


def _pair(source: tuple[str, ...], seconds: float) -> tuple[CpuUse, CpuUse]:
    return cpu_use(source, FULL_FPS, seconds), cpu_use(source, CAPPED_FPS, seconds)


def cpu_use(source: tuple[str, ...], fps: int, seconds: float) -> CpuUse:
    """Run ``hangtag camera`` for some seconds after its first result.

    Raises:
        BenchmarkError: it gives no result.
    """
    command = [
        *(sys.executable, "-m", "hangtag", "camera", "--headless", "--json"),
        *("--fps", str(fps), "--source", *source),
    ]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert child.stdout is not None  # noqa: S101 - it was asked for
    try:
        first = child.stdout.readline()
        if not first:
            raise BenchmarkError(f"hangtag camera --source {source[0]} gives no result")
        begun, before_s = time.monotonic(), _cpu_s(child.pid)
        results = 0
        while (passed_s := time.monotonic() - begun) < seconds and child.stdout.readline():
            results += 1
        cpu_s = _cpu_s(child.pid) - before_s
    finally:
        child.send_signal(signal.SIGTERM)
        child.communicate()
    alone = _source_percent(source[0], fps, seconds)
    return CpuUse(results / passed_s, 100 * cpu_s / passed_s, alone)


def _source_percent(spelling: str, fps: int, seconds: float) -> float:
    """Return what reading a source costs, in percent of a core."""
    with open_source(spelling, fps=fps, real_time=True) as source:
        assert isinstance(source, LiveSource)  # noqa: S101 - streams are, and what is paced
        frames = source.delivered()
        next(frames)
        begun, before_s = time.monotonic(), time.process_time()
        while time.monotonic() - begun < seconds:
            next(frames)
        return 100 * (time.process_time() - before_s) / (time.monotonic() - begun)


def _cpu_s(pid: int) -> float:
    """Return the CPU time of a process, user and system, in seconds."""
    # After the name in brackets, which may hold anything: state is field 3, utime 14, stime 15.
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    cpu_cap()
