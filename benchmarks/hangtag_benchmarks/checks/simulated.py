"""A machine that is simulated, with the moods of real ones: what a benchmark must not be fooled by.

Only the latencies are made up. Rounds, orders, rows, early ends and verdicts are the benchmark's own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from hangtag_benchmarks.checks.moods import Effect, Moment, Scenario, Values
from hangtag_benchmarks.child import Outcome
from hangtag_benchmarks.machine.monitor import Monitor, Ours
from hangtag_benchmarks.machine.records import Conditions
from hangtag_benchmarks.measurements import Measurement, OutputCheck, Timings
from hangtag_benchmarks.plans import BlockPlan, ModelIdentity, Plan
from hangtag_benchmarks.records import Result
from hangtag_benchmarks.session import run_benchmark
from hangtag_benchmarks.targets import Target

TYPICAL_MS = 4.0
_START_S = 2.0
"""What a block takes besides what it keeps: a process that starts, loads and warms up."""


@dataclass(slots=True)
class Machine:
    """One session's machine, with a clock of its own."""

    scenario: Scenario
    rng: np.random.Generator
    targets: int
    now_s: float = 0.0
    blocks: int = 0
    effects: list[Effect] = field(init=False)

    def __post_init__(self) -> None:
        self.effects = [cause(self.rng) for cause in self.scenario.causes]

    def block(self, typical_ms: float, plan: BlockPlan) -> Values:
        """Return the latencies of a block, in milliseconds: as few runs as a slow model has."""
        times_s = self.now_s + _START_S + np.linspace(0, plan.invoke_s, plan.invoke_runs)
        moment = Moment(times_s, self.blocks % self.targets, self.rng)
        slower = sum((effect(moment) for effect in self.effects), np.zeros(plan.invoke_runs))
        self.blocks += 1
        self.now_s = float(times_s[-1]) + 2 * plan.pipeline_s
        return np.asarray(typical_ms * np.exp(slower))


@dataclass(frozen=True, slots=True)
class SimulatedRunner:
    """Runs blocks of one target on such a machine."""

    machine: Machine
    typical_ms: float

    def missing(self) -> None:
        """It is always there."""

    def block(self, plan: BlockPlan) -> Outcome:
        """Make up the next block."""
        latencies = tuple(self.machine.block(self.typical_ms, plan).tolist())
        return Outcome(_measurement(latencies), None, "")

    def accuracy(self, photos: tuple[str, str]) -> None:
        """It has none."""

    def accelerator(self, log: str) -> None:
        """It has none."""


class Unwatched(Monitor):
    """Looks at nothing: there is no machine."""

    def __init__(self) -> None:
        super().__init__(lambda: Conditions(None, None, None), lambda: None, lambda: None)

    @contextlib.contextmanager
    def during(self, what: str) -> Iterator[Ours]:
        """Look away."""
        del what
        yield Ours()


def simulate(scenario: Scenario, plan: Plan, typical_ms: Sequence[float], seed: int) -> Result:
    """Run a whole benchmark on such a machine.

    Args:
        scenario: the machine.
        plan: rounds and early end.
        typical_ms: a target for each.
        seed: of everything that is drawn.
    """
    rng = np.random.default_rng(seed)
    machine = Machine(scenario, rng, len(typical_ms))
    targets = [
        Target(_model(number), "simulated", 1, SimulatedRunner(machine, ms))
        for number, ms in enumerate(typical_ms)
    ]
    order = int(rng.integers(2**32))
    return run_benchmark(targets, plan, lambda _: None, seed=order, monitor=Unwatched())


def true_percentiles(
    scenario: Scenario, plan: BlockPlan, percentiles: Sequence[int], *, machines: int = 3000
) -> dict[int, float]:
    """Return what an endless run would find, of a steady scenario: one block of many machines."""
    runs = []
    for seed in range(machines):
        machine = Machine(scenario, np.random.default_rng([seed, 1]), 2)
        machine.blocks = seed % 2
        runs.append(machine.block(TYPICAL_MS, plan))
    found = np.percentile(np.concatenate(runs), percentiles)
    return dict(zip(percentiles, found.tolist(), strict=True))


def _model(number: int) -> ModelIdentity:
    name = "ABCDEFGHIJ"[number]
    return ModelIdentity(f"{name}.tflite", 1, name * 64, "0" * 64, name, "uint8", (224, 224))


def _measurement(latencies_ms: tuple[float, ...]) -> Measurement:
    return Measurement(
        import_ms=1.0,
        load_ms=1.0,
        first_run_ms=1.0,
        warmup_runs=10,
        timings=Timings(latencies_ms, (), {}),
        imports_memory_mb=None,
        peak_memory_mb=None,
        steady_memory_mb=None,
        energy_j=None,
        check=OutputCheck("nothing", 0, 0, 0.0, 0.0),
        versions={},
    )
