"""Runs blocks of TFLite's ``benchmark_model``, on this machine or on a phone: one run of it each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from hangtag.classifier import Scores, to_scores
from hangtag.errors import BenchmarkError, HangtagError
from hangtag.model_file import ModelFile
from hangtag_benchmarks.child import Outcome, one_line
from hangtag_benchmarks.engines.base import compared, read_model
from hangtag_benchmarks.engines.reference_scores import Reference, reference_scores
from hangtag_benchmarks.measurements import Measurement, OutputCheck, RemoteDevice, Timings, ToldLatency
from hangtag_benchmarks.native import benchmark_model
from hangtag_benchmarks.native.benchmark_model import Delegate, Told
from hangtag_benchmarks.plans import BlockPlan
from hangtag_benchmarks.targets import Accelerator

SCORE_TOLERANCE = 0.05
"""How far a score may be from LiteRT's here: another processor adds otherwise, and a GPU with 16 bits."""

_AGAINST = "LiteRT's scores on this machine"


@dataclass(frozen=True, slots=True)
class Ran:
    """One run of the program: what it printed, how it ended, and the tensor that it left behind, if any."""

    log: str
    code: int
    output: bytes


class Place(Protocol):
    """Where the program is run."""

    binary_sha256: str

    def missing(self) -> str | None:
        """Return why it cannot be run here and how that is mended, None where it can."""

    def run(self, model: ModelFile, tensor: bytes, arguments: Sequence[str]) -> Ran:
        """Run it on a model and an input tensor, in a folder that holds them by their agreed names.

        Raises:
            BenchmarkError: it cannot be started, or does not end.
        """
        ...

    def device(self) -> RemoteDevice | None:
        """Return how the machine is now; None is this one."""

    def gpu(self) -> Accelerator | None:
        """Return its GPU; None where it does not say."""


@dataclass(slots=True)
class ProgramRunner:
    """A :class:`~hangtag_benchmarks.targets.Runner` of one model with one delegate.

    Args:
        place: where the program runs.
        delegate: what it runs the model with.
        path: the model's file; None is the bundled one.
        threads: CPU threads; None where they have no meaning.
        frames_path: see :class:`~hangtag_benchmarks.plans.Job`.
        check_paths: pictures to compare outputs on, before the frames: one for each block, in turn.
    """

    place: Place
    delegate: Delegate
    path: Path | None
    threads: int | None
    frames_path: Path
    check_paths: Sequence[Path] = ()
    _references: tuple[Reference, ...] | None = None
    _pairs: list[tuple[Scores, Scores]] = field(default_factory=list)
    _blocks: int = 0
    _peak_memory_mb: float | None = None
    _model: ModelFile | None = None

    def missing(self) -> str | None:
        """Ask the place."""
        return self.place.missing()

    def accuracy(self, photos: tuple[str, str]) -> Outcome | None:
        """Nothing: it runs one tensor over and over."""
        del photos
        return None

    def block(self, plan: BlockPlan) -> Outcome:
        """Run it once with the plan's counts."""
        log = ""
        try:
            reference = self._next_reference()
            ran = self._run(reference, self._timing(plan))
            log = ran.log
            return Outcome(self._measurement(ran, reference, plan), None, log)
        except HangtagError as error:
            return Outcome(None, one_line(str(error)), log)

    def accelerator(self, log: str) -> Accelerator | None:
        """Return the hardware that a delegate ran the model on.

        Raises:
            BenchmarkError: the log does not say that all of it ran there, or on what.
        """
        if self.delegate.on_cpu:
            return None
        reason = benchmark_model.delegated(log, self.delegate)
        if reason is not None:
            raise BenchmarkError(reason)
        return self._nnapi(log) if self.delegate is benchmark_model.NNAPI else self._gpu(log)

    def _nnapi(self, log: str) -> Accelerator:
        names = benchmark_model.nnapi_accelerators(log)
        others = [name for name in names if name != benchmark_model.NNAPI_ON_CPU]
        if not names:
            raise BenchmarkError("benchmark_model does not say which accelerators NNAPI has")
        # Several: NNAPI chooses among them, and does not say.
        return Accelerator(" or ".join(others or names), is_software=not others)

    def _gpu(self, log: str) -> Accelerator:
        found, backend = self.place.gpu(), benchmark_model.gpu_backend(log)
        if found is None:
            raise BenchmarkError("the device does not say what GPU it has")
        return found if backend is None else Accelerator(f"{found.name} by {backend}", found.is_software)

    def _timing(self, plan: BlockPlan) -> tuple[str, ...]:
        shape = self._read().contract.input.shape
        return benchmark_model.timing_arguments(plan, shape, self.threads, self.delegate)

    def _read(self) -> ModelFile:
        if self._model is None:
            self._model = read_model(None if self.path is None else str(self.path))
        return self._model

    def _next_reference(self) -> Reference:
        if self._references is None:
            self._references = reference_scores(self.path, self.frames_path, self.check_paths)
        reference = self._references[self._blocks % len(self._references)]
        self._blocks += 1
        return reference

    def _run(self, reference: Reference, arguments: Sequence[str]) -> Ran:
        ran = self.place.run(self._read(), reference.tensor.tobytes(), arguments)
        if ran.code != 0:
            raise BenchmarkError(
                f"benchmark_model failed with exit code {ran.code}: {benchmark_model.failure(ran.log)}"
            )
        return ran

    def _measurement(self, ran: Ran, reference: Reference, plan: BlockPlan) -> Measurement:
        told = benchmark_model.told(ran.log)
        invoke = _checked(told, plan)
        if not self.delegate.on_cpu:
            self.accelerator(ran.log)
        check, device = self._check(ran.output, reference), self.place.device()
        if self._peak_memory_mb is None and self._blocks == 1:
            shape = reference.tensor.shape
            arguments = benchmark_model.memory_arguments(shape, self.threads, self.delegate)
            self._peak_memory_mb = benchmark_model.peak_memory_mb(self._run(reference, arguments).log)
        return Measurement(
            import_ms=None,
            load_ms=told.load_ms,
            first_run_ms=told.first_run_ms,
            warmup_runs=told.warmup_runs,
            timings=Timings((), (), {}),
            imports_memory_mb=None,
            peak_memory_mb=self._peak_memory_mb,
            steady_memory_mb=None,
            energy_j=None,
            check=check,
            versions=self._versions(told),
            told=invoke,
            device=device,
            notes=tuple(self._notes(ran.log)),
        )

    def _check(self, output: bytes, reference: Reference) -> OutputCheck:
        """Compare what it left behind; each block adds a case to those of the blocks before.

        Raises:
            BenchmarkError: it left nothing, where a delegate has to prove itself.
        """
        contract = self._read().contract
        dtype = np.dtype(contract.output.tensor.dtype)
        # The scores are the first output; some models have a second.
        size = contract.output_units * dtype.itemsize
        if not output and self.delegate.on_cpu:
            return OutputCheck("this benchmark_model leaves no outputs behind", 0, 0, 0.0, SCORE_TOLERANCE)
        if len(output) < size:
            raise BenchmarkError(
                f"benchmark_model left {len(output)} bytes of outputs behind, wanted {size}: nothing proves "
                "that it computed the right thing"
            )
        scores = to_scores(np.frombuffer(output[:size], dtype), contract.output)
        self._pairs.append((scores, reference.scores))
        return compared(_AGAINST, self._pairs, SCORE_TOLERANCE)

    def _versions(self, told: Told) -> dict[str, str]:
        versions = {"benchmark_model": f"sha256 {self.place.binary_sha256[:12]}"}
        return versions if told.version is None else {**versions, "tensorflow": told.version}

    def _notes(self, log: str) -> list[str]:
        """Return what of the CPU's work XNNPACK did not do."""
        reason = benchmark_model.delegated(log, self.delegate) if self.delegate.on_cpu else None
        return [] if reason is None else [reason]


def _checked(told: Told, plan: BlockPlan) -> ToldLatency:
    """Return the invocations, which must be as many as were asked for.

    Raises:
        BenchmarkError: it tells no median, or counted otherwise.
    """
    if told.invoke is None:
        raise BenchmarkError("this benchmark_model tells no median, only an average; take a newer one")
    if told.invoke.count < plan.invoke_runs or told.warmup_runs < plan.warmup_runs:
        raise BenchmarkError(
            f"benchmark_model warmed up with {told.warmup_runs} runs and measured {told.invoke.count}, "
            f"wanted {plan.warmup_runs} and {plan.invoke_runs}"
        )
    return told.invoke
