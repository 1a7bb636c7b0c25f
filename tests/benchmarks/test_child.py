"""A measuring process can end in many ways; each is one line."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from crafting import crashing
from made_benchmarks import made_accuracy
from model_parts import whole

from hangtag_benchmarks.child import WORKER, one_line, run_job
from hangtag_benchmarks.measurements import Measurement
from hangtag_benchmarks.plans import BlockPlan, Job

JOB = Job("litert", "model.tflite", 1, "frames.npy", BlockPlan())
SHORT = BlockPlan(warmup_s=0.01, invoke_s=0.01, invoke_runs=20, pipeline_s=0.01, pipeline_runs=5)

NOT_THIS_PROCESSOR = "the library asks for instructions that this processor does not have"


def _python(program: str) -> tuple[str, ...]:
    return (sys.executable, "-c", program)


@pytest.fixture
def frames_path(tmp_path: Path) -> Path:
    path = tmp_path / "frames.npy"
    np.save(path, np.random.default_rng(0).integers(0, 256, (2, 48, 64, 3), np.uint8))
    return path


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to be killed by")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SIGSEGV", "the measuring process was killed by SIGSEGV (signal 11)"),
        ("SIGKILL", "the measuring process was killed by SIGKILL (signal 9); was there enough memory?"),
        ("SIGILL", f"the measuring process was killed by SIGILL (signal 4); {NOT_THIS_PROCESSOR}"),
    ],
)
def test_a_death_by_signal_is_named(name: str, expected: str) -> None:
    outcome = run_job(JOB, command=_python(f"import os, signal; os.kill(os.getpid(), signal.{name})"))
    assert outcome.measurement is None
    assert outcome.error == expected


def test_an_exception_is_its_last_line() -> None:
    outcome = run_job(JOB, command=_python("raise ValueError('no luck with /home/someone/models/a.tflite')"))
    assert outcome.error == "the measuring process failed with exit code 1: ValueError: no luck with a.tflite"
    assert "Traceback" in outcome.log


def test_a_silent_failure_is_called_so() -> None:
    outcome = run_job(JOB, command=_python("raise SystemExit(3)"))
    assert outcome.error == "the measuring process failed with exit code 3: it said nothing"


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "not json",
        "[]",
        "{}",
        "7",
        '{"measurement": {"load_ms": 1}}',
        '{"accuracy": {"right": 1}}',
        "\\x80",
    ],
)
def test_an_answer_that_makes_no_sense_is_an_error(answer: str) -> None:
    outcome = run_job(JOB, command=_python(f"import sys; sys.stdout.buffer.write(b{answer!r})"))
    assert (outcome.measurement, outcome.accuracy) == (None, None)
    assert outcome.error is not None
    assert "cannot be read" in outcome.error


def test_a_hanging_process_is_given_up_and_what_it_said_is_kept() -> None:
    program = "import sys, time; print('driver!', file=sys.stderr, flush=True); time.sleep(60)"
    outcome = run_job(JOB, timeout_s=0.5, command=_python(program))
    assert outcome.error == "the measuring process did not answer within 0.5 s"
    assert outcome.log == "driver!\n"


def test_a_program_that_is_not_there_is_one_line() -> None:
    assert run_job(JOB, command=("/no/such/python3",)).error == (
        "cannot start python3: No such file or directory"
    )


def test_a_block_of_a_real_model_measures_everything(frames_path: Path) -> None:
    outcome = run_job(Job("litert", None, 1, str(frames_path), SHORT))
    assert outcome.error is None
    found = outcome.measurement
    assert found is not None
    assert found.warmup_runs >= 10
    assert len(found.timings.invoke_ms) >= 20
    assert len(found.timings.end_to_end_ms) >= 5
    # The interpreter is prepared into directly: nothing is written apart.
    assert set(found.timings.stages_ms) == {"preprocess", "read_output", "postprocess"}
    assert min(*found.timings.invoke_ms, *found.timings.end_to_end_ms, found.load_ms) > 0
    assert found.first_run_ms is not None
    assert found.imports_memory_mb is not None
    assert found.peak_memory_mb is not None
    assert found.steady_memory_mb is not None
    assert found.peak_memory_mb >= found.steady_memory_mb > found.imports_memory_mb > 20
    assert found.check.cases > 0
    assert found.check.failed_cases == 0
    assert "ai-edge-litert" in found.versions


def test_a_job_without_a_plan_opens_the_model_and_measures_nothing(frames_path: Path) -> None:
    outcome = run_job(Job("litert", None, 1, str(frames_path), None))
    assert (outcome.measurement, outcome.error) == (None, None)


def _junk(model: bytes) -> bytes:
    return b"junk" * (len(model) // 4)


def _killer(model: bytes) -> bytes:
    del model
    return whole(crashing())


@pytest.mark.parametrize(
    ("craft", "said"), [(_junk, "broken.tflite: not a TFLite model"), (_killer, "was killed by SIG")]
)
def test_a_bad_model_is_one_line(
    craft: Callable[[bytes], bytes], said: str, tmp_path: Path, model_bytes: bytes, frames_path: Path
) -> None:
    model_path = tmp_path / "broken.tflite"
    model_path.write_bytes(craft(model_bytes))
    outcome = run_job(Job("litert", str(model_path), 1, str(frames_path), SHORT))
    assert outcome.measurement is None
    assert outcome.error is not None
    assert said in outcome.error
    assert str(tmp_path) not in outcome.error


def test_the_users_folder_is_not_imported_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong json')")
    monkeypatch.chdir(tmp_path)
    outcome = run_job(JOB, command=WORKER)
    assert "the wrong json" not in outcome.log
    assert "frames.npy" in (outcome.error or "")


def test_what_libraries_print_is_no_part_of_the_answer() -> None:
    program = (
        "import hangtag_benchmarks.worker as worker, os\n"
        "def done(values):\n"
        "    print('chatter'); os.write(1, b'native chatter')\n"
        "    return {'measurement': None}\n"
        "worker._done = done\n"
        "worker.main()\n"
    )
    outcome = run_job(JOB, command=_python(program))
    assert (outcome.measurement, outcome.error) == (None, None)
    assert "chatter" in outcome.log
    assert "native chatter" in outcome.log


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cannot open /home/someone/x/lib.so: gone", "cannot open lib.so: gone"),
        ("two\n  lines", "two lines"),
        ("2/3 of it, and/or more", "2/3 of it, and/or more"),
        ("'/a/b c/d.tflite' is broken", "'b c/d.tflite' is broken"),
        ("", ""),
    ],
)
def test_messages_lose_folders_and_line_breaks(text: str, expected: str) -> None:
    assert one_line(text) == expected


def test_jobs_and_answers_survive_json(measurement: Callable[..., Measurement]) -> None:
    def there_and_back(value: object) -> dict[str, object]:
        found: dict[str, object] = json.loads(json.dumps(dataclasses.asdict(value)))  # type: ignore[call-overload]
        return found

    found = measurement([4.0, 5.0], energy_j=1.5)
    assert Measurement.from_dict(there_and_back(found)) == found
    accuracy = made_accuracy(0.9)
    assert type(accuracy).from_dict(there_and_back(accuracy)) == accuracy
