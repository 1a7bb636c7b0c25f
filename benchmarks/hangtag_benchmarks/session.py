"""Runs a whole benchmark: which process when, and what becomes of its answer."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from hangtag.device import usable_cores
from hangtag_benchmarks import frames
from hangtag_benchmarks.adapter import selected_adapter, why_not_gpu
from hangtag_benchmarks.child import Outcome, run_job
from hangtag_benchmarks.environment import busy_note, conditions, environment
from hangtag_benchmarks.records import CPU, GPU, Failure, Job, Measurement, ModelIdentity, Plan, Result, Row
from hangtag_benchmarks.rows import build_row, wrong_output

PROBE_TIMEOUT_S = 180.0
"""How long opening a model on the GPU may take: drivers have been seen to hang."""

Say = Callable[[str], None]
RunJob = Callable[..., Outcome]


@dataclass(frozen=True, slots=True)
class Target:
    """One row to be: a model (``path`` is None for the bundled one), a device, CPU threads (CPU only)."""

    path: Path | None
    model: ModelIdentity
    device: str
    threads: int | None

    def title(self) -> str:
        """Return what progress and messages call it."""
        if self.threads is None:
            return f"{self.model.file_name}, GPU"
        return f"{self.model.file_name}, CPU, {self.threads} thread{'s' if self.threads > 1 else ''}"

    def job(self, frames_path: Path, rounds: int, warmup_rounds: int) -> Job:
        """Return the work of one child process for this row."""
        path = None if self.path is None else str(self.path.absolute())
        return Job(self.device, path, self.threads or 1, rounds, warmup_rounds, str(frames_path))

    def failure(self, reason: str, *, wrong: bool = False) -> Failure:
        """Return this row as one that could not be had."""
        return Failure(self.model, self.device, self.threads, reason, wrong)


Models = Sequence[tuple[Path | None, ModelIdentity]]
"""Path (None: the bundled model) and identity of each model."""


def run_benchmark(
    models: Models,
    *,
    threads: Sequence[int],
    devices: Sequence[str],
    plan: Plan,
    say: Say,
    run: RunJob = run_job,
) -> Result:
    """Measure every model on every device with every number of threads.

    Args:
        models: path (None: the bundled model) and identity of each.
        threads: CPU threads, for the CPU's rows.
        devices: :data:`CPU`, :data:`GPU` or both.
        plan: passes and rounds.
        say: takes one line of progress.
        run: does a job in a child process; injected so that tests need none.
    """
    before = conditions()
    with tempfile.TemporaryDirectory(prefix="hangtag-benchmark-") as folder:
        session = _Session(plan, Path(folder) / "frames.npy", say, run)
        frames.write_frames(session.frames_path)
        if CPU in devices:
            session.measure([Target(path, model, CPU, count) for path, model in models for count in threads])
        if GPU in devices:
            session.measure_gpu([Target(path, model, GPU, None) for path, model in models])
    return Result(
        created_utc=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        frames=frames.DESCRIPTION,
        plan=plan,
        environment=environment(before, conditions()),
        rows=tuple(session.rows),
        failures=tuple(session.failures),
        gpu_lines=tuple(session.gpu_lines),
        notes=tuple(_notes(plan, busy_note(before), threads if CPU in devices else ())),
    )


@dataclass(slots=True)
class _Session:
    plan: Plan
    frames_path: Path
    say: Say
    run: RunJob
    rows: list[Row] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    gpu_lines: list[str] = field(default_factory=list)

    def measure(self, targets: Sequence[Target]) -> None:
        """Measure rows pass by pass (A B A B), so that no row has a better hour than another."""
        measured: dict[Target, list[Measurement]] = {target: [] for target in targets}
        adapters: dict[Target, str] = {}
        for number in range(self.plan.passes):
            for target in list(measured):
                self.say(f"pass {number + 1} of {self.plan.passes}: {target.title()}")
                outcome = self.run(target.job(self.frames_path, self.plan.rounds, self.plan.warmup_rounds))
                result = _judge(target, outcome)
                if isinstance(result, Failure):
                    self.failures.append(result)
                    del measured[target]
                    continue
                measured[target].append(result)
                adapter = selected_adapter(outcome.log)
                if adapter is not None:
                    adapters[target] = adapter.name
        self.rows += [
            build_row(target.model, target.device, target.threads, passes, adapter=adapters.get(target))
            for target, passes in measured.items()
        ]

    def measure_gpu(self, targets: Sequence[Target]) -> None:
        """Measure the models that a real GPU takes; say in one line each what it does not take, and why."""
        usable = []
        for target in targets:
            self.say(f"looking for a GPU: {target.model.file_name}")
            probe = self.run(target.job(self.frames_path, 0, 0), timeout_s=PROBE_TIMEOUT_S)
            reason = why_not_gpu(probe.log, probe.error)
            if reason is not None:
                # Which adapter there is does not depend on the model.
                self.gpu_lines.append(f"no GPU row: {reason}")
                return
            if probe.error is not None:
                self.gpu_lines.append(f"no GPU row for {target.model.file_name}: {probe.error}")
            else:
                usable.append(target)
        self.measure(usable)


def _judge(target: Target, outcome: Outcome) -> Measurement | Failure:
    """Return what was measured, or why it is not to be shown."""
    if outcome.measurement is None:
        return target.failure(outcome.error or "it measured nothing")
    wrong = wrong_output(outcome.measurement.check)
    if wrong is not None:
        return target.failure(wrong, wrong=True)
    # Asked again of the measuring process: another process may get another adapter.
    not_gpu = why_not_gpu(outcome.log, None) if target.device == GPU else None
    return outcome.measurement if not_gpu is None else target.failure(not_gpu)


def _notes(plan: Plan, busy: str | None, threads: Sequence[int]) -> Iterator[str]:
    if busy is not None:
        yield busy
    if plan.passes == 1:
        yield "one pass only: how steady the numbers are is not known"
    if plan.passes * plan.rounds < 100:
        yield f"p99 of {plan.passes * plan.rounds} measurements is little more than the slowest of them"
    cores = usable_cores()
    too_many = [count for count in threads if count > cores]
    if too_many:
        yield f"more threads ({', '.join(map(str, too_many))}) than the {cores} cores that may be used"
