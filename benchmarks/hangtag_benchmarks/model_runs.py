"""A benchmark of model files: from what was asked for to a result."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hangtag.labelled_folder import read_split
from hangtag_benchmarks import frames
from hangtag_benchmarks.engines.registry import DEFAULT_CPU, KINDS
from hangtag_benchmarks.identity import identify
from hangtag_benchmarks.records import ModelIdentity, Plan, Result
from hangtag_benchmarks.session import run_benchmark
from hangtag_benchmarks.targets import Target, WorkerRunner

_CHECKED_PHOTOS = 16
"""Real photos on which outputs are compared, besides the golden frames."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a benchmark is to measure.

    Args:
        models: model files with their identities; a path of None is the bundled one.
        engines: names of the engines' table.
        threads: numbers of CPU threads.
        photos: a data set's folder and split to score every engine on.
    """

    models: tuple[tuple[Path | None, ModelIdentity], ...]
    engines: tuple[str, ...] = (DEFAULT_CPU,)
    threads: tuple[int, ...] = (1,)
    photos: tuple[Path, str] | None = None


def identified(paths: Sequence[Path]) -> tuple[tuple[Path | None, ModelIdentity], ...]:
    """Read and check model files, or the bundled one where there are none.

    Raises:
        HangtagError: one of them cannot be used.
    """
    wanted: tuple[Path | None, ...] = tuple(dict.fromkeys(paths)) or (None,)
    return tuple((path, identify(path)) for path in wanted)


def benchmark_models(asked: Asked, plan: Plan, say: Callable[[str], None]) -> Result:
    """Measure every model on every engine with every number of threads.

    Raises:
        DatasetError: the photos cannot be used.
    """
    with tempfile.TemporaryDirectory(prefix="hangtag-benchmark-") as scratch:
        frames_path = Path(scratch) / "frames.npy"
        targets = worker_targets(asked, frames_path)
        frames.write_frames(frames_path)
        photos = None if asked.photos is None else (str(asked.photos[0].absolute()), asked.photos[1])
        return run_benchmark(targets, plan, say, photos=photos)


def worker_targets(asked: Asked, frames_path: Path) -> list[Target]:
    """Return the rows to be, in the order of the table.

    Raises:
        DatasetError: the photos cannot be used.
    """
    check_paths = () if asked.photos is None else _some_photos(*asked.photos)
    targets = []
    for path, model in asked.models:
        for kind in (KINDS[name] for name in asked.engines):
            for count in asked.threads if kind.by_threads else asked.threads[:1]:
                runner = WorkerRunner(kind, path, count, frames_path, check_paths)
                targets.append(Target(model, kind.name, count if kind.by_threads else None, runner))
    return targets


def _some_photos(data: Path, split: str) -> tuple[Path, ...]:
    """Return a few photos, evenly from all labels."""
    photos = read_split(data, split).photos
    step = max(1, len(photos) // _CHECKED_PHOTOS)
    return tuple(photo.path for photo in photos[::step][:_CHECKED_PHOTOS])
