"""Starts a measuring process, waits for it and says in one line what went wrong."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hangtag_benchmarks.engines.other_python import lent_packages
from hangtag_benchmarks.measurements import Accuracy, Measurement
from hangtag_benchmarks.plans import Job

WORKER = (sys.executable, "-m", "hangtag_benchmarks.worker")
"""The command that does a job."""

JOB_TIMEOUT_S = 1800.0
"""Longest that a measuring process may take: a driver that hangs must not hang the benchmark."""

_HINTS = {
    "SIGKILL": "; was there enough memory?",
    "SIGILL": "; the library asks for instructions that this processor does not have",
}
"""What a signal most often means."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a child process ended.

    Args:
        measurement: what it measured; None for a job that measures nothing, or where it failed.
        error: why it failed, in one line without paths; None where it did not.
        log: its standard error.
        accuracy: what it scored, where that was its job.
    """

    measurement: Measurement | None
    error: str | None
    log: str
    accuracy: Accuracy | None = None


def run_job(
    job: Job,
    *,
    timeout_s: float = JOB_TIMEOUT_S,
    python: str | None = None,
    command: Sequence[str] | None = None,
) -> Outcome:
    """Do a job in a process of its own and wait for it to end.

    Args:
        job: what to do.
        timeout_s: the longest that it may take.
        python: another Python than this one, whose packages the engine is part of.
        command: another program than :data:`WORKER`.
    """
    program = tuple(command or WORKER)
    if python is not None:
        program = (python, *program[1:])
    try:
        with tempfile.TemporaryDirectory(prefix="hangtag-benchmark-") as empty:
            lent = {} if python is None else lent_packages(Path(empty))
            done = subprocess.run(
                program,
                input=json.dumps(dataclasses.asdict(job)).encode(),
                capture_output=True,
                timeout=timeout_s,
                check=False,
                # A file called json.py in the user's folder must not become ours: Python 3.10 looks where
                # it is started, whatever it is told.
                cwd=empty,
                env={**os.environ, "PYTHONSAFEPATH": "1", **lent},
            )
    except OSError as error:
        return Outcome(None, f"cannot start {Path(program[0]).name}: {error.strerror}", "")
    except subprocess.TimeoutExpired as expired:
        log = (expired.stderr or b"").decode(errors="replace")
        return Outcome(None, f"the measuring process did not answer within {timeout_s:g} s", log)
    return _outcome(done.returncode, done.stdout, done.stderr.decode(errors="replace"))


def _outcome(returncode: int, answer: bytes, log: str) -> Outcome:
    if returncode != 0:
        return Outcome(None, _death(returncode, log), log)
    try:
        values = json.loads(answer)
        if "error" in values:
            return Outcome(None, one_line(values["error"]), log)
        if "accuracy" in values:
            return Outcome(None, None, log, Accuracy.from_dict(values["accuracy"]))
        measured = values["measurement"]
        return Outcome(None if measured is None else Measurement.from_dict(measured), None, log)
    except (ValueError, KeyError, TypeError) as error:
        return Outcome(None, f"the measuring process gave an answer that cannot be read ({error!r})", log)


def _death(returncode: int, log: str) -> str:
    if returncode < 0:
        try:
            name = signal.Signals(-returncode).name
        except ValueError:
            name = "an unknown signal"
        return f"the measuring process was killed by {name} (signal {-returncode}){_HINTS.get(name, '')}"
    lines = [line for line in log.splitlines() if line.strip()]
    last = one_line(lines[-1]) if lines else "it said nothing"
    return f"the measuring process failed with exit code {returncode}: {last}"


def one_line(text: str) -> str:
    """Return a message on one line, with folders cut from paths: reports are published."""
    return re.sub(r"(?<![\w.:/])/(?:[^\s/:'\"]+/)+", "", " ".join(text.split()))
