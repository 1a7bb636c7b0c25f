"""What is timed, how often and in which order.

Bare invoke, preprocessing and the whole way from frame to label take turns within each round, so that a
clock that drifts, a CPU that warms up or a busy neighbour meets all three alike.
"""

from __future__ import annotations

import contextlib
import functools
import gc
from collections.abc import Callable, Iterator, Sequence

from hangtag.preprocess import Image
from hangtag_benchmarks.engines.base import Engine
from hangtag_benchmarks.records import Timings

Clock = Callable[[], int]
"""Nanoseconds from any fixed start, as ``time.perf_counter_ns``."""


def timed_ms(action: Callable[[], object], clock: Clock) -> float:
    """Return how long ``action`` took, in milliseconds."""
    start_ns = clock()
    action()
    return (clock() - start_ns) / 1e6


def measure_rounds(
    engine: Engine, frames: Sequence[Image], *, rounds: int, warmup_rounds: int, clock: Clock
) -> Timings:
    """Run ``warmup_rounds`` that are forgotten, then ``rounds`` that are all kept.

    The garbage collector rests meanwhile. A round's end-to-end step gets another frame than its
    preprocessing step, so that it does not find its pixels in the cache already (where there is more than
    one frame).

    Args:
        engine: an opened model.
        frames: BGR uint8 frames, used in turn.
        rounds: how many rounds are kept.
        warmup_rounds: how many go before them.
        clock: nanoseconds; injected so that tests can count its calls.
    """
    latencies_ms: dict[str, list[float]] = {"invoke": [], "preprocess": [], "end_to_end": []}
    engine.prepare(frames[0])
    with no_garbage_collection():
        for number in range(warmup_rounds + rounds):
            for kind, action in _steps(engine, frames, number):
                elapsed_ms = timed_ms(action, clock)
                if number >= warmup_rounds:
                    latencies_ms[kind].append(elapsed_ms)
    return Timings(**{f"{kind}_ms": tuple(values) for kind, values in latencies_ms.items()})


def _steps(
    engine: Engine, frames: Sequence[Image], number: int
) -> tuple[tuple[str, Callable[[], object]], ...]:
    prepared = frames[number % len(frames)]
    classified = frames[(number + 1) % len(frames)]
    return (
        ("invoke", engine.invoke),
        ("preprocess", functools.partial(engine.prepare, prepared)),
        ("end_to_end", functools.partial(engine.classify, classified)),
    )


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
