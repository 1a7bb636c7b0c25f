"""Single blocks of the benchmark, to be held against other programs in the same rounds."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click

from hangtag.classifier import bundled_model
from hangtag.model_file import read_model_file
from hangtag_benchmarks.child import Outcome
from hangtag_benchmarks.engines.registry import KINDS
from hangtag_benchmarks.frames import write_frames
from hangtag_benchmarks.measurements import Measurement
from hangtag_benchmarks.plans import BlockPlan
from hangtag_benchmarks.targets import WorkerRunner


@contextlib.contextmanager
def model_and_frames(model: Path | None) -> Iterator[tuple[Path, Path]]:
    """Give a model's file (of None the bundled one's bytes) and one of frames, for as long as they are used.

    Raises:
        HangtagError: the model cannot be used.
    """
    with tempfile.TemporaryDirectory(prefix="hangtag-benchmark-") as folder:
        path, frames_path = Path(folder) / "model.tflite", Path(folder) / "frames.npy"
        path.write_bytes(bundled_model().data if model is None else read_model_file(model).data)
        write_frames(frames_path)
        yield path, frames_path


def run_block(engine: str, model: Path, frames_path: Path, threads: int, plan: BlockPlan) -> Measurement:
    """Measure one block as the benchmark does, in a process of its own.

    Raises:
        ClickException: it failed.
    """
    outcome: Outcome = WorkerRunner(KINDS[engine], model, threads, frames_path).block(plan)
    if outcome.measurement is None:
        raise click.ClickException(outcome.error or "it measured nothing")
    return outcome.measurement
