"""What one block measured, as plain frozen data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hangtag.metrics import Interval

STAGES = ("preprocess", "write_input", "read_output", "postprocess")
"""The steps around an invocation, in their order (an invocation stands between the second and the third)."""


@dataclass(frozen=True, slots=True)
class Timings:
    """Every measurement of a block in the order taken, in milliseconds; nothing is left out.

    Empty where an engine cannot do one thing without the other. ``stages_ms`` by names of :data:`STAGES`.
    """

    invoke_ms: tuple[float, ...]
    end_to_end_ms: tuple[float, ...]
    stages_ms: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class OutputCheck:
    """How far the scores were from those they must equal (0 to 1), over ``cases`` frames.

    ``against`` says what they were compared with; ``cases`` is 0 where there was nothing to compare with.
    """

    against: str
    cases: int
    failed_cases: int
    worst_difference: float
    tolerance: float


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How many photos of a data set's split the engine itself named rightly."""

    split: str
    photos: int
    right: int
    top1_interval: Interval
    dataset_sha256: str

    @property
    def top1(self) -> float:
        """Share of photos whose best label is the right one, 0 to 1."""
        return self.right / self.photos

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Accuracy:
        """Rebuild what ``dataclasses.asdict`` took apart."""
        return cls(**{**values, "top1_interval": Interval(**values["top1_interval"])})


@dataclass(frozen=True, slots=True)
class ToldLatency:
    """What a program that keeps its single runs to itself says of a block's invocations, in milliseconds."""

    count: int
    p50_ms: float
    p95_ms: float
    max_ms: float
    mean_ms: float


@dataclass(frozen=True, slots=True)
class RemoteDevice:
    """Another machine that a row ran on, as a phone, without its serial number; None where it does not tell.

    ``throttling`` is Android's thermal status, 0 for none to 6 for shutting down, after the block.
    """

    name: str
    soc: str | None
    system: str
    frequency_governor: str | None
    most_frequency_mhz: float | None
    temperature_c: float | None
    throttling: int | None


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one block found; memory and energy are None where the system does not tell.

    ``energy_j`` is the whole processor's while ``invoke_ms`` was measured. ``import_ms`` is None for a
    program that imports nothing. ``told`` stands for single runs where the engine keeps them to itself: then
    ``timings.invoke_ms`` is empty. ``device`` is None on this machine. ``notes`` are what the engine itself
    has to say. ``busy_threads`` is how many threads worked at a time, see
    :class:`~hangtag_benchmarks.machine.busy_threads.BusyThreads`.
    """

    import_ms: float | None
    load_ms: float
    first_run_ms: float | None
    warmup_runs: int
    timings: Timings
    imports_memory_mb: float | None
    peak_memory_mb: float | None
    steady_memory_mb: float | None
    energy_j: float | None
    check: OutputCheck
    versions: Mapping[str, str]
    told: ToldLatency | None = None
    device: RemoteDevice | None = None
    notes: tuple[str, ...] = ()
    busy_threads: float | None = None

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Measurement:
        """Rebuild what ``dataclasses.asdict`` took apart, after its way through JSON.

        It is a worker's, which runs on this machine and tells every run.
        """
        timings = values["timings"]
        rebuilt = Timings(
            invoke_ms=tuple(timings["invoke_ms"]),
            end_to_end_ms=tuple(timings["end_to_end_ms"]),
            stages_ms={name: tuple(latencies) for name, latencies in timings["stages_ms"].items()},
        )
        check = OutputCheck(**values["check"])
        return cls(**{**values, "timings": rebuilt, "check": check, "notes": tuple(values.get("notes", ()))})
