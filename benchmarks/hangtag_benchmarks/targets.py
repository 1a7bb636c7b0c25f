"""What is to be measured: a model on an engine with so many threads, and the processes that do it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hangtag.errors import BenchmarkError
from hangtag.labelled_folder import read_split
from hangtag_benchmarks.child import JOB_TIMEOUT_S, Outcome, run_job
from hangtag_benchmarks.engines.adapter import left_to_cpu, selected_adapter, why_not_gpu
from hangtag_benchmarks.engines.other_python import why_missing_there
from hangtag_benchmarks.engines.registry import KINDS, EngineKind, why_missing
from hangtag_benchmarks.plans import BlockPlan, Job, ModelIdentity
from hangtag_benchmarks.records import Missing

PROBE_TIMEOUT_S = 180.0
"""How long opening a model may take: graphics drivers have been seen to hang."""

SOFTWARE_ONLY = "software, for testing only (--device gpu measures it all the same)"

PHOTO_TIMEOUT_S = 5.0
"""How much longer scoring may take for each photo."""


@dataclass(frozen=True, slots=True)
class Accelerator:
    """The hardware that a row ran on; ``is_software`` where the CPU only plays it."""

    name: str
    is_software: bool


class Runner(Protocol):
    """Runs blocks of one target, each in a process of its own."""

    def missing(self) -> str | None:
        """Return why the engine is not there and how to get it, None where it is; nothing is measured.

        Raises:
            BenchmarkError: it is there, and cannot run this model.
        """

    def block(self, plan: BlockPlan) -> Outcome:
        """Measure one block and wait for its end."""
        ...

    def accuracy(self, photos: tuple[str, str]) -> Outcome | None:
        """Score a data set's split; None where the engine cannot."""

    def accelerator(self, log: str) -> Accelerator | None:
        """Return the hardware that a block's log names; None on the CPU.

        Raises:
            BenchmarkError: there should be one, and it is not proven.
        """


@dataclass(frozen=True, slots=True)
class Target:
    """One row to be."""

    model: ModelIdentity
    engine: str
    threads: int | None
    runner: Runner

    def title(self) -> str:
        """Return what progress and messages call it."""
        threads = "" if self.threads is None else f", {self.threads} thread{'s' if self.threads > 1 else ''}"
        return f"{self.model.file_name}, {title_of(self.engine)}{threads}"

    def failure(self, reason: str, *, wrong: bool = False) -> Missing:
        """Return this row as one that failed."""
        return dataclasses.replace(self.not_there(reason), failed=True, wrong_output=wrong)

    def not_there(self, reason: str) -> Missing:
        """Return this row as one whose engine or device is not there."""
        return Missing(self.model.file_name, self.model, self.engine, self.threads, reason, failed=False)


def title_of(engine: str) -> str:
    """Return what tables call an engine."""
    kind = KINDS.get(engine)
    return engine if kind is None else kind.title


@dataclass(frozen=True, slots=True)
class WorkerRunner:
    """Runs an engine's class in :mod:`hangtag_benchmarks.worker`.

    Args:
        kind: the engine.
        path: the model's file; None is the bundled one.
        threads: CPU threads.
        frames_path: see :class:`~hangtag_benchmarks.plans.Job`.
        check_paths: pictures to compare outputs on.
        python: another Python that has the engine; None is this one.
        software_too: measure on a software adapter where there is no GPU: for testing only.
    """

    kind: EngineKind
    path: Path | None
    threads: int
    frames_path: Path
    check_paths: Sequence[Path] = ()
    python: str | None = None
    software_too: bool = False

    def missing(self) -> str | None:
        """Look whether it is installed; and, on a GPU, open the model once: a driver is known by trying.

        Raises:
            BenchmarkError: there is a GPU, and it does not run the model.
        """
        reason = why_missing(self.kind) if self.python is None else why_missing_there(self.kind, self.python)
        if reason is not None or self.kind.device == "cpu":
            return reason
        probe = self._run(None, timeout_s=PROBE_TIMEOUT_S)
        reason, adapter = why_not_gpu(probe.log, probe.error), selected_adapter(probe.log)
        if adapter is None:
            return f"{reason}; wanted {self.kind.how}"
        if reason is not None and not (adapter.is_software and self.software_too):
            return f"{reason}: {SOFTWARE_ONLY}" if adapter.is_software else reason
        if probe.error is not None:
            raise BenchmarkError(f"{adapter.name}: {left_to_cpu(probe.log) or probe.error}")
        return None

    def block(self, plan: BlockPlan) -> Outcome:
        """Measure one block."""
        return self._run(plan, timeout_s=JOB_TIMEOUT_S)

    def soak_job(self) -> Job:
        """Return what a process that goes on for many minutes needs to know."""
        return self._job(BlockPlan(), None)

    def accuracy(self, photos: tuple[str, str]) -> Outcome | None:
        """Score a data set's split."""
        count = len(read_split(Path(photos[0]), photos[1]).photos)
        return run_job(
            self._job(None, photos), timeout_s=JOB_TIMEOUT_S + PHOTO_TIMEOUT_S * count, python=self.python
        )

    def accelerator(self, log: str) -> Accelerator | None:
        """Return the adapter that LiteRT's log names.

        Raises:
            BenchmarkError: it names none, or one of which it cannot say what it is; or not all of the model
                ran there.
        """
        if self.kind.device == "cpu":
            return None
        reason, adapter = why_not_gpu(log, None), selected_adapter(log)
        if adapter is None or (reason is not None and not (adapter.is_software and self.software_too)):
            raise BenchmarkError(reason or "it does not say which adapter it used")
        fallen_back = left_to_cpu(log)
        if fallen_back is not None:
            raise BenchmarkError(f"{adapter.name}: {fallen_back}")
        return Accelerator(adapter.name, adapter.is_software)

    def _run(self, plan: BlockPlan | None, *, timeout_s: float) -> Outcome:
        return run_job(self._job(plan, None), timeout_s=timeout_s, python=self.python)

    def _job(self, plan: BlockPlan | None, photos: tuple[str, str] | None) -> Job:
        return Job(
            engine=self.kind.name,
            model_path=None if self.path is None else str(self.path.absolute()),
            threads=self.threads,
            frames_path=str(self.frames_path),
            plan=plan,
            check_paths=tuple(str(path.absolute()) for path in self.check_paths),
            photos=photos,
        )
