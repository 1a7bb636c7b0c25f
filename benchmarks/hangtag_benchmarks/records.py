"""What is asked for, measured and reported, as plain frozen data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hangtag.latency import LatencySummary
from hangtag.metrics import Interval
from hangtag_benchmarks.statistics import Ratio

SCHEMA_VERSION = 2
"""Version of the layout of ``benchmark.json``; raised when a reader of the old one would go wrong."""

STAGES = ("preprocess", "write_input", "read_output", "postprocess")
"""The steps around an invocation, in their order (an invocation stands between the second and the third)."""


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Which model a row is about, without saying where on this machine it lies.

    ``contract_sha256`` is the digest of its contract's JSON: the same pixels, labels and calibration.
    """

    file_name: str
    size_bytes: int
    sha256: str
    contract_sha256: str
    name: str
    input_dtype: str
    input_wh: tuple[int, int]

    @property
    def short_name(self) -> str:
        """What tables and conditions call it."""
        return short_name(self.file_name)


def short_name(file_name: str) -> str:
    """Return what tables and conditions call a model: its file's name without the ending."""
    return file_name.rpartition(".")[0] or file_name


@dataclass(frozen=True, slots=True)
class BlockPlan:
    """What one block does: a process of its own that opens the model and runs it for a while.

    A phase goes on until both its seconds and its runs are reached.

    Args:
        warmup_s: forgotten invocations before anything is kept, at least so long.
        warmup_runs: and at least so many.
        invoke_s: bare invocations that are kept.
        invoke_runs: and at least so many.
        pipeline_s: the way from frame to label, and as long again step by step; what has no steps takes
            ``invoke_s`` for it.
        pipeline_runs: and at least so many of each.
    """

    warmup_s: float = 0.5
    warmup_runs: int = 10
    invoke_s: float = 3.0
    invoke_runs: int = 52
    pipeline_s: float = 0.5
    pipeline_runs: int = 8


@dataclass(frozen=True, slots=True)
class Plan:
    """How many rounds of blocks, and when that is enough.

    Args:
        block: what each block does.
        rounds: most rounds; each holds a block of every target.
        least_rounds: rounds before it may end early.
        enough_width: ends once the 95 % interval of every median is narrower than this share of it; None
            never ends early.
        quick: a first impression, comparable with nothing.
    """

    block: BlockPlan = field(default_factory=BlockPlan)
    rounds: int = 20
    least_rounds: int = 12
    enough_width: float | None = 0.02
    quick: bool = False


QUICK_PLAN = Plan(
    BlockPlan(invoke_s=0.8, invoke_runs=30, pipeline_s=0.15, pipeline_runs=8),
    rounds=6,
    enough_width=None,
    quick=True,
)


@dataclass(frozen=True, slots=True)
class Job:
    """What one child process does; ``plan`` None opens the model and measures nothing.

    Args:
        engine: a name of the table in :mod:`hangtag_benchmarks.engines.registry`.
        model_path: the model's file; None is the bundled model.
        threads: CPU threads of one invocation.
        frames_path: a .npy file of BGR uint8 frames, shape (frames, height, width, 3).
        plan: what to time.
        check_paths: pictures to compare outputs on, besides the frames.
        photos: a data set's folder and split to score instead of timing anything.
    """

    engine: str
    model_path: str | None
    threads: int
    frames_path: str
    plan: BlockPlan | None
    check_paths: tuple[str, ...] = ()
    photos: tuple[str, str] | None = None


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


@dataclass(frozen=True, slots=True)
class RunSummary:
    """Percentiles of one kind of latency, in milliseconds, over ``count`` runs of all blocks.

    Where an engine keeps its single runs to itself, p50 and p95 are medians of those of its blocks, and p90
    and p99 are not known: None.
    """

    count: int
    p50_ms: float
    p90_ms: float | None
    p95_ms: float
    p99_ms: float | None
    max_ms: float
    mean_ms: float


@dataclass(frozen=True, slots=True)
class Latency:
    """One kind of latency over all blocks: percentiles with intervals, and its distribution.

    ``quantiles_ms`` are the 0th, 1st, … 100th percentile; empty where single runs are not known. The
    intervals are None of too few blocks to know (fewer than six).
    """

    summary: RunSummary
    p50_interval: Interval | None
    p95_interval: Interval | None
    quantiles_ms: tuple[float, ...]

    @property
    def width(self) -> float | None:
        """Width of the median's interval as a share of the median; None where there is no interval."""
        if self.p50_interval is None:
            return None
        return (self.p50_interval.high - self.p50_interval.low) / self.summary.p50_ms


@dataclass(frozen=True, slots=True)
class Block:
    """One process: in which round it ran, and its own medians in milliseconds; None where not measured."""

    round: int
    import_ms: float | None
    load_ms: float
    first_run_ms: float | None
    invoke_p50_ms: float | None
    end_to_end_p50_ms: float | None


@dataclass(frozen=True, slots=True)
class Row:
    """One model on one engine with one number of threads.

    Args:
        model: which model.
        engine: a name of the engines' table.
        threads: CPU threads; None where they have no meaning.
        accelerator: the hardware's name; None on the CPU.
        blocks: its processes in the order they ran.
        invoke: the bare invocation; None where the engine cannot be timed so.
        end_to_end: from a frame to its label; None where the engine only invokes.
        stages: the steps around an invocation that the engine has apart.
        imports_memory_mb: the peak before the model was read: Python and the libraries.
        peak_memory_mb: the most of any process, in megabytes of 2**20 bytes.
        steady_memory_mb: median of what the processes held at their end.
        energy_mj: millijoules of the whole processor for one invocation.
        accuracy: on the data set that was given; None where none was.
        check: the worst block's.
        ranked: False for what is no device, as a software adapter, or did not prove its outputs.
        notes: what to know before believing it.
        versions: of the engine's packages.
        device: the other machine that it ran on, at its hottest; None is this one.
    """

    model: ModelIdentity
    engine: str
    threads: int | None
    accelerator: str | None
    blocks: tuple[Block, ...]
    invoke: Latency | None
    end_to_end: Latency | None
    stages: Mapping[str, LatencySummary]
    imports_memory_mb: float | None
    peak_memory_mb: float | None
    steady_memory_mb: float | None
    energy_mj: float | None
    accuracy: Accuracy | None
    check: OutputCheck
    ranked: bool
    notes: tuple[str, ...]
    versions: Mapping[str, str]
    device: RemoteDevice | None = None

    @property
    def key(self) -> tuple[str, str, int | None]:
        """What tells rows of one result apart: model digest, engine, threads."""
        return self.model.sha256, self.engine, self.threads


@dataclass(frozen=True, slots=True)
class Missing:
    """A row that could not be had, and why, in one line.

    ``model`` and ``engine`` are None where the file cannot be used at all, whatever the engine. ``failed`` is
    False where the engine or the device is not there: that is no defect, and ``reason`` says how to get it.
    """

    file_name: str
    model: ModelIdentity | None
    engine: str | None
    threads: int | None
    reason: str
    failed: bool
    wrong_output: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """How two rows compare: their places in ``Result.rows``, and the first's latency over the second's.

    ``kind`` is ``invoke`` or ``end_to_end``; the ratio is that of medians of blocks, round by round.
    """

    first: int
    second: int
    kind: str
    ratio: Ratio


@dataclass(frozen=True, slots=True)
class Conditions:
    """What changes while one measures; None where the system does not tell.

    Of a block they are those while it ran: ``cpu_frequency_mhz`` is the median of the working core's,
    ``others_load`` how many cores other programs kept busy, ``stolen`` the share of the wanted time that a
    hypervisor gave to others. ``throttled`` are the firmware's flags (``vcgencmd get_throttled``),
    ``heat_events`` how often an Intel processor has slowed down for heat since the machine's start, and
    ``cooling_steps`` by how many steps the kernel slows the processor down.
    """

    load_average_1min: float | None
    cpu_frequency_mhz: float | None
    cpu_temperature_c: float | None
    throttled: int | None = None
    others_load: float | None = None
    stolen: float | None = None
    heat_events: int | None = None
    cooling_steps: int | None = None


@dataclass(frozen=True, slots=True)
class Environment:
    """The machine, without naming it: no host name, no user, no paths.

    ``core_groups`` are its kinds of cores in words, and ``energy`` what measures energies, or why nothing
    does.
    """

    cpu: str
    usable_cores: int
    memory_mb: float | None
    platform: str
    versions: Mapping[str, str]
    frequency_governor: str | None
    most_frequency_mhz: float | None
    power_source: str | None
    thread_variables: Mapping[str, str]
    before: Conditions
    after: Conditions
    core_groups: tuple[str, ...] = ()
    energy: str = "not readable"


@dataclass(frozen=True, slots=True)
class SoakMinute:
    """One minute of a soak: the latencies of its runs in milliseconds, and how the machine was meanwhile."""

    runs: int
    p50_ms: float
    p50_interval: Interval | None
    p95_ms: float
    conditions: Conditions


@dataclass(frozen=True, slots=True)
class SoakFigure:
    """The median of all runs of some minutes, counted from 1, with the median clock and the highest heat."""

    first_minute: int
    last_minute: int
    p50_ms: float
    p50_interval: Interval | None
    cpu_frequency_mhz: float | None
    cpu_temperature_c: float | None


@dataclass(frozen=True, slots=True)
class Soak:
    """A model that ran without a pause for many minutes.

    Args:
        model: which model.
        engine: a name of the engines' table.
        threads: CPU threads; None where they have no meaning.
        accelerator: the hardware's name; None on the CPU.
        kind: ``invoke``, or ``end_to_end`` where the engine does not invoke alone.
        planned_minutes: that were asked for.
        minute_s: how long one was, in seconds.
        minutes: those that were finished.
        cold: the first minute.
        sustained: the last third; None of fewer than three minutes.
        parts_at: the first minute of those that are slower than the cold one for good; None where none is.
        check: of the outputs, before the first minute.
        accuracy: on the data set that was given, after the last; None where none was.
        versions: of the engine's packages.
    """

    model: ModelIdentity
    engine: str
    threads: int | None
    accelerator: str | None
    kind: str
    planned_minutes: int
    minute_s: float
    minutes: tuple[SoakMinute, ...]
    cold: SoakFigure
    sustained: SoakFigure | None
    parts_at: int | None
    check: OutputCheck
    accuracy: Accuracy | None
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Result:
    """A whole benchmark.

    ``rounds`` were finished; ``complete`` is False where someone stopped it before its end.
    ``disturbances`` are what happened to the machine meanwhile, one line each: a run that has any is marked
    as disturbed wherever it is shown. A result with a ``soak`` has no rows: that is its one row.
    """

    created_utc: str
    frames: str
    plan: Plan
    rounds: int
    complete: bool
    environment: Environment
    rows: tuple[Row, ...]
    missing: tuple[Missing, ...]
    verdicts: tuple[Verdict, ...]
    disturbances: tuple[str, ...]
    notes: tuple[str, ...]
    soak: Soak | None = None
    schema_version: int = SCHEMA_VERSION
