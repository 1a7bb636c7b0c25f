"""What the HTTP preview costs inference: nobody there, one viewer, and under attack.

``python -m hangtag_benchmarks.camera.preview_load`` runs the camera loop on a paced scene of 30 frames
a second and compares the time of the model and the age of the label in phases that take turns: without one
(``none``), with one that nobody asks (``quiet``), with one page open (``viewer``), and under attack (200
connections that say little or nothing, headers without end, garbage, streams that are not read, and 40
requests at once, again and again; ``attack``). ``--both`` measures the server in a thread, too. Exit code 1
when a target is missed.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import click
import numpy as np

from hangtag.classifier import Classifier
from hangtag.pipeline import LoopSettings, run_loop
from hangtag.result import Result
from hangtag.scene import Scene, SceneSettings
from hangtag.sinks.base import Sink
from hangtag.sinks.preview import Preview
from hangtag.sources.base import Frame, Source
from hangtag.sources.pace import PacedSource
from hangtag_benchmarks.camera.interleaved import Block, Latencies, take_turns

MOST_INFER_RATIO = 1.10
"""How much longer the model may take at the median, under attack, than without a preview."""

MOST_AGE_P95_RATIO = 1.50
_FPS = 30.0
_FRAMES = 60
_SETTLE_S = 1.5


class PreparedScene(Source):
    """Frames of the scene that were made before, again and again: making them takes no time from the loop."""

    fps = _FPS
    shown = "scene:"

    def __init__(self) -> None:
        scene = Scene(SceneSettings(seed=1, fps=_FPS))
        self._images = [scene.frame(4 * number).image_bgr for number in range(_FRAMES)]

    def __iter__(self) -> Iterator[Frame]:
        number = 0
        while True:
            image = self._images[number % len(self._images)]
            yield Frame(image, number, number / _FPS, time.monotonic())
            number += 1


class _Times(Sink):
    """Keeps the model's time and the label's age, once things have settled."""

    name = "times"
    backlog = 64

    def __init__(self) -> None:
        self.infer_ms: list[float] = []
        self.age_ms: list[float] = []
        self._from_s = time.monotonic() + _SETTLE_S

    def write(self, result: Result) -> None:
        if result.frame.captured_s >= self._from_s:
            self.infer_ms.append(result.infer_ms)
            self.age_ms.append(result.age_ms)


@contextlib.contextmanager
def _clients(kind: str | None, preview: Preview) -> Iterator[None]:
    """Let clients loose on a preview meanwhile, and say how many connections they made."""
    if kind is None:
        yield
        return
    port = preview.url.rstrip("/").rpartition(":")[2]
    process = subprocess.Popen(
        [sys.executable, "-m", "hangtag_benchmarks.camera.preview_clients", kind, port],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # They complain of how they are treated.
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield
    finally:
        made, _ = process.communicate()
        click.echo(f"{kind}: {made.strip()} connections", err=True)


@dataclass(frozen=True, slots=True)
class Phase:
    """What goes on: ``server`` is None, "process" or "thread", ``clients`` a kind of clients or None."""

    server: str | None
    clients: str | None = None

    @property
    def name(self) -> str:
        """What tables call it."""
        return "none" if self.server is None else f"{self.server}, {self.clients or 'quiet'}"

    def block(self, scene: PreparedScene, classifier: Classifier, seconds: float) -> Block:
        """Return what runs the loop for so many seconds, and gives the model's times, then the ages."""

        def run() -> Sequence[float]:
            times = _Times()
            sinks: list[Sink] = [times]
            settings = LoopSettings(max_frames=round((seconds + _SETTLE_S) * _FPS))
            with contextlib.ExitStack() as stack:
                if self.server is not None:
                    preview = Preview("127.0.0.1", 0, in_thread=self.server == "thread")
                    sinks.append(preview)
                    stack.enter_context(_clients(self.clients, preview))
                run_loop(PacedSource(scene), classifier, sinks, settings)
            return [*times.infer_ms, *times.age_ms]

        return run


def phases(*, both: bool) -> list[Phase]:
    """Return what is compared; the first is what the others are divided by."""
    kinds = (None, "viewer", "attack")
    servers = ("process", "thread") if both else ("process",)
    return [Phase(None), *(Phase(server, kind) for server in servers for kind in kinds)]


def _halves(latencies: Latencies, name: str) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return the model's times and the ages of a phase, by round."""
    pairs = [np.split(np.asarray(values), 2) for values in latencies[name]]
    return [infer for infer, _ in pairs], [age for _, age in pairs]


Percentiles = tuple[float, float]
"""The median and the 95th percentile."""


@dataclass(frozen=True, slots=True)
class Row:
    """A phase: milliseconds over all rounds, and ratios to the first phase, medians over rounds."""

    name: str
    infer: Percentiles
    age: Percentiles
    frames: int
    infer_p50_ratio: float
    age_p95_ratio: float

    def line(self) -> str:
        """Return the row as text."""
        return (
            f"{self.name:<16} {self.infer[0]:7.2f} {self.infer[1]:7.2f} {self.age[0]:7.2f} "
            f"{self.age[1]:7.2f} {self.frames:7d} {self.infer_p50_ratio:9.3f} {self.age_p95_ratio:9.3f}"
        )


def rows(latencies: Latencies) -> list[Row]:
    """Sum the rounds up."""
    base_infer, base_age = _halves(latencies, Phase(None).name)
    made = []
    for name in latencies:
        infer, age = _halves(latencies, name)
        made.append(
            Row(
                name,
                _percentiles(infer),
                _percentiles(age),
                sum(map(len, age)),
                _ratio(infer, base_infer, 50),
                _ratio(age, base_age, 95),
            )
        )
    return made


def _percentiles(rounds: list[np.ndarray]) -> Percentiles:
    median, high = np.percentile(np.concatenate(rounds), (50, 95))
    return float(median), float(high)


def _ratio(over: list[np.ndarray], under: list[np.ndarray], percentile: float) -> float:
    """Return the median over rounds of the ratio of a percentile: a round's phases met the same machine."""
    ratios = [
        np.percentile(above, percentile) / np.percentile(below, percentile)
        for above, below in zip(over, under, strict=True)
    ]
    return float(np.median(ratios))


@click.command()
@click.option("--rounds", type=click.IntRange(1), default=6, show_default=True)
@click.option("--seconds", type=click.FloatRange(1), default=8.0, show_default=True, help="A phase takes.")
@click.option("--both", is_flag=True, help="Measure a server in a thread as well.")
def main(rounds: int, seconds: float, both: bool) -> None:
    """Measure, print a table, and say whether the targets hold."""
    scene, classifier = PreparedScene(), Classifier.bundled()
    blocks = {phase.name: phase.block(scene, classifier, seconds) for phase in phases(both=both)}
    latencies = take_turns(blocks, rounds)
    click.echo(
        f"{'preview':<16} {'infer':>7} {'p95':>7} {'age':>7} {'p95':>7} {'frames':>7} "
        f"{'infer':>9} {'age p95':>9}"
    )
    table = rows(latencies)
    for row in table:
        click.echo(row.line())
    missed = [
        f"{row.name}: {what} {value:.3f} of that without a preview; at most {most} wanted"
        for row in table
        if not row.name.startswith("thread")
        for what, value, most in (
            ("the model's median time is", row.infer_p50_ratio, MOST_INFER_RATIO),
            ("the age's 95th percentile is", row.age_p95_ratio, MOST_AGE_P95_RATIO),
        )
        if value > most
    ]
    for line in missed:
        click.echo(f"MISSED {line}")
    if missed:
        raise SystemExit(1)
    click.echo("all targets reached")


if __name__ == "__main__":
    main()
