"""TFLite's benchmark_model: what it is asked, what it says, and rows of a program that pretends to be it."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path

import pretend_benchmark_model
import pytest
from click.testing import CliRunner

from hangtag.errors import BenchmarkError
from hangtag_benchmarks import frames
from hangtag_benchmarks.commands import benchmark
from hangtag_benchmarks.identity import identify
from hangtag_benchmarks.measurements import ToldLatency
from hangtag_benchmarks.native.benchmark_model import (
    GPU,
    NNAPI,
    XNNPACK,
    Delegate,
    delegated,
    failure,
    gpu_backend,
    nnapi_accelerators,
    peak_memory_mb,
    timing_arguments,
    told,
)
from hangtag_benchmarks.native.desktop_program import DesktopProgram
from hangtag_benchmarks.native.program_runner import ProgramRunner
from hangtag_benchmarks.native.programs import Programs
from hangtag_benchmarks.plans import BlockPlan, Plan
from hangtag_benchmarks.reports.result_json import read_result
from hangtag_benchmarks.session import run_benchmark
from hangtag_benchmarks.targets import Target

SHORT = BlockPlan(warmup_s=0.01, warmup_runs=2, invoke_s=0.02, invoke_runs=5, pipeline_s=0, pipeline_runs=1)

LOG = """\
INFO: STARTING!
INFO: Tensorflow Version : 2.99.0
INFO: Loaded model model.tflite
INFO: Explicitly applied GPU delegate, and the model graph will be completely executed by the delegate.
INFO: Initialized session in 1361.24ms.
INFO: Running benchmark for at least 10 iterations and at least 0.5 seconds
INFO: count=12 first=12500 curr=9000 min=8000 max=12500 avg=9100.5 std=400 p5=8100 median=9050 p95=12500

INFO: Running benchmark for at least 52 iterations and at least 3 seconds
INFO: count=300 first=9100 curr=9000 min=7900 max=21000 avg=1.00405e+04 std=900 p5=8000 median=9900 p95=11000

INFO: Inference timings in us: Init: 1361236, First inference: 12500, Warmup (avg): 9, Inference (avg): 10041
INFO: Memory footprint delta from the start of the tool (MB): init=132.816 overall=132.816
INFO: Overall peak memory footprint (MB) via periodic monitoring: 93.25
"""


def test_what_it_says_is_read_in_milliseconds() -> None:
    found = told(LOG)

    assert (found.load_ms, found.first_run_ms, found.warmup_runs) == (1361.236, 12.5, 12)
    assert found.invoke == ToldLatency(count=300, p50_ms=9.9, p95_ms=11.0, max_ms=21.0, mean_ms=10.041)
    assert found.version == "2.99.0"
    assert peak_memory_mb(LOG) == 93.25 * 2**20 / 1e6


def test_runs_that_all_took_the_same_time_are_told_otherwise() -> None:
    line = "count=300 curr=9900(all same) p5=9900 median=9900 p95=9900"
    found = told("\n".join(line if "count=300" in old else old for old in LOG.splitlines()))

    assert found.invoke is not None
    assert (found.invoke.count, found.invoke.max_ms) == (300, 9.9)


@pytest.mark.parametrize(
    ("log", "why"),
    [
        ("", "it said nothing"),
        (
            "INFO: STARTING!\nERROR: Failed to load model x\nERROR: Benchmarking failed.\n",
            "Failed to load model x",
        ),
        (LOG[: LOG.index("INFO: Inference timings")], "count=300"),
    ],
)
def test_a_run_that_did_not_get_to_its_end_is_none(log: str, why: str) -> None:
    with pytest.raises(BenchmarkError, match="told no timings") as caught:
        told(log)
    assert why in str(caught.value)


OF_WHOLE = "INFO: Explicitly applied {} delegate, and the model graph will be {} executed by the delegate{}."
REPLACING = "VERBOSE: Replacing 59 out of 64 node(s) with delegate ({}) node, yielding 3 partitions\n"
NOT_AT_ALL = "Though {} delegate is explicitly applied, the model graph will not be executed by the delegate."
BY_THREE = " w/ 3 delegate kernels"


@pytest.mark.parametrize(
    ("line", "delegate", "reason"),
    [
        (OF_WHOLE.format("GPU", "completely", ""), GPU, None),
        (
            OF_WHOLE.format("XNNPACK", "completely", ""),
            GPU,
            "benchmark_model does not say that GPU runs the model",
        ),
        (
            REPLACING.format(NNAPI.node) + OF_WHOLE.format("NNAPI", "partially", BY_THREE),
            NNAPI,
            "NNAPI runs 59 of 64 operations of the model and leaves the rest to others",
        ),
        (
            OF_WHOLE.format("GPU", "partially", BY_THREE),
            GPU,
            "GPU runs a part of the model and leaves the rest to others",
        ),
        (NOT_AT_ALL.format("GPU"), GPU, "GPU runs nothing of the model"),
        ("WARN: GPU acceleration is unsupported on this platform.", GPU, "GPU does not work on this device"),
        (
            "WARN: Unconsumed cmdline flags: --use_nnapi=true --disable_nnapi_cpu=true",
            NNAPI,
            "this benchmark_model knows no --use_nnapi",
        ),
        ("", XNNPACK, "benchmark_model does not say that XNNPACK runs the model"),
    ],
)
def test_a_delegate_is_believed_only_where_the_log_says_so(
    line: str, delegate: Delegate, reason: str | None
) -> None:
    assert delegated(line, delegate) == reason


def test_hardware_is_what_the_log_names() -> None:
    assert gpu_backend("INFO: Initialized OpenGL-based API.") == "OpenGL"
    assert gpu_backend("") is None
    assert nnapi_accelerators("INFO: NNAPI accelerators available: [some-npu,nnapi-reference]") == (
        "some-npu",
        "nnapi-reference",
    )
    assert nnapi_accelerators("NNAPI accelerators available: []") == ()


def test_it_is_asked_for_the_plans_counts() -> None:
    plan = BlockPlan(warmup_s=0.5, warmup_runs=10, invoke_s=3.0, invoke_runs=52)
    arguments = timing_arguments(plan, (1, 224, 224, 3), 2, XNNPACK)

    assert {
        *("--num_runs=52", "--min_secs=3", "--warmup_runs=10", "--warmup_min_secs=0.5", "--num_threads=2"),
        *("--use_xnnpack=true", "--input_layer_shape=1,224,224,3"),
    } <= set(arguments)
    # Every flag is one that the program has.
    assert {word.removeprefix("--").partition("=")[0] for word in arguments} <= pretend_benchmark_model.KNOWN
    assert not any("report_peak" in word for word in arguments)


def test_the_reason_of_a_failure_is_its_last_errors() -> None:
    assert failure("ERROR: one\nINFO: x\nFATAL: two\nERROR: Benchmarking failed.") == "one; FATAL: two"
    assert failure("sh: ./benchmark_model: not executable: 64-bit ELF file\n").startswith("sh:")


# --- whole blocks of a program that pretends


@pytest.fixture
def binary(tmp_path: Path) -> Path:
    """A program in a folder with an awkward name."""
    folder = tmp_path / "a 'b' $(c);"
    folder.mkdir()
    path = folder / "benchmark_model"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{pretend_benchmark_model.__file__}" "$@"\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def runner(binary: Path, tmp_path: Path) -> Callable[..., ProgramRunner]:
    frames.write_frames(tmp_path / "frames.npy")

    def make(delegate: Delegate = XNNPACK, path: Path | None = None) -> ProgramRunner:
        scratch = tmp_path / "scratch"
        scratch.mkdir(exist_ok=True)
        place = DesktopProgram(path or binary, scratch)
        return ProgramRunner(place, delegate, None, 1, tmp_path / "frames.npy")

    return make


def test_a_block_holds_what_is_known_and_no_sample(runner: Callable[..., ProgramRunner]) -> None:
    program = runner()
    assert program.missing() is None
    first, second = program.block(SHORT), program.block(SHORT)

    assert first.error is None, first.log
    assert first.measurement is not None
    assert second.measurement is not None
    found = second.measurement
    assert found.timings.invoke_ms == ()
    assert found.told is not None
    assert found.told.count >= SHORT.invoke_runs
    assert 0 < found.told.p50_ms <= found.told.p95_ms <= found.told.max_ms
    assert (found.import_ms, found.device, found.peak_memory_mb) == (None, None, 31.5 * 2**20 / 1e6)
    assert found.notes == ()
    assert found.versions["benchmark_model"].startswith("sha256 ")
    # Each block computes another frame; what it left behind is what LiteRT computes for the same tensor.
    assert [one.check.cases for one in (first.measurement, found)] == [1, 2]
    assert found.check.failed_cases == 0
    assert found.check.worst_difference < 1e-6


def test_its_row_says_what_is_not_known(runner: Callable[..., ProgramRunner]) -> None:
    target = Target(identify(None), "benchmark_model", 1, runner())
    result = run_benchmark([target], Plan(SHORT, rounds=2, enough_width=None), print)

    (row,) = result.rows
    assert row.invoke is not None
    assert (row.invoke.summary.p90_ms, row.invoke.summary.p99_ms, row.invoke.quantiles_ms) == (None, None, ())
    medians = [block.invoke_p50_ms for block in row.blocks]
    assert row.invoke.summary.p50_ms == pytest.approx(sum(filter(None, medians)) / 2)
    assert any("single runs are not known" in note for note in row.notes)
    assert (row.accuracy, row.end_to_end, row.check.cases) == (None, None, 2)


@pytest.mark.parametrize(
    ("mode", "delegate", "reason"),
    [
        ("crashes", XNNPACK, "exit code 139"),
        ("old", XNNPACK, "tells no median"),
        ("stops-early", XNNPACK, "measured 1, wanted 2 and 5"),
        ("refused", GPU, "Failed to apply GPU delegate"),
        ("partly", GPU, "GPU runs 59 of 64 operations"),
        ("nothing", NNAPI, "NNAPI runs nothing"),
        ("unsupported", GPU, "GPU does not work on this device"),
        ("desktop", NNAPI, "knows no --use_nnapi"),
        ("", GPU, "does not say what GPU it has"),
    ],
)
def test_what_is_not_proven_fails_with_the_reason(
    runner: Callable[..., ProgramRunner],
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
    delegate: Delegate,
    reason: str,
) -> None:
    monkeypatch.setenv("PRETEND", mode)
    outcome = runner(delegate).block(SHORT)

    assert outcome.measurement is None
    assert outcome.error is not None
    assert reason in outcome.error


def test_wrong_outputs_are_wrong(
    runner: Callable[..., ProgramRunner], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRETEND", "wrong")
    outcome = runner().block(SHORT)

    assert outcome.measurement is not None
    assert outcome.measurement.check.failed_cases == 1


def test_without_outputs_the_cpu_is_unchecked_and_says_so(
    runner: Callable[..., ProgramRunner], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRETEND", "no-output,partly")
    outcome = runner().block(SHORT)

    assert outcome.measurement is not None
    assert outcome.measurement.check.cases == 0
    assert "leaves no outputs behind" in outcome.measurement.check.against
    assert outcome.measurement.notes == (
        "XNNPACK runs 59 of 64 operations of the model and leaves the rest to others",
    )


def test_a_program_that_may_not_be_started_is_missing(
    runner: Callable[..., ProgramRunner], tmp_path: Path
) -> None:
    plain = tmp_path / "plain"
    plain.write_bytes(b"x")

    assert runner(path=plain).missing() == "plain may not be executed: chmod +x it"
    assert runner(path=tmp_path / "none").missing() == "there is no program none where --binary says"


@pytest.mark.parametrize(
    ("programs", "engines", "reason"),
    [
        (Programs(), (), None),
        (Programs(Path("b")), ("benchmark_model",), None),
        (Programs(Path("b"), "S"), ("adb-gpu", "litert"), None),
        (Programs(None, "S"), (), "--adb needs --binary"),
        (Programs(), ("benchmark_model",), "needs --binary"),
        (Programs(Path("b")), ("adb-nnapi",), "needs --adb SERIAL"),
        (Programs(Path("b"), "S"), ("benchmark_model",), "is for a program of this machine"),
    ],
)
def test_options_that_do_not_fit_together(
    programs: Programs, engines: tuple[str, ...], reason: str | None
) -> None:
    found = programs.why_unusable(engines)
    assert (found is None) == (reason is None)
    assert reason is None or reason in (found or "")


def test_default_engines_are_those_of_the_device() -> None:
    here, there = Programs(Path("b")), Programs(Path("b"), "S")

    assert [here.engines(device) for device in ("all", "gpu")] == [("benchmark_model",), ()]
    assert there.engines("all") == ("adb-cpu", "adb-gpu", "adb-nnapi")
    assert there.engines("gpu") == ("adb-gpu", "adb-nnapi")
    assert Programs().engines("all") == ()


def test_the_command_puts_its_row_beside_litert(binary: Path, tmp_path: Path, model_path: Path) -> None:
    arguments = ["--device", "cpu", "--quick", "--rounds", "1", "--binary", str(binary)]
    done = CliRunner().invoke(benchmark, [str(model_path), *arguments, "--report", str(tmp_path / "out")])

    assert done.exit_code == 0, done.output
    rows = read_result(tmp_path / "out" / "benchmark.json").rows
    assert [row.engine for row in rows] == ["litert", "benchmark_model"]
    assert "benchmark_model, XNNPACK" in done.output
    assert dataclasses.asdict(rows[1])["invoke"]["summary"]["p99_ms"] is None
