"""Runs a soak: one model, many minutes without a pause, so that the machine becomes as warm as it will."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Protocol

from hangtag.errors import BenchmarkError
from hangtag_benchmarks import frames
from hangtag_benchmarks.answering_child import AnsweringChild
from hangtag_benchmarks.child import one_line
from hangtag_benchmarks.engines.other_python import lent_packages
from hangtag_benchmarks.machine.environment import conditions, environment
from hangtag_benchmarks.machine.monitor import Monitor
from hangtag_benchmarks.measurements import Accuracy, OutputCheck
from hangtag_benchmarks.plans import Job, Plan
from hangtag_benchmarks.records import Missing, Result
from hangtag_benchmarks.rows import wrong_output
from hangtag_benchmarks.soak.records import Soak
from hangtag_benchmarks.soak.sustained import RawMinute, cold, parts_at, sustained
from hangtag_benchmarks.targets import Accelerator, Target, WorkerRunner

MINUTE_S = 60.0
SLICES = 12
"""Parts of a minute, which its interval draws from."""

_PATIENCE_S = 300.0
"""How much longer than it should a minute, or opening a model, may take: drivers have been seen to hang."""

Say = Callable[[str], None]


class Runs(Protocol):
    """A model that is open in a process of its own."""

    about: dict[str, Any]
    """``check``, ``kind`` and ``versions``."""

    def go_on(self, slice_s: float, slices: int) -> dict[str, Any]:
        """Run without a pause; return ``slices_ms``, and the CPU time that it took as ``cpu_s``."""
        ...

    def printed(self) -> str:
        """Return what it has printed on standard error."""
        ...


Open = Callable[[Job, str | None], contextlib.AbstractContextManager[Runs]]


@dataclass(slots=True)
class _Course:
    """What was found so far."""

    target: Target
    about: dict[str, Any] = field(default_factory=dict)
    accelerator: Accelerator | None = None
    raw: list[RawMinute] = field(default_factory=list)
    accuracy: Accuracy | None = None
    missing: Missing | None = None


@contextlib.contextmanager
def open_child(job: Job, python: str | None) -> Iterator[Runs]:
    """Start the process that runs the model, open it and warm it up.

    Raises:
        BenchmarkError: it cannot.
    """
    command = (python or sys.executable, "-m", "hangtag_benchmarks.soak.soak_child")
    with tempfile.TemporaryDirectory(prefix="hangtag-benchmark-") as empty:
        lent = {} if python is None else lent_packages(Path(empty))
        variables = {**os.environ, "PYTHONSAFEPATH": "1", **lent}
        with AnsweringChild(command, "the soak", folder=Path(empty), variables=variables) as child:
            yield _Child(child, job)


class _Child:
    def __init__(self, child: AnsweringChild, job: Job) -> None:
        self._child = child
        self.about = self._request(dataclasses.asdict(job), _PATIENCE_S)

    def go_on(self, slice_s: float, slices: int) -> dict[str, Any]:
        """Run without a pause for as long as it says."""
        return self._request({"slice_s": slice_s, "slices": slices}, slice_s * slices + _PATIENCE_S)

    def printed(self) -> str:
        """Return what it has printed."""
        return self._child.printed()

    def _request(self, values: dict[str, Any], most_s: float) -> dict[str, Any]:
        line = json.dumps(values).encode() + b"\n"
        guard = threading.Timer(most_s, self._child.kill)
        guard.daemon = True
        guard.start()
        try:
            return self._child.request(lambda stream: stream.write(line))
        finally:
            guard.cancel()


def run_soak(
    targets: Sequence[Target],
    minutes: int,
    say: Say,
    *,
    photos: tuple[str, str] | None = None,
    minute_s: float = MINUTE_S,
    monitor: Monitor | None = None,
    opened: Open = open_child,
) -> Result:
    """Let a model run for so many minutes. Ctrl-C ends it with the minutes that were finished.

    Args:
        targets: the row; exactly one.
        minutes: how many.
        say: takes one line of progress.
        photos: a data set's folder and split to score the engine on, afterwards: that is work, too.
        minute_s: how long a minute is, in seconds; shorter for tests.
        monitor: looks at the machine; injected so that tests need none.
        opened: opens the model; injected likewise.

    Raises:
        BenchmarkError: there is not exactly one row: a second would start on a machine that is warm; or it is
            a program's.
    """
    if len(targets) != 1:
        raise BenchmarkError(
            f"a soak runs one row, got {len(targets)} ({'; '.join(one.title() for one in targets)}): "
            "the next would start on a warm machine; choose one MODEL, --engine and --threads"
        )
    if not isinstance(targets[0].runner, WorkerRunner):
        raise BenchmarkError(
            f"{targets[0].title()}: a soak runs engines of Python, not programs of their own"
        )
    course, watch = _Course(targets[0]), monitor or Monitor(conditions)
    complete = True
    try:
        _go(course, minutes, minute_s, watch, say=say, opened=opened)
        _score(course, photos, say)
    except KeyboardInterrupt:
        say("stopped: the minutes that were finished are kept")
        complete = False
    except BenchmarkError as error:
        course.missing = course.target.failure(one_line(str(error)))
    complete = complete and (course.missing is None or not course.raw)
    return Result(
        created_utc=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        frames=frames.DESCRIPTION,
        plan=Plan(rounds=0, least_rounds=0, enough_width=None),
        rounds=0,
        complete=complete,
        environment=environment(watch.before, conditions()),
        rows=(),
        missing=() if course.missing is None else (course.missing,),
        verdicts=(),
        # A machine that becomes slow because it is warm is what a soak is about.
        disturbances=watch.disturbances(heat=False),
        notes=watch.notes(heat=False),
        soak=_soak(course, minutes, minute_s) if course.raw else None,
    )


def _go(course: _Course, minutes: int, minute_s: float, watch: Monitor, *, say: Say, opened: Open) -> None:
    """Run minute after minute.

    Raises:
        BenchmarkError: the model does not open, or its process ended.
    """
    target = course.target
    runner = target.runner
    assert isinstance(runner, WorkerRunner)  # noqa: S101 - others have no process that goes on
    reason = runner.missing()
    if reason is not None:
        course.missing = target.not_there(reason)
        return
    say(f"soak: {target.title()}")
    with opened(runner.soak_job(), runner.python) as runs:
        course.about = runs.about
        wrong = wrong_output(_check(course))
        if wrong is not None:
            course.missing = target.failure(wrong, wrong=True)
            return
        course.accelerator = runner.accelerator(runs.printed())
        for number in range(1, minutes + 1):
            with watch.during(target.title()) as ours:
                found = runs.go_on(minute_s / SLICES, SLICES)
                ours.cpu_s = found["cpu_s"]
            course.raw.append(RawMinute.of(found["slices_ms"], watch.watched[-1].conditions))
            say(f"minute {number} of {minutes}: {_words(course.raw[-1])}")


def _score(course: _Course, photos: tuple[str, str] | None, say: Say) -> None:
    if photos is None or course.missing is not None:
        return
    say("scoring photos")
    outcome = course.target.runner.accuracy(photos)
    if outcome is not None and outcome.error is not None:
        course.missing = course.target.failure(outcome.error)
    elif outcome is not None:
        course.accuracy = outcome.accuracy


def _soak(course: _Course, planned: int, minute_s: float) -> Soak:
    target, accelerator, raw = course.target, course.accelerator, course.raw
    minutes = [minute.finished() for minute in raw]
    return Soak(
        model=target.model,
        engine=target.engine,
        threads=target.threads,
        accelerator=None if accelerator is None else accelerator.name,
        kind=course.about["kind"],
        planned_minutes=planned,
        minute_s=minute_s,
        minutes=tuple(minutes),
        cold=cold(raw, minutes),
        sustained=sustained(raw, minutes),
        parts_at=parts_at(minutes),
        check=_check(course),
        accuracy=course.accuracy,
        versions=course.about["versions"],
    )


def _check(course: _Course) -> OutputCheck:
    return OutputCheck(**course.about["check"])


def _words(minute: RawMinute) -> str:
    seen = minute.conditions
    shown = (
        ("{:.3f} ms", minute.p50_ms),
        ("{:.0f} MHz", seen.cpu_frequency_mhz),
        ("{:.1f} °C", seen.cpu_temperature_c),
    )
    return ", ".join(text.format(value) for text, value in shown if value is not None)
