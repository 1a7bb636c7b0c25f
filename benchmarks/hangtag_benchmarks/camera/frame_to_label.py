"""``python -m hangtag_benchmarks.camera.frame_to_label``: what a label costs beyond the bare model.

Three things take turns, in short blocks of random order within one run, so that a clock that drifts or a busy
neighbour meets all alike: the bare invocation of the model; the whole way from a camera's frame to its label,
at two frame sizes; and the same frames through MediaPipe Tasks' ImageClassifier, in a process that rests
meanwhile. Before each call, and outside of its time, a frame is written as a camera's driver has just written
the newest one: frames that lie in memory since the last round are not what a device meets. The model runs on
one thread, and so does OpenCV unless it is told otherwise. A ratio is that of
two medians; its interval comes from drawing whole rounds again, since the calls of a block share their luck.
"""

from __future__ import annotations

import contextlib
import functools
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import cv2
import numpy as np

from hangtag.classifier import Classifier, bundled_model
from hangtag.contract import InputSpec, Kernel
from hangtag.errors import HangtagError
from hangtag.latency import summarize
from hangtag.mediapipe import region_of_interest, why_no_mediapipe
from hangtag.model_probe import open_untrusted
from hangtag.preprocess import Image
from hangtag.progress import Progress
from hangtag.scene import Scene, SceneSettings
from hangtag_benchmarks.camera.arriving import arriving
from hangtag_benchmarks.camera.interleaved import Block, Latencies, Ratio, ratio_of_medians, take_turns
from hangtag_benchmarks.camera.mediapipe_peer import HOW_TO_MAKE_IT, PYTHON, MediaPipePeer
from hangtag_benchmarks.camera.resampling import with_kernel
from hangtag_benchmarks.machine.environment import busy_note, conditions
from hangtag_benchmarks.protocol import timed_ms
from hangtag_benchmarks.reports.tables import Table

MOST_TIMES_BARE = 1.10
LEAST_TIMES_FASTER = 1.3

BARE = "bare invoke"
_SIZES_WH = ((640, 480), (1920, 1080))
_FRAMES = 4
"""Of each size, in turn: as many as a camera's buffers hold."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is timed: ``rounds`` of a block each, a block of ``warmup`` calls and ``calls`` that count."""

    rounds: int
    warmup: int
    calls: int


# What rested meanwhile has lost its caches to the others: warm-up calls are those that it takes to be back.
_FULL = Plan(rounds=60, warmup=5, calls=15)
_QUICK = Plan(rounds=12, warmup=2, calls=5)


@dataclass(frozen=True, slots=True)
class Frames:
    """Frames of one size, BGR uint8, and the same as a .npy file for MediaPipe."""

    size_wh: tuple[int, int]
    pictures: tuple[Image, ...]
    path: Path

    @classmethod
    def drawn(cls, size_wh: tuple[int, int], folder: Path) -> Frames:
        """Take them from the simulated camera."""
        scene = Scene(SceneSettings(seed=1, size_wh=size_wh))
        pictures = tuple(scene.frame(20 * number).image_bgr for number in range(_FRAMES))
        path = folder / f"{size_wh[0]}x{size_wh[1]}.npy"
        np.save(path, np.stack(pictures))
        return cls(size_wh, pictures, path)

    @property
    def name(self) -> str:
        """What tables call the size."""
        return f"{self.size_wh[0]}x{self.size_wh[1]}"


@click.command()
@click.argument("model", required=False, type=click.Path(path_type=Path))
@click.option("--quick", is_flag=True, help="A tenth of the calls: a first impression.")
@click.option(
    "--mediapipe-python",
    type=click.Path(path_type=Path),
    default=PYTHON,
    show_default=True,
    help="The Python of an environment that has MediaPipe.",
)
@click.option(
    "--without-mediapipe",
    is_flag=True,
    help="Leave its target out; else it must be there to be compared with.",
)
@click.option(
    "--kernel",
    type=click.Choice([kernel.value for kernel in Kernel]),
    help="Resize by another kernel than the contract's.",
)
@click.option(
    "--opencv-threads", type=click.IntRange(1), default=1, show_default=True, help="For resizing alone."
)
def frame_to_label(
    model: Path | None,
    *,
    quick: bool,
    mediapipe_python: Path,
    without_mediapipe: bool,
    kernel: str | None,
    opencv_threads: int,
) -> None:
    """Time MODEL (the bundled one, if none is given) from frame to label.

    Exit code 1 where a target is missed, or could not be measured.
    """
    progress = Progress()
    try:
        cv2.setNumThreads(opencv_threads)
        classifier = Classifier(bundled_model()) if model is None else open_untrusted(model)
        if kernel is not None:
            classifier = with_kernel(classifier, Kernel(kernel))
        python = None if without_mediapipe else mediapipe_python
        all_reached = _measured(classifier, _QUICK if quick else _FULL, python, progress)
    except HangtagError as error:
        raise click.ClickException(str(error)) from None
    sys.exit(0 if all_reached else 1)


def _measured(classifier: Classifier, plan: Plan, python: Path | None, progress: Progress) -> bool:
    """Time and say it all; return whether every target was measured and reached."""
    busy = busy_note(conditions())
    with contextlib.ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="hangtag-frames-")))
        sizes = [Frames.drawn(size_wh, folder) for size_wh in _SIZES_WH]
        blocks = hangtag_blocks(classifier, sizes, plan)
        peer = _peer_or_why(classifier, python, folder) if python is not None else None
        if isinstance(peer, MediaPipePeer):
            blocks |= mediapipe_blocks(opened.enter_context(peer), classifier.contract.input, sizes, plan)
        progress.say(f"{plan.rounds} rounds of {len(blocks)} blocks, {plan.calls} calls each")
        latencies = take_turns(blocks, plan.rounds)
    click.echo(table(latencies).text())
    click.echo()
    ratios = list(verdicts(latencies, sizes))
    for ratio in ratios:
        click.echo(ratio.line())
    if isinstance(peer, str):
        click.echo(f"NOT MEASURED: MediaPipe / Hangtag, wanted at least {LEAST_TIMES_FASTER:.2f}: {peer}")
    elif peer is not None:
        click.echo(f"note: MediaPipe {peer.version}")
    if busy is not None:
        click.echo(f"note: {busy}")
    return not isinstance(peer, str) and all(ratio.reached for ratio in ratios)


def _peer_or_why(classifier: Classifier, python: Path, folder: Path) -> MediaPipePeer | str:
    """Return MediaPipe with the model open, or why it stays out.

    Raises:
        BenchmarkError: it is there and fails.
    """
    refused = why_no_mediapipe(classifier.model)
    if refused is not None:
        return f"MediaPipe cannot run this model: {refused}"
    if not python.exists():
        return (
            f"there is no {python}; in a checkout this makes it: {HOW_TO_MAKE_IT}; "
            "--without-mediapipe leaves the target out"
        )
    path = folder / "model.tflite"
    path.write_bytes(classifier.model.data)
    return MediaPipePeer(python, path)


def hangtag_blocks(classifier: Classifier, sizes: Sequence[Frames], plan: Plan) -> dict[str, Block]:
    """Return the bare invocation and, for each size, the way from frame to label."""
    invoke = classifier.interpreter.invoke
    blocks: dict[str, Block] = {BARE: functools.partial(_timed_calls, lambda _: invoke, plan)}
    for frames in sizes:
        camera = arriving(frames.pictures)

        def classify_next(number: int, camera: Callable[[int], Image] = camera) -> Callable[[], object]:
            return functools.partial(classifier.classify, camera(number))

        blocks[_ours(frames)] = functools.partial(_timed_calls, classify_next, plan)
    return blocks


def _timed_calls(ready: Callable[[int], Callable[[], object]], plan: Plan) -> list[float]:
    """Get each call ready, run it, and return the latencies of those that count, in milliseconds."""
    numbers = range(plan.warmup + plan.calls)
    return [timed_ms(ready(number), time.perf_counter_ns) for number in numbers][plan.warmup :]


def mediapipe_blocks(
    peer: MediaPipePeer, spec: InputSpec, sizes: Sequence[Frames], plan: Plan
) -> dict[str, Block]:
    """Return, for each size, MediaPipe on the whole frame, on the part that the contract takes, and on RGB.

    A camera's frame is BGR and MediaPipe takes RGB: the last does without that step, for comparison.
    """
    blocks: dict[str, Block] = {}
    for frames in sizes:
        whole, part = _theirs(frames)
        region = region_of_interest(frames.size_wh, spec)
        for name, seen, swap in ((whole, None, True), (part, region, True), (f"{part}, RGB", region, False)):
            blocks[name] = functools.partial(
                peer.classify, frames.path, seen, swap=swap, warmup=plan.warmup, calls=plan.calls
            )
    return blocks


def _ours(frames: Frames) -> str:
    return f"Hangtag, {frames.name}"


def _theirs(frames: Frames) -> tuple[str, str]:
    return f"MediaPipe, {frames.name}", f"MediaPipe, {frames.name}, region of interest"


def verdicts(latencies: Latencies, sizes: Sequence[Frames]) -> Iterator[Ratio]:
    """Give every ratio that there is a target for."""
    for frames in sizes:
        yield ratio_of_medians(
            f"{_ours(frames)} / {BARE}",
            latencies[_ours(frames)],
            latencies[BARE],
            target=MOST_TIMES_BARE,
            at_most=True,
        )
    for frames in sizes:
        for theirs in _theirs(frames):
            if theirs in latencies:
                yield ratio_of_medians(
                    f"{theirs} / Hangtag",
                    latencies[theirs],
                    latencies[_ours(frames)],
                    target=LEAST_TIMES_FASTER,
                    at_most=False,
                )


def table(latencies: Mapping[str, Sequence[Sequence[float]]]) -> Table:
    """Return percentiles of everything that was timed."""
    rows = []
    for name, blocks in latencies.items():
        pooled = [latency for block in blocks for latency in block]
        found = summarize(pooled)
        # What a busy neighbour disturbs least.
        p10_ms = float(np.percentile(pooled, 10))
        numbers = (p10_ms, found.p50_ms, found.p90_ms, found.p95_ms, found.p99_ms, found.max_ms)
        rows.append((name, *(f"{number:.2f}" for number in numbers), str(found.count)))
    return Table(("", "p10 ms", "p50", "p90", "p95", "p99", "max", "calls"), tuple(rows))


if __name__ == "__main__":
    frame_to_label()
