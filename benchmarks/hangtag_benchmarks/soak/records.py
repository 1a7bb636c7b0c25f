"""What a soak found, as plain frozen data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hangtag.metrics import Interval
from hangtag_benchmarks.machine.records import Conditions
from hangtag_benchmarks.measurements import Accuracy, OutputCheck
from hangtag_benchmarks.plans import ModelIdentity


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
