"""What is timed how often in which order."""

from __future__ import annotations

import gc
from collections.abc import Sequence

import numpy as np
import pytest

from hangtag.preprocess import Image
from hangtag_benchmarks.protocol import measure_rounds, timed_ms
from hangtag_benchmarks.records import OutputCheck


class FakeClock:
    """Stands still unless it is moved."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


class FakeEngine:
    """Each step takes as long as it is told, in milliseconds; ``steps`` is the diary."""

    def __init__(self, clock: FakeClock, invoke_ms: Sequence[float] = (4.0,)) -> None:
        self._clock = clock
        self._invoke_ms = invoke_ms
        self._invokes = 0
        self.steps: list[str] = []
        self.collector_on: set[bool] = set()

    def prepare(self, image_bgr: Image) -> None:
        self._step(f"prepare {image_bgr[0, 0, 0]}", 0.25)

    def invoke(self) -> None:
        self._step("invoke", self._invoke_ms[self._invokes % len(self._invoke_ms)])
        self._invokes += 1

    def classify(self, image_bgr: Image) -> str:
        self._step(f"classify {image_bgr[0, 0, 0]}", 5.0)
        return "dress"

    def check_outputs(self, frames: Sequence[Image]) -> OutputCheck:
        raise NotImplementedError

    def _step(self, name: str, duration_ms: float) -> None:
        self.steps.append(name)
        self.collector_on.add(gc.isenabled())
        self._clock.now_ns += round(duration_ms * 1e6)


def _frames(count: int) -> list[Image]:
    return [np.full((4, 4, 3), number, np.uint8) for number in range(count)]


def test_the_three_kinds_take_turns_and_the_first_invoke_has_an_input() -> None:
    clock = FakeClock()
    engine = FakeEngine(clock)
    measure_rounds(engine, _frames(3), rounds=3, warmup_rounds=1, clock=clock)
    assert engine.steps == [
        "prepare 0",
        *("invoke", "prepare 0", "classify 1"),
        *("invoke", "prepare 1", "classify 2"),
        *("invoke", "prepare 2", "classify 0"),
        *("invoke", "prepare 0", "classify 1"),
    ]


def test_one_frame_is_enough() -> None:
    clock = FakeClock()
    timings = measure_rounds(FakeEngine(clock), _frames(1), rounds=2, warmup_rounds=0, clock=clock)
    assert timings.end_to_end_ms == (5.0, 5.0)


def test_warm_up_is_forgotten_and_all_else_is_kept_in_order() -> None:
    clock = FakeClock()
    # The slow first runs are warm-up; the outlier in the middle is a measurement like any other.
    engine = FakeEngine(clock, invoke_ms=[90.0, 80.0, 4.0, 4000.0, 3.5])
    timings = measure_rounds(engine, _frames(2), rounds=3, warmup_rounds=2, clock=clock)
    assert timings.invoke_ms == (4.0, 4000.0, 3.5)
    assert timings.preprocess_ms == (0.25,) * 3
    assert timings.end_to_end_ms == (5.0,) * 3


@pytest.mark.parametrize("was_on", [True, False])
def test_the_garbage_collector_rests_and_is_left_as_it_was(*, was_on: bool) -> None:
    clock = FakeClock()
    engine = FakeEngine(clock)
    (gc.enable if was_on else gc.disable)()
    try:
        measure_rounds(engine, _frames(1), rounds=1, warmup_rounds=0, clock=clock)
        assert gc.isenabled() is was_on
    finally:
        gc.enable()
    # The step before the rounds, the very first preparation, is not timed.
    assert engine.collector_on == ({True, False} if was_on else {False})


def test_the_garbage_collector_comes_back_after_a_failing_engine() -> None:
    class Broken(FakeEngine):
        def invoke(self) -> None:
            raise RuntimeError("broken")

    clock = FakeClock()
    with pytest.raises(RuntimeError, match="broken"):
        measure_rounds(Broken(clock), _frames(1), rounds=1, warmup_rounds=0, clock=clock)
    assert gc.isenabled()


def test_nanoseconds_become_milliseconds() -> None:
    ticks = iter([1_000_000, 3_500_000])
    assert timed_ms(lambda: None, lambda: next(ticks)) == 2.5
