"""What one block times, and in which order. The reasons stand in ``benchmarks/PROTOCOL.md``."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable, Iterator, Sequence

from hangtag.preprocess import Image
from hangtag_benchmarks.engines.base import Engine
from hangtag_benchmarks.records import STAGES, BlockPlan, Timings

Clock = Callable[[], int]
"""Nanoseconds from any fixed start, as ``time.perf_counter_ns``."""


def timed_ms(action: Callable[[], object], clock: Clock) -> float:
    """Return how long ``action`` took, in milliseconds."""
    start_ns = clock()
    action()
    return (clock() - start_ns) / 1e6


def warm_up(engine: Engine, frames: Sequence[Image], plan: BlockPlan, clock: Clock) -> int:
    """Run what will be measured until caches, clocks and lazy allocations are settled; return how often."""
    return len(_repeated(_heart(engine, frames), plan.warmup_s, plan.warmup_runs, clock))


def measure_invoke(
    engine: Engine, frames: Sequence[Image], plan: BlockPlan, clock: Clock
) -> tuple[float, ...]:
    """Time the bare invocation, one after another, on the first frame; empty where the engine has none."""
    if not engine.has_stages:
        return ()
    engine.prepare(frames[0])
    engine.write_input()
    return _repeated(engine.invoke, plan.invoke_s, plan.invoke_runs, clock)


def measure_pipeline(
    engine: Engine, frames: Sequence[Image], plan: BlockPlan, clock: Clock
) -> tuple[tuple[float, ...], dict[str, tuple[float, ...]]]:
    """Time the way from frame to label, frames in turn: as users call it, and then step by step.

    Returns:
        The latencies of the whole way, and those of each step that the engine has apart.
    """
    turn = _Turn(frames)
    whole = _repeated(lambda: engine.classify(turn.next()), plan.pipeline_s, plan.pipeline_runs, clock)
    if not engine.has_stages:
        return whole, {}
    stages: dict[str, list[float]] = {name: [] for name in STAGES}

    def step_by_step() -> None:
        frame = turn.next()
        stages["preprocess"].append(timed_ms(lambda: engine.prepare(frame), clock))
        stages["write_input"].append(timed_ms(engine.write_input, clock))
        engine.invoke()
        start_ns = clock()
        output = engine.read_output()
        stages["read_output"].append((clock() - start_ns) / 1e6)
        stages["postprocess"].append(timed_ms(lambda: engine.label(output), clock))

    _repeated(step_by_step, plan.pipeline_s, plan.pipeline_runs, clock)
    return whole, {
        name: tuple(latencies) for name, latencies in stages.items() if name not in engine.included
    }


def measure_block(engine: Engine, frames: Sequence[Image], plan: BlockPlan, clock: Clock) -> Timings:
    """Time everything of an engine that is warmed up; the garbage collector rests meanwhile.

    Args:
        engine: an opened model.
        frames: BGR uint8 frames, used in turn.
        plan: how long and how often.
        clock: nanoseconds; injected so that tests can count its calls.
    """
    with no_garbage_collection():
        invoke = measure_invoke(engine, frames, plan, clock)
        end_to_end, stages = measure_pipeline(engine, frames, plan, clock)
    return Timings(invoke, end_to_end, stages)


class _Turn:
    """Frames in turn."""

    def __init__(self, frames: Sequence[Image]) -> None:
        self._frames, self._number = frames, 0

    def next(self) -> Image:
        self._number += 1
        return self._frames[self._number % len(self._frames)]


def _heart(engine: Engine, frames: Sequence[Image]) -> Callable[[], object]:
    """Return what an engine is mostly asked to do: the invocation, where it has one."""
    if not engine.has_stages:
        return lambda: engine.classify(frames[0])
    engine.prepare(frames[0])
    engine.write_input()
    return engine.invoke


def _repeated(
    action: Callable[[], object], least_s: float, least_runs: int, clock: Clock
) -> tuple[float, ...]:
    """Run until both are reached; return every latency in milliseconds."""
    latencies: list[float] = []
    begun_ns = ended_ns = clock()
    until_ns = begun_ns + round(least_s * 1e9)
    while ended_ns < until_ns or len(latencies) < least_runs:
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
