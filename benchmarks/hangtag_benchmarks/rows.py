"""Makes one row of the blocks of one target."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from hangtag.latency import LatencySummary, summarize
from hangtag_benchmarks.machine.busy_threads import thread_notes
from hangtag_benchmarks.measurements import STAGES, Accuracy, Measurement, OutputCheck, RemoteDevice
from hangtag_benchmarks.records import Block, Latency, Row, RunSummary
from hangtag_benchmarks.statistics import percentile_interval
from hangtag_benchmarks.targets import Accelerator, Target

VISIBLE_DIFFERENCE = 0.001
"""Scores that are further off than this, though allowed, are mentioned."""

MOST_WARMING = 0.05
"""A median of the first half of all blocks' runs that is further above the second half's is mentioned."""

TOLD_NOTE = "single runs are not known: p50 and p95 are medians of what each block's program told"

DISTURBED_DEVICE = "DISTURBED: the device throttled itself"

SOFTWARE_NOTE = "software, for testing only: the CPU plays the adapter"


@dataclass(slots=True)
class Measured:
    """What was found about one target so far: its blocks with the rounds they ran in."""

    target: Target
    rounds: list[int] = field(default_factory=list)
    measurements: list[Measurement] = field(default_factory=list)
    accelerator: Accelerator | None = None
    accuracy: Accuracy | None = None

    def add(self, round_number: int, measurement: Measurement) -> None:
        """Keep a block."""
        self.rounds.append(round_number)
        self.measurements.append(measurement)

    def main_latencies(self) -> list[tuple[float, ...]]:
        """Return by block what matters most: the bare invocation, else the way from frame to label.

        A block whose single runs are not known has its median for them.
        """
        told = [one.told for one in self.measurements if one.told is not None]
        if told and len(told) == len(self.measurements):
            return [(one.p50_ms,) for one in told]
        timings = [measurement.timings for measurement in self.measurements]
        if all(one.invoke_ms for one in timings):
            return [one.invoke_ms for one in timings]
        return [one.end_to_end_ms for one in timings]


def build_row(measured: Measured) -> Row:
    """Sum up a target's blocks: latencies over all runs of all of them, the output check of the worst."""
    measurements = measured.measurements
    target, accelerator = measured.target, measured.accelerator
    invoke = told_latency(measurements) or latency([one.timings.invoke_ms for one in measurements])
    end_to_end = latency([one.timings.end_to_end_ms for one in measurements])
    check = max((one.check for one in measurements), key=_badness)
    is_software = accelerator is not None and accelerator.is_software
    return Row(
        model=target.model,
        engine=target.engine,
        threads=target.threads,
        accelerator=None if accelerator is None else accelerator.name,
        blocks=tuple(map(_block, measured.rounds, measurements)),
        invoke=invoke,
        end_to_end=end_to_end,
        stages=_stages(measurements),
        imports_memory_mb=_largest(one.imports_memory_mb for one in measurements),
        peak_memory_mb=_largest(one.peak_memory_mb for one in measurements),
        steady_memory_mb=_median(one.steady_memory_mb for one in measurements),
        energy_mj=_energy_mj(measurements),
        accuracy=measured.accuracy,
        check=check,
        ranked=not is_software,
        notes=tuple(_notes(measured, check, is_software=is_software)),
        versions=measurements[0].versions,
        device=max((one.device for one in measurements if one.device is not None), key=_heat, default=None),
    )


def wrong_output(check: OutputCheck) -> str | None:
    """Return in one line how the outputs are wrong, or None where they are not."""
    if check.failed_cases == 0:
        return None
    return (
        f"wrong output: {check.failed_cases} of {check.cases} frames fail against {check.against} (scores "
        f"differ by up to {check.worst_difference:.4f}, allowed {check.tolerance:.4f}; or a tensor does)"
    )


def latency(blocks: Sequence[Sequence[float]]) -> Latency | None:
    """Sum up one kind of latency, in milliseconds by block; None where nothing was measured."""
    if not all(blocks) or not blocks:
        return None
    pooled = [value for block in blocks for value in block]
    return Latency(
        summary=RunSummary(**dataclasses.asdict(summarize(pooled))),
        p50_interval=percentile_interval(blocks, 50),
        p95_interval=percentile_interval(blocks, 95),
        quantiles_ms=tuple(np.percentile(pooled, range(101)).tolist()),
    )


def told_latency(measurements: Sequence[Measurement]) -> Latency | None:
    """Sum up what blocks say of their invocations where they keep the runs to themselves; None elsewhere."""
    told = [one.told for one in measurements if one.told is not None]
    if not told or len(told) < len(measurements):
        return None
    medians, tails = [one.p50_ms for one in told], [one.p95_ms for one in told]
    count = sum(one.count for one in told)
    return Latency(
        summary=RunSummary(
            count=count,
            p50_ms=statistics.median(medians),
            p90_ms=None,
            p95_ms=statistics.median(tails),
            p99_ms=None,
            max_ms=max(one.max_ms for one in told),
            mean_ms=sum(one.mean_ms * one.count for one in told) / count,
        ),
        p50_interval=percentile_interval([[value] for value in medians], 50),
        p95_interval=percentile_interval([[value] for value in tails], 50),
        quantiles_ms=(),
    )


def _block(round_number: int, measurement: Measurement) -> Block:
    timings = measurement.timings
    return Block(
        round=round_number,
        import_ms=measurement.import_ms,
        load_ms=measurement.load_ms,
        first_run_ms=measurement.first_run_ms,
        invoke_p50_ms=_median(timings.invoke_ms) if measurement.told is None else measurement.told.p50_ms,
        end_to_end_p50_ms=_median(timings.end_to_end_ms),
    )


def _stages(measurements: Sequence[Measurement]) -> dict[str, LatencySummary]:
    found = {}
    for name in STAGES:
        pooled = [value for one in measurements for value in one.timings.stages_ms.get(name, ())]
        if pooled:
            found[name] = summarize(pooled)
    return found


def _energy_mj(measurements: Sequence[Measurement]) -> float | None:
    """Return the median over blocks of the energy for each invocation."""
    return _median(
        None
        if one.energy_j is None or not one.timings.invoke_ms
        # Energy of a block belongs to all its time, which is that of its runs.
        else 1000 * one.energy_j / len(one.timings.invoke_ms)
        for one in measurements
    )


def _badness(check: OutputCheck) -> tuple[int, float, int]:
    return check.failed_cases, check.worst_difference, check.cases


def _heat(device: RemoteDevice) -> tuple[int, float]:
    return device.throttling or 0, device.temperature_c or 0.0


def _largest(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _notes(measured: Measured, check: OutputCheck, *, is_software: bool) -> Iterator[str]:
    measurements = measured.measurements
    if is_software:
        yield SOFTWARE_NOTE
    yield from dict.fromkeys(note for one in measurements for note in one.notes)
    yield from _throttled(measurements)
    if any(one.told is not None for one in measurements):
        yield TOLD_NOTE
    if measured.accelerator is None:
        yield from thread_notes(
            _median(one.busy_threads for one in measurements), asked_for=measured.target.threads
        )
    warming = _warming(measurements)
    if warming > MOST_WARMING:
        yield f"not warmed up: the first half of a block's runs is {warming:.0%} slower than the second"
    if check.cases == 0:
        yield f"outputs unchecked: {check.against}"
    elif check.worst_difference >= VISIBLE_DIFFERENCE:
        yield f"scores differ from {check.against} by up to {check.worst_difference:.3f}"


def _throttled(measurements: Sequence[Measurement]) -> Iterator[str]:
    statuses = [one.device.throttling for one in measurements if one.device is not None]
    slowed = [status for status in statuses if status]
    if slowed:
        yield (
            f"{DISTURBED_DEVICE} in {len(slowed)} of {len(measurements)} blocks (Android's thermal status "
            f"reached {max(slowed)} of 6): do not quote these numbers"
        )


def _warming(measurements: Sequence[Measurement]) -> float:
    """Return by how much the first half of the runs is slower than the second, median over blocks."""
    changes = []
    for one in measurements:
        runs = one.timings.invoke_ms or one.timings.end_to_end_ms
        if len(runs) >= 10:
            half = len(runs) // 2
            changes.append(statistics.median(runs[:half]) / statistics.median(runs[half:]) - 1)
    return statistics.median(changes) if changes else 0.0
