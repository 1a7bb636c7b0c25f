"""What one block times, and in which order. The reasons stand in ``benchmarks/PROTOCOL.md``."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
from collections.abc import Callable, Iterator, Sequence

from hangtag.preprocess import Image
from hangtag_benchmarks.camera.arriving import arriving
from hangtag_benchmarks.engines.base import Engine
from hangtag_benchmarks.measurements import STAGES
from hangtag_benchmarks.plans import BlockPlan

Clock = Callable[[], int]
"""Nanoseconds from any fixed start, as ``time.perf_counter_ns``."""


def timed_ms(action: Callable[[], object], clock: Clock) -> float:
    """Return how long ``action`` took, in milliseconds."""
    start_ns = clock()
    action()
    return (clock() - start_ns) / 1e6


def warm_up(engine: Engine, frames: Sequence[Image], plan: BlockPlan, clock: Clock) -> int:
    """Run what will be measured until caches, clocks and lazy allocations are settled; return how often."""
    return len(repeated(heart(engine, frames), plan.warmup_s, plan.warmup_runs, clock))


def measure_invoke(
    engine: Engine, frames: Sequence[Image], plan: BlockPlan, clock: Clock
) -> tuple[float, ...]:
    """Time the bare invocation, one after another, on the first frame; empty where the engine has none."""
    if not engine.has_stages:
        return ()
    engine.prepare(frames[0])
    engine.write_input()
    return repeated(engine.invoke, plan.invoke_s, plan.invoke_runs, clock)


def measure_pipeline(
    engine: Engine, frames: Sequence[Image], plan: BlockPlan, clock: Clock
) -> tuple[tuple[float, ...], dict[str, tuple[float, ...]]]:
    """Time the way from frame to label, frames as they arrive: as users call it, and then step by step.

    Each way has code of its own around the invocation, and so a warm-up of its own.

    Returns:
        The latencies of the whole way, and those of each step that the engine has apart.
    """
    camera = _Camera(frames)
    if not engine.has_stages:
        # It is all that there is to time, and gets the time that others' invocations have.
        plan = dataclasses.replace(plan, pipeline_s=plan.invoke_s, pipeline_runs=plan.invoke_runs)
    whole = _warm(lambda: engine.classify(camera.frame), plan, clock, ready=camera.capture)
    if not engine.has_stages:
        return whole, {}
    stages: dict[str, list[float]] = {name: [] for name in STAGES}

    def step_by_step() -> None:
        stages["preprocess"].append(timed_ms(lambda: engine.prepare(camera.frame), clock))
        stages["write_input"].append(timed_ms(engine.write_input, clock))
        engine.invoke()
        start_ns = clock()
        output = engine.read_output()
        stages["read_output"].append((clock() - start_ns) / 1e6)
        stages["postprocess"].append(timed_ms(lambda: engine.label(output), clock))

    _warm(step_by_step, plan, clock, ready=camera.capture)
    return whole, {
        name: tuple(latencies[plan.warmup_runs :])
        for name, latencies in stages.items()
        if name not in engine.included
    }


def _warm(
    action: Callable[[], object], plan: BlockPlan, clock: Clock, ready: Callable[[], object]
) -> tuple[float, ...]:
    """Run ``action`` as often as a warm-up asks for, and then for the latencies that are returned."""
    repeated(action, 0.0, plan.warmup_runs, clock, ready)
    return repeated(action, plan.pipeline_s, plan.pipeline_runs, clock, ready)


class _Camera:
    """Frames in turn, each written anew as a driver does it: a frame that rested has left the caches."""

    def __init__(self, frames: Sequence[Image]) -> None:
        self._arriving, self._number = arriving(frames), 0
        self.frame: Image = frames[0]

    def capture(self) -> None:
        """Let the next frame arrive."""
        self._number += 1
        self.frame = self._arriving(self._number)


def heart(engine: Engine, frames: Sequence[Image]) -> Callable[[], object]:
    """Return what an engine is mostly asked to do: the invocation, where it has one."""
    if not engine.has_stages:
        return lambda: engine.classify(frames[0])
    engine.prepare(frames[0])
    engine.write_input()
    return engine.invoke


def _nothing() -> None:
    """Make nothing ready."""


def repeated(
    action: Callable[[], object],
    least_s: float,
    least_runs: int,
    clock: Clock,
    ready: Callable[[], object] = _nothing,
) -> tuple[float, ...]:
    """Run ``action`` until both are reached; return every latency in milliseconds.

    ``ready`` is called before each and is not in its time.
    """
    latencies: list[float] = []
    begun_ns = ended_ns = clock()
    until_ns = begun_ns + round(least_s * 1e9)
    while ended_ns < until_ns or len(latencies) < least_runs:
        ready()
        start_ns = clock()
        action()
        ended_ns = clock()
        latencies.append((ended_ns - start_ns) / 1e6)
    return tuple(latencies)


@contextlib.contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Let the garbage collector rest, and leave it as it was."""
    was_on = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
