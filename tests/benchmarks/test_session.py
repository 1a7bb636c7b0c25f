"""Which process runs when, and what becomes of its answer; the processes only pretend."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hangtag_benchmarks import session as session_module
from hangtag_benchmarks.child import Outcome
from hangtag_benchmarks.identity import identify
from hangtag_benchmarks.records import CPU, GPU, Job, Measurement, ModelIdentity, OutputCheck, Plan, Result
from hangtag_benchmarks.session import run_benchmark

Identify = Callable[[str], ModelIdentity]
Measure = Callable[..., Measurement]
TWO_PASSES = Plan(passes=2, rounds=50, warmup_rounds=1)
REAL = ("NVIDIA H100 PCIe", "Discrete GPU")


@pytest.fixture
def benchmark_of(
    identity: Identify, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Result, list[str]]]:
    """Runs a benchmark of models a.tflite and b.tflite; returns the result and what was said."""

    def draw_nothing(path: Path) -> None:
        np.save(path, np.zeros((1, 8, 8, 3), np.uint8))

    monkeypatch.setattr(session_module.frames, "write_frames", draw_nothing)

    def run(children: Any, **options: Any) -> tuple[Result, list[str]]:
        said: list[str] = []
        models = [(Path("somewhere", name), identity(name)) for name in ("a.tflite", "b.tflite")]
        values: dict[str, Any] = {"threads": (1,), "devices": (CPU,), "plan": TWO_PASSES, **options}
        return run_benchmark(models, say=said.append, run=children, **values), said

    return run


def _order(jobs: list[Job]) -> list[tuple[str, int]]:
    return [(Path(job.model_path or "").name[0], job.threads) for job in jobs]


def test_passes_take_turns_between_rows(benchmark_of: Any, fake_children: Any, measurement: Measure) -> None:
    children = fake_children(Outcome(measurement(), None, ""))
    result, said = benchmark_of(children, threads=(1, 2))
    one_pass = [("a", 1), ("a", 2), ("b", 1), ("b", 2)]
    assert _order(children.jobs) == one_pass * 2
    assert [(row.model.file_name[0], row.threads) for row in result.rows] == one_pass
    assert said[0] == "pass 1 of 2: a.tflite, CPU, 1 thread"
    assert said[-1] == "pass 2 of 2: b.tflite, CPU, 2 threads"
    assert {(job.rounds, job.warmup_rounds) for job in children.jobs} == {(50, 1)}
    assert result.failures == ()


def test_a_row_that_fails_leaves_the_others(
    benchmark_of: Any, fake_children: Any, measurement: Measure
) -> None:
    def answer(job: Job) -> Outcome:
        if "a.tflite" in (job.model_path or ""):
            return Outcome(None, "killed by SIGSEGV (signal 11)", "")
        return Outcome(measurement(), None, "")

    children = fake_children(answer)
    result, _ = benchmark_of(children)
    # It is not tried again.
    assert _order(children.jobs) == [("a", 1), ("b", 1), ("b", 1)]
    assert [row.model.file_name for row in result.rows] == ["b.tflite"]
    assert [(failure.model.file_name, failure.reason) for failure in result.failures] == [
        ("a.tflite", "killed by SIGSEGV (signal 11)")
    ]


def test_wrong_outputs_give_no_numbers(benchmark_of: Any, fake_children: Any, measurement: Measure) -> None:
    wrong = measurement(check=OutputCheck("golden cases", 3, 2, 0.4, 0.01))
    result, _ = benchmark_of(fake_children(Outcome(wrong, None, "")))
    assert result.rows == ()
    assert all(failure.wrong_output for failure in result.failures)
    assert "2 of 3 frames fail" in result.failures[0].reason


def test_a_model_named_twice_is_one_row(
    benchmark_of: Any, fake_children: Any, measurement: Measure, identity: Identify
) -> None:
    children = fake_children(Outcome(measurement(), None, ""))
    benchmark_of(children, threads=(1,))
    again = [(Path("a.tflite"), identity("a.tflite"))] * 2
    result = run_benchmark(again, threads=(1,), devices=(CPU,), plan=TWO_PASSES, say=[].append, run=children)
    assert len(result.rows) == 1


def test_a_software_adapter_gives_one_line_and_no_row(
    benchmark_of: Any, fake_children: Any, gpu_log: Any
) -> None:
    children = fake_children(Outcome(None, None, gpu_log("SwiftShader", "CPU / Software")))
    result, _ = benchmark_of(children, devices=(GPU,))
    assert result.gpu_lines == ("no GPU row: only a software adapter (SwiftShader)",)
    assert (result.rows, result.failures) == ((), ())
    # Opened once, measured never.
    assert [job.rounds for job in children.jobs] == [0]


def test_a_real_adapter_gives_rows_that_name_it(
    benchmark_of: Any, fake_children: Any, measurement: Measure, gpu_log: Any
) -> None:
    def answer(job: Job) -> Outcome:
        return Outcome(measurement() if job.rounds else None, None, gpu_log(*REAL))

    result, _ = benchmark_of(fake_children(answer), devices=(CPU, GPU))
    gpu_rows = [row for row in result.rows if row.device == GPU]
    assert [(row.adapter, row.threads) for row in gpu_rows] == [(REAL[0], None)] * 2
    assert result.gpu_lines == ()


def test_a_model_that_the_gpu_refuses_is_named_and_the_other_measured(
    benchmark_of: Any, fake_children: Any, measurement: Measure, gpu_log: Any
) -> None:
    def answer(job: Job) -> Outcome:
        if "a.tflite" in (job.model_path or ""):
            return Outcome(None, "LiteRT cannot put the model on a GPU: uint8", gpu_log(*REAL))
        return Outcome(measurement() if job.rounds else None, None, gpu_log(*REAL))

    result, _ = benchmark_of(fake_children(answer), devices=(GPU,))
    assert result.gpu_lines == ("no GPU row for a.tflite: LiteRT cannot put the model on a GPU: uint8",)
    assert [row.model.file_name for row in result.rows] == ["b.tflite"]


def test_the_measuring_process_must_have_the_gpu_too(
    benchmark_of: Any, fake_children: Any, measurement: Measure, gpu_log: Any
) -> None:
    def answer(job: Job) -> Outcome:
        if job.rounds == 0:
            return Outcome(None, None, gpu_log(*REAL))
        return Outcome(measurement(), None, gpu_log("llvmpipe", "CPU / Software"))

    result, _ = benchmark_of(fake_children(answer), devices=(GPU,))
    assert result.rows == ()
    assert {failure.reason for failure in result.failures} == {"only a software adapter (llvmpipe)"}


def test_a_gpu_probe_that_dies_is_a_line_and_no_failure(benchmark_of: Any, fake_children: Any) -> None:
    children = fake_children(Outcome(None, "the measuring process was killed by SIGILL", "INFO"))
    result, _ = benchmark_of(children, devices=(GPU,))
    assert result.gpu_lines == ("no GPU row: the measuring process was killed by SIGILL",)
    assert result.failures == ()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"plan": Plan(1, 200, 3)}, "one pass only"),
        ({"plan": Plan(2, 20, 3)}, "p99 of 40 measurements"),
        ({"threads": (1, 200)}, "more threads (200) than"),
    ],
)
def test_what_weakens_the_numbers_is_said(
    benchmark_of: Any, fake_children: Any, measurement: Measure, options: dict[str, Any], expected: str
) -> None:
    children = fake_children(Outcome(measurement(), None, ""))
    result, _ = benchmark_of(children, **options)
    assert any(note.startswith(expected) for note in result.notes)


def test_an_identity_names_the_file_and_not_its_folder(model_path: Path) -> None:
    found = identify(model_path)
    assert found.file_name == "model.tflite"
    assert found.size_bytes == model_path.stat().st_size
    assert len(found.sha256) == 64
    assert "/" not in f"{found}"


def test_a_file_name_with_a_line_break_is_made_printable(tmp_path: Path, model_bytes: bytes) -> None:
    path = tmp_path / "a\nb.tflite"
    path.write_bytes(model_bytes)
    assert identify(path).file_name == "a?b.tflite"
