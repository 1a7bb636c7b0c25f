"""A benchmark of model files: from what was asked for to a result."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hangtag.errors import BenchmarkError, DatasetError, HangtagError
from hangtag.labelled_folder import read_split
from hangtag.progress import Progress
from hangtag.readable import keep_readable
from hangtag_benchmarks import frames
from hangtag_benchmarks.browser.browser_runner import browser_runner
from hangtag_benchmarks.child import one_line
from hangtag_benchmarks.engines.keras_run import with_runs_opened
from hangtag_benchmarks.engines.registry import DEFAULT_CPU, KERAS_ENDING, KINDS, TFLITE_ENDING, EngineKind
from hangtag_benchmarks.identity import identify, printable
from hangtag_benchmarks.native.programs import NO_PROGRAMS, Places, Programs, opened
from hangtag_benchmarks.plans import ModelIdentity, Plan
from hangtag_benchmarks.records import Missing, Result
from hangtag_benchmarks.session import run_benchmark
from hangtag_benchmarks.soak.soak_run import run_soak
from hangtag_benchmarks.targets import Runner, Target, WorkerRunner

_CHECKED_PHOTOS = 16
"""Real photos on which outputs are compared, besides the golden frames."""

_HIGHEST_BAD_SHARE = 0.05
"""Where more of a split cannot be read, an accuracy would be that of another one."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a benchmark is to measure.

    Args:
        models: model files with their identities; a path of None is the bundled one.
        engines: names of the engines' table.
        threads: numbers of CPU threads.
        photos: a data set's folder and split to score every engine on.
        unusable: rows of files that cannot be used.
        software_too: measure on a software adapter where there is no GPU: for testing only.
        programs: programs that are engines.
        pythons: another Python to run an engine in, by the engine's name.
        browser: the program that browsers' engines start; None is the first that is found.
        soak_minutes: let the one row that there is run without a pause for so long, instead of rounds.
    """

    models: tuple[tuple[Path | None, ModelIdentity], ...]
    engines: tuple[str, ...] = (DEFAULT_CPU,)
    threads: tuple[int, ...] = (1,)
    photos: tuple[Path, str] | None = None
    unusable: tuple[Missing, ...] = ()
    software_too: bool = False
    programs: Programs = NO_PROGRAMS
    pythons: Mapping[str, str] = field(default_factory=dict)
    browser: Path | None = None
    soak_minutes: int | None = None


def identified(paths: Sequence[Path]) -> tuple[tuple[Path | None, ModelIdentity], ...]:
    """Read and check model files, or the bundled one where there are none.

    Raises:
        HangtagError: one of them cannot be used.
    """
    return tuple((path, identify(path)) for path in _wanted(paths))


def sorted_out(
    paths: Sequence[Path], say: Callable[[str], None]
) -> tuple[tuple[tuple[Path | None, ModelIdentity], ...], tuple[Missing, ...]]:
    """Read and check model files; those that cannot be used become rows that say so.

    Raises:
        HangtagError: none can be used; or there is no such file, which is told before minutes of measuring.
    """
    sorted_paths = [(path, _identity(path)) for path in _wanted(paths)]
    unusable = tuple(found for _, found in sorted_paths if isinstance(found, Missing))
    models = tuple((path, found) for path, found in sorted_paths if isinstance(found, ModelIdentity))
    if not models:
        raise BenchmarkError("; ".join(f"{missing.file_name}: {missing.reason}" for missing in unusable))
    for missing in unusable:
        say(f"no row for {missing.file_name}: {missing.reason}")
    return models, unusable


def _identity(path: Path | None) -> ModelIdentity | Missing:
    try:
        return identify(path)
    except HangtagError as error:
        if path is None or not path.is_file():
            raise
        reason = one_line(str(error)).removeprefix(f"{path.name}: ")
        return Missing(printable(path.name), None, None, None, reason, failed=True)


def _wanted(paths: Sequence[Path]) -> tuple[Path | None, ...]:
    return tuple(with_runs_opened(paths)) or (None,)


def benchmark_models(
    asked: Asked,
    plan: Plan,
    say: Callable[[str], None],
    look_at: Callable[[Sequence[Target]], None] | None = None,
) -> Result:
    """Measure every model on every engine with every number of threads.

    Args:
        asked: what to measure.
        plan: how.
        say: takes one line of progress.
        look_at: is given the rows to be before anything is measured, and may raise.

    Raises:
        DatasetError: the photos cannot be used.
    """
    with (
        tempfile.TemporaryDirectory(prefix="hangtag-benchmark-") as scratch,
        opened(asked.programs, Path(scratch)) as places,
    ):
        frames_path = Path(scratch) / "frames.npy"
        check_paths = () if asked.photos is None else _some_photos(*asked.photos, say)
        targets = worker_targets(asked, frames_path, check_paths, places)
        if look_at is not None:
            look_at(targets)
        frames.write_frames(frames_path)
        photos = None if asked.photos is None else (str(asked.photos[0].absolute()), asked.photos[1])
        if asked.soak_minutes is not None:
            result = run_soak(targets, asked.soak_minutes, say, photos=photos)
            return dataclasses.replace(result, missing=(*asked.unusable, *result.missing))
        return run_benchmark(targets, plan, say, photos=photos, unusable=asked.unusable)


def worker_targets(
    asked: Asked, frames_path: Path, check_paths: Sequence[Path] = (), places: Places | None = None
) -> list[Target]:
    """Return the rows to be, in the order of the table.

    Raises:
        BenchmarkError: a file that none of the engines takes; a program that was not named.
    """
    targets = []
    places = places or Places({})
    for path, model in asked.models:
        for kind in _takers(path, asked.engines):
            for count in asked.threads if kind.by_threads else asked.threads[:1]:
                runner: Runner = (
                    places.runner(kind, path, count, frames_path, check_paths)
                    or browser_runner(
                        kind, path, count, frames_path, asked.browser, software_too=asked.software_too
                    )
                    or WorkerRunner(
                        kind,
                        path,
                        count,
                        frames_path,
                        check_paths,
                        python=asked.pythons.get(kind.name),
                        software_too=asked.software_too,
                    )
                )
                targets.append(Target(model, kind.name, count if kind.by_threads else None, runner))
    return targets


def _takers(path: Path | None, names: Sequence[str]) -> list[EngineKind]:
    """Return the engines of those that run such a file."""
    ending = path.suffix if path is not None and path.suffix == KERAS_ENDING else TFLITE_ENDING
    found = [KINDS[name] for name in names if KINDS[name].takes == ending]
    if not found:
        others = ", ".join(kind.name for kind in KINDS.values() if kind.takes == ending)
        raise BenchmarkError(
            f"{'the bundled model' if path is None else path.name} is a {ending} file, which "
            f"{' and '.join(names)} cannot run; wanted with it some of --engine {others}"
        )
    return found


def _some_photos(data: Path, split: str, say: Callable[[str], None]) -> tuple[Path, ...]:
    """Return a few photos, evenly from all labels; say which of all cannot be read.

    Raises:
        DatasetError: the folder cannot be used, or too many of its photos.
    """
    kept, errors = keep_readable(read_split(data, split), Progress(), f"checking {split}")
    for error in errors:
        say(f"skipped: {error}")
    count = len(kept.photos) + len(errors)
    if len(errors) > _HIGHEST_BAD_SHARE * count:
        raise DatasetError(
            f"{len(errors)} of {count} photos in {kept.path} cannot be read, "
            f"more than {_HIGHEST_BAD_SHARE:.0%}; mend or remove them"
        )
    step = max(1, len(kept.photos) // _CHECKED_PHOTOS)
    return tuple(photo.path for photo in kept.photos[::step][:_CHECKED_PHOTOS])
