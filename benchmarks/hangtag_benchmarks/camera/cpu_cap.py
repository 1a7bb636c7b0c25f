"""``python -m hangtag_benchmarks.camera.cpu_cap``: what ``--fps 5`` saves.

``hangtag camera`` runs as a user would run it, in a process of its own, once at 30 frames a second and once
with ``--fps 5``; counted is the CPU time of the whole process after its first result, on all cores, so that
imports and the opening of the model are left out. The target is for that. What the source costs by itself is
measured in a run without the loop and reported beside it, since sources differ in what they can save: of JPEG
frames on standard input only those that are taken are decoded; the simulated camera draws its garments anew
every 2.4 seconds however few frames are asked for, which no real camera does; and an RTSP camera goes on
sending 30 frames a second, which must be decoded all the same, since each frame of H.264 builds on the one
before. Whoever wants an RTSP camera to cost less lets the camera send less.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from hangtag.errors import BenchmarkError, HangtagError
from hangtag.sources import open_source
from hangtag.sources.byte_stream import ByteSource
from hangtag.sources.frame_bytes import frame_bytes
from hangtag.sources.live import LiveSource
from hangtag_benchmarks.camera.aged_loop import Target, missed
from hangtag_benchmarks.camera.stream_servers import RtspServer, why_no_rtsp
from hangtag_benchmarks.machine.environment import busy_note, conditions
from hangtag_benchmarks.reports.tables import Table

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


@dataclass(frozen=True, slots=True)
class Camera:
    """Something to run ``hangtag camera`` on.

    Args:
        name: what tables call it.
        arguments: of ``--source`` and after it.
        feeder: a program whose standard output is the standard input of ``hangtag camera``.
    """

    name: str
    arguments: tuple[str, ...]
    feeder: tuple[str, ...] = ()

    @contextlib.contextmanager
    def fed(self) -> Iterator[int]:
        """Run the feeder, if there is one; gives the descriptor to read it from, else that of nothing."""
        if not self.feeder:
            yield subprocess.DEVNULL
            return
        with subprocess.Popen(self.feeder, stdout=subprocess.PIPE) as program:
            assert program.stdout is not None  # noqa: S101 - it was asked for
            try:
                yield program.stdout.fileno()
            finally:
                program.kill()


SCENE = Camera("scene:", ("scene:", "--pace", "real-time"))
JPEG = Camera(
    "JPEG on standard input",
    ("-",),
    (
        *(sys.executable, "-m", "hangtag_benchmarks.camera.stamped_camera"),
        *("--jpeg", "--size", "640x480", "--fps", str(FULL_FPS)),
    ),
)


@click.command()
@click.option("--seconds", type=click.FloatRange(2), default=20.0, show_default=True, help="Of each run.")
def cpu_cap(seconds: float) -> None:
    """Measure the CPU use of hangtag camera at 30 and 5 fps; exit 1 where a target is missed."""
    busy = busy_note(conditions())
    notes = [busy] if busy else []
    try:
        runs = {camera.name: _pair(camera, seconds) for camera in (JPEG, SCENE)}
        if (why_not := why_no_rtsp()) is None:
            with RtspServer(fps=FULL_FPS) as server:
                runs["RTSP"] = _pair(Camera("RTSP", (server.url,)), seconds)
        else:
            notes.append(f"without RTSP: {why_not}")
    except HangtagError as error:
        raise click.ClickException(str(error)) from None
    rows = tuple(
        (
            f"{name}, --fps {fps}",
            f"{use.results_a_s:.1f}",
            *(f"{percent:.1f}" for percent in (use.all_percent, use.source_percent, use.loop_percent)),
        )
        for name, pair in runs.items()
        for fps, use in zip((FULL_FPS, CAPPED_FPS), pair, strict=True)
    )
    click.echo(Table(("run", "results/s", "CPU, % of a core", "source alone", "loop"), rows).text())
    click.echo()
    targets = list(verdicts(runs))
    notes += [
        f"{name}: of the loop alone, {100 * capped.loop_percent / full.loop_percent:.1f} %"
        for name, (full, capped) in runs.items()
    ]
    for line in [target.line() for target in targets] + [f"note: {note}" for note in notes]:
        click.echo(line)
    sys.exit(1 if missed(targets) else 0)


def verdicts(runs: Mapping[str, tuple[CpuUse, CpuUse]]) -> Iterator[Target]:
    """Give, for each source, the whole use at 5 frames a second over that at 30."""
    for name, (full, capped) in runs.items():
        share_percent = 100 * capped.all_percent / full.all_percent
        yield Target(f"{name}: CPU use at 5 fps over that at 30", share_percent, MOST_SHARE_PERCENT, "%")


def _pair(camera: Camera, seconds: float) -> tuple[CpuUse, CpuUse]:
    return cpu_use(camera, FULL_FPS, seconds), cpu_use(camera, CAPPED_FPS, seconds)


def cpu_use(camera: Camera, fps: int, seconds: float) -> CpuUse:
    """Run ``hangtag camera`` for some seconds after its first result, then its source alone.

    Raises:
        BenchmarkError: it gives no result.
    """
    with camera.fed() as descriptor:
        results_a_s, all_percent = _loop_use(camera, descriptor, fps, seconds)
    with camera.fed() as descriptor:
        return CpuUse(results_a_s, all_percent, _source_percent(camera, descriptor, fps, seconds))


def _loop_use(camera: Camera, descriptor: int, fps: int, seconds: float) -> tuple[float, float]:
    """Return results a second and the CPU use in percent of a core."""
    command = [
        *(sys.executable, "-m", "hangtag", "camera", "--headless", "--json"),
        *("--fps", str(fps), "--source", *camera.arguments),
    ]
    child = subprocess.Popen(command, stdin=descriptor, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert child.stdout is not None  # noqa: S101 - it was asked for
    try:
        if not child.stdout.readline():
            raise BenchmarkError(f"hangtag camera gives no result with {camera.name}")
        begun, before_s = time.monotonic(), _cpu_s(child.pid)
        results = 0
        while (passed_s := time.monotonic() - begun) < seconds and child.stdout.readline():
            results += 1
        cpu_s = _cpu_s(child.pid) - before_s
    finally:
        child.send_signal(signal.SIGTERM)
        child.communicate()
    return results / passed_s, 100 * cpu_s / passed_s


class _PipedFrames(ByteSource):
    """JPEG frames of a descriptor, as :class:`hangtag.sources.byte_stream.StdinSource` reads them."""

    def __init__(self, descriptor: int, fps: float) -> None:
        super().__init__("pipe", frame_bytes(None, None), fps)
        self._piped = descriptor

    def _descriptor(self) -> int:
        return self._piped

    def _ending(self, _: int) -> None:
        return None


def _source_percent(camera: Camera, descriptor: int, fps: int, seconds: float) -> float:
    """Return what reading a source costs, in percent of a core."""
    opened = (
        _PipedFrames(descriptor, fps)
        if camera.feeder
        else open_source(camera.arguments[0], fps=fps, real_time=True)
    )
    with opened as source:
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
