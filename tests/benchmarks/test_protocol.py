"""What is timed how often in which order."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pytest
from tiny_models import whole_model

from hangtag.contract import InputSpec, ModelContract
from hangtag.model_file import parse_model
from hangtag.preprocess import Image, Tensor
from hangtag_benchmarks.engines.base import Engine
from hangtag_benchmarks.measurements import OutputCheck
from hangtag_benchmarks.plans import BlockPlan
from hangtag_benchmarks.protocol import (
    measure_invoke,
    measure_pipeline,
    no_garbage_collection,
    timed_ms,
    warm_up,
)

STEPS_MS = {"prepare": 0.25, "write": 0.125, "invoke": 4.0, "read": 0.5, "label": 1.0, "classify": 6.0}


class FakeClock:
    """Stands still unless it is moved."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


class SlowEngine(Engine):
    """Each step takes as long as it is told, in milliseconds; ``steps`` is the diary."""

    contract = parse_model(
        whole_model(ModelContract(labels=("a", "b"), input=InputSpec(width_px=8, height_px=8))), "tiny"
    ).contract

    def __init__(self, clock: FakeClock, invoke_ms: Sequence[float] = (4.0,)) -> None:
        self._clock, self._invoke_ms = clock, invoke_ms
        self.steps: list[str] = []
        self.collector_on: set[bool] = set()

    def prepare(self, image_bgr: Image) -> None:
        self._step("prepare", str(image_bgr[0, 0, 0]))

    def write_input(self) -> None:
        self._step("write")

    def invoke(self) -> None:
        number = self.steps.count("invoke")
        self._step("invoke", duration_ms=self._invoke_ms[number % len(self._invoke_ms)])

    def read_output(self) -> Tensor:
        self._step("read")
        return np.zeros(2, np.float32)

    def label(self, output: Tensor) -> str:
        assert output.shape == (2,)
        self._step("label")
        return "a"

    def classify(self, image_bgr: Image) -> str:
        self._step("classify", str(image_bgr[0, 0, 0]))
        return "a"

    def check_outputs(self, frames: Sequence[Image]) -> OutputCheck:
        raise NotImplementedError

    def _step(self, name: str, of: str = "", *, duration_ms: float | None = None) -> None:
        self.steps.append(f"{name} {of}".strip())
        self.collector_on.add(gc.isenabled())
        self._clock.now_ns += round((STEPS_MS[name] if duration_ms is None else duration_ms) * 1e6)


class WholeEngine(SlowEngine):
    """Takes a frame and gives a label, and nothing between."""

    has_stages: ClassVar[bool] = False


def _frames(count: int) -> list[Image]:
    return [np.full((4, 4, 3), number, np.uint8) for number in range(count)]


def _plan(**changes: float) -> BlockPlan:
    nothing = dict.fromkeys(("warmup_s", "invoke_s", "pipeline_s"), 0.0)
    runs = dict.fromkeys(("warmup_runs", "invoke_runs", "pipeline_runs"), 0)
    return BlockPlan(**{**nothing, **runs, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("plan", "runs"),
    [
        # Both the seconds and the runs must be reached, whichever takes longer; a run takes 4 ms.
        (_plan(warmup_s=0.1, warmup_runs=10), 25),
        (_plan(warmup_s=0.1, warmup_runs=30), 30),
        (_plan(warmup_s=0.101, warmup_runs=10), 26),
        (_plan(warmup_runs=10), 10),
    ],
)
def test_a_warm_up_is_long_and_often_enough(plan: BlockPlan, runs: int) -> None:
    clock = FakeClock()
    engine = SlowEngine(clock)
    assert warm_up(engine, _frames(2), plan, clock) == runs
    assert engine.steps == ["prepare 0", "write", *["invoke"] * runs]


def test_the_default_warm_up_and_run_are_as_long_as_promised() -> None:
    plan = BlockPlan()
    assert (plan.warmup_runs, plan.warmup_s) == (10, 0.5)
    assert 20 * plan.invoke_runs >= 1024
    assert 20 * plan.invoke_s >= 60


def test_invocations_are_timed_back_to_back_and_every_one_is_kept() -> None:
    clock = FakeClock()
    engine = SlowEngine(clock, invoke_ms=[4.0, 4000.0, 3.5])
    assert measure_invoke(engine, _frames(2), _plan(invoke_runs=5), clock) == (4.0, 4000.0, 3.5, 4.0, 4000.0)
    assert engine.steps == ["prepare 0", "write", *["invoke"] * 5]


def test_the_way_to_the_label_is_timed_as_a_whole_and_step_by_step_with_frames_in_turn() -> None:
    clock = FakeClock()
    engine = SlowEngine(clock)
    whole, stages = measure_pipeline(engine, _frames(3), _plan(pipeline_runs=3), clock)
    assert whole == (6.0,) * 3
    assert engine.steps[:3] == ["classify 1", "classify 2", "classify 0"]
    one = ["write", "invoke", "read", "label"]
    assert engine.steps[3:] == ["prepare 1", *one, "prepare 2", *one, "prepare 0", *one]
    assert stages == {
        "preprocess": (0.25,) * 3,
        "write_input": (0.125,) * 3,
        "read_output": (0.5,) * 3,
        "postprocess": (1.0,) * 3,
    }


def test_each_frame_has_just_been_written_into_the_other_buffer() -> None:
    seen: list[Image] = []

    class Looking(SlowEngine):
        def classify(self, image_bgr: Image) -> str:
            seen.append(image_bgr)
            return super().classify(image_bgr)

    clock, frames = FakeClock(), _frames(3)
    measure_pipeline(Looking(clock), frames, _plan(pipeline_runs=4), clock)
    assert not any(np.shares_memory(image, frame) for image in seen for frame in frames)
    assert [image is seen[0] for image in seen] == [True, False, True, False]


def test_either_way_is_warmed_up_before_it_counts() -> None:
    clock = FakeClock()
    engine = SlowEngine(clock)
    whole, stages = measure_pipeline(engine, _frames(1), _plan(warmup_runs=10, pipeline_runs=4), clock)
    assert engine.steps.count("classify 0") == 14
    assert engine.steps.count("label") == 14
    assert {len(whole), *(len(latencies) for latencies in stages.values())} == {4}


def test_steps_inside_of_others_are_not_shown_apart() -> None:
    class Direct(SlowEngine):
        included: ClassVar[frozenset[str]] = frozenset({"write_input", "read_output"})

    clock = FakeClock()
    _, stages = measure_pipeline(Direct(clock), _frames(1), _plan(pipeline_runs=2), clock)
    assert set(stages) == {"preprocess", "postprocess"}


def test_an_engine_without_steps_is_timed_as_a_whole() -> None:
    clock = FakeClock()
    engine = WholeEngine(clock)
    assert warm_up(engine, _frames(2), _plan(warmup_runs=10), clock) == 10
    assert measure_invoke(engine, _frames(2), _plan(invoke_runs=5), clock) == ()
    assert measure_pipeline(engine, _frames(2), _plan(invoke_runs=2), clock) == ((6.0, 6.0), {})
    assert {step.partition(" ")[0] for step in engine.steps} == {"classify"}


@pytest.mark.parametrize("was_on", [True, False])
def test_the_garbage_collector_rests_and_is_left_as_it_was(*, was_on: bool) -> None:
    clock = FakeClock()
    engine = SlowEngine(clock)
    (gc.enable if was_on else gc.disable)()
    try:
        with no_garbage_collection():
            measure_invoke(engine, _frames(1), _plan(invoke_runs=1), clock)
        assert gc.isenabled() is was_on
    finally:
        gc.enable()
    assert engine.collector_on == {False}


def test_the_garbage_collector_comes_back_after_a_failing_engine() -> None:
    with pytest.raises(RuntimeError, match="broken"), no_garbage_collection():
        raise RuntimeError("broken")
    assert gc.isenabled()


def test_nanoseconds_become_milliseconds() -> None:
    ticks = iter([1_000_000, 3_500_000])
    assert timed_ms(lambda: None, lambda: next(ticks)) == 2.5


def test_an_engine_without_steps_is_timed_as_long_as_others_invocations() -> None:
    clock = FakeClock()
    plan = _plan(invoke_s=0.06, invoke_runs=3, pipeline_runs=2)
    whole, stages = measure_pipeline(WholeEngine(clock), _frames(1), plan, clock)
    assert (whole, stages) == ((6.0,) * 10, {})
