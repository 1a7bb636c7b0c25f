"""What is asked for, measured and reported, as plain frozen data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hangtag.latency import LatencySummary

SCHEMA_VERSION = 1
"""Version of the layout of ``benchmark.json``; raised when a reader of the old one would go wrong."""

CPU = "cpu"
GPU = "gpu"


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Which model a row is about, without saying where on this machine it lies."""

    file_name: str
    size_bytes: int
    sha256: str
    name: str
    input_dtype: str


@dataclass(frozen=True, slots=True)
class Plan:
    """How often everything is done per row: ``passes`` processes, each of warm-up and measured rounds."""

    passes: int
    rounds: int
    warmup_rounds: int


@dataclass(frozen=True, slots=True)
class Job:
    """What one child process does.

    Args:
        device: :data:`CPU` or :data:`GPU`.
        model_path: the .tflite file; None is the bundled model.
        threads: CPU threads of one invocation; without meaning on the GPU.
        rounds: measured rounds; 0 opens the model and measures nothing.
        warmup_rounds: rounds before them that are not kept.
        frames_path: a .npy file of BGR uint8 frames, shape (frames, height, width, 3).
    """

    device: str
    model_path: str | None
    threads: int
    rounds: int
    warmup_rounds: int
    frames_path: str


@dataclass(frozen=True, slots=True)
class Timings:
    """Every measurement of the rounds in the order taken, in milliseconds; nothing is left out."""

    invoke_ms: tuple[float, ...]
    preprocess_ms: tuple[float, ...]
    end_to_end_ms: tuple[float, ...]


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
class Measurement:
    """What one child process found; memory is None where the system does not tell."""

    import_ms: float
    load_ms: float
    first_run_ms: float
    timings: Timings
    imports_memory_mb: float | None
    peak_memory_mb: float | None
    check: OutputCheck

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Measurement:
        """Rebuild what ``dataclasses.asdict`` took apart, after its way through JSON."""
        timings = Timings(**{kind: tuple(latencies) for kind, latencies in values["timings"].items()})
        return cls(**{**values, "timings": timings, "check": OutputCheck(**values["check"])})


@dataclass(frozen=True, slots=True)
class PassMedians:
    """The p50 of one pass, in milliseconds."""

    preprocess_ms: float
    invoke_ms: float
    end_to_end_ms: float


@dataclass(frozen=True, slots=True)
class Row:
    """One model on one device with one number of threads; lists hold one number per pass.

    ``threads`` is None on the GPU, ``adapter`` is None on the CPU. ``end_to_end_per_invoke`` is the ratio of
    the two p50. ``imports_memory_mb`` is the peak before the model was read: Python and the libraries.
    """

    model: ModelIdentity
    device: str
    threads: int | None
    adapter: str | None
    import_ms: tuple[float, ...]
    load_ms: tuple[float, ...]
    first_run_ms: tuple[float, ...]
    preprocess: LatencySummary
    invoke: LatencySummary
    end_to_end: LatencySummary
    end_to_end_per_invoke: float
    passes: tuple[PassMedians, ...]
    imports_memory_mb: float | None
    peak_memory_mb: float | None
    check: OutputCheck
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """A row that could not be had, and why, in one line."""

    model: ModelIdentity
    device: str
    threads: int | None
    reason: str
    wrong_output: bool = False


@dataclass(frozen=True, slots=True)
class Conditions:
    """What changes while one measures; None where the system does not tell."""

    load_average_1min: float | None
    cpu_frequency_mhz: float | None
    cpu_temperature_c: float | None


@dataclass(frozen=True, slots=True)
class Environment:
    """The machine, without naming it: no host name, no user, no paths."""

    cpu: str
    usable_cores: int
    memory_mb: float | None
    platform: str
    versions: Mapping[str, str]
    frequency_governor: str | None
    opencv_threads: int
    thread_variables: Mapping[str, str]
    before: Conditions
    after: Conditions


@dataclass(frozen=True, slots=True)
class Result:
    """A whole benchmark. ``gpu_lines`` say, where there is no GPU row, why not."""

    created_utc: str
    frames: str
    plan: Plan
    environment: Environment
    rows: tuple[Row, ...]
    failures: tuple[Failure, ...]
    gpu_lines: tuple[str, ...]
    notes: tuple[str, ...]
    schema_version: int = SCHEMA_VERSION
