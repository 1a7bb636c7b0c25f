"""A whole benchmark and its rows as they are reported and kept, as plain frozen data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hangtag.latency import LatencySummary
from hangtag.metrics import Interval
from hangtag_benchmarks.machine.records import Environment
from hangtag_benchmarks.measurements import Accuracy, OutputCheck, RemoteDevice
from hangtag_benchmarks.plans import ModelIdentity, Plan
from hangtag_benchmarks.soak.records import Soak
from hangtag_benchmarks.statistics import Ratio

SCHEMA_VERSION = 2
"""Version of the layout of ``benchmark.json``; raised when a reader of the old one would go wrong."""


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
        peak_memory_mb: the most of any process, in megabytes of 10**6 bytes.
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
