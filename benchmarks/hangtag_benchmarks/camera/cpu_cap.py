"""``python -m hangtag_benchmarks.camera.cpu_cap``: what ``--fps 5`` saves.

``hangtag camera`` runs as a user would run it, in a process of its own, once at 30 frames a second and once
with ``--fps 5``; counted is the CPU time that the process used between its first result and its end, on all
cores. The simulated camera makes fewer frames then; an RTSP camera goes on sending 30, which must be taken in
and decoded all the same (each frame of H.264 builds on the one before): only what comes after can be saved.
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
from hangtag_benchmarks.camera.aged_loop import Target, missed
from hangtag_benchmarks.camera.stream_servers import RtspServer, why_no_rtsp
from hangtag_benchmarks.environment import busy_note, conditions
from hangtag_benchmarks.tables import Table

FULL_FPS, CAPPED_FPS = 30, 5
MOST_SHARE_PERCENT = 25.0


@dataclass(frozen=True, slots=True)
class CpuUse:
    """CPU seconds used in so many seconds, for so many results."""

    cpu_s: float
    wall_s: float
    results: int

    @property
    def percent(self) -> float:
        """Of one core."""
        return 100 * self.cpu_s / self.wall_s


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
                runs["RTSP, H.264"] = _pair((server.url,), seconds)
        else:
            notes.append(f"without RTSP: {why_not}")
    except HangtagError as error:
        raise click.ClickException(str(error)) from None
    rows = tuple(
        (f"{name} --fps {fps}", f"{use.results / use.wall_s:.1f}", f"{use.percent:.1f}")
        for name, pair in runs.items()
        for fps, use in zip((FULL_FPS, CAPPED_FPS), pair, strict=True)
    )
    click.echo(Table(("run", "results/s", "CPU, % of a core"), rows).text())
    click.echo()
    targets = [
        Target(
            f"{name}: CPU use at 5 fps over that at 30",
            100 * capped.percent / full.percent,
            MOST_SHARE_PERCENT,
            "%",
        )
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
        begun, cpu_before_s = time.monotonic(), _cpu_s(child.pid)
        results = 0
        while (passed_s := time.monotonic() - begun) < seconds and child.stdout.readline():
            results += 1
        cpu_s = _cpu_s(child.pid) - cpu_before_s
    finally:
        child.send_signal(signal.SIGTERM)
        child.communicate()
    return CpuUse(cpu_s, passed_s, results)


def _cpu_s(pid: int) -> float:
    """Return the CPU time of a process, user and system, in seconds."""
    # After the name in brackets, which may hold anything: state is field 3, utime 14, stime 15.
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    cpu_cap()
