"""A measuring process can end in many ways; each is one line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from hangtag_benchmarks.child import WORKER, one_line, run_job
from hangtag_benchmarks.records import CPU, Job

JOB = Job(CPU, "model.tflite", 1, 2, 1, "frames.npy")


def _python(program: str) -> tuple[str, ...]:
    return (sys.executable, "-c", program)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to be killed by")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SIGSEGV", "the measuring process was killed by SIGSEGV (signal 11)"),
        ("SIGKILL", "the measuring process was killed by SIGKILL (signal 9); was there enough memory?"),
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


@pytest.mark.parametrize("answer", ["", "not json", "[]", "{}", '{"measurement": {"load_ms": 1}}'])
def test_an_answer_that_makes_no_sense_is_an_error(answer: str) -> None:
    outcome = run_job(JOB, command=_python(f"print({answer!r})"))
    assert outcome.measurement is None
    assert outcome.error is not None
    assert "cannot be read" in outcome.error


def test_a_hanging_process_is_given_up() -> None:
    outcome = run_job(JOB, timeout_s=0.2, command=_python("import time; time.sleep(60)"))
    assert outcome.error == "the measuring process did not answer within 0.2 s"


def test_a_bad_model_is_the_librarys_own_line(tmp_path: Path) -> None:
    frames_path = tmp_path / "frames.npy"
    np.save(frames_path, np.zeros((1, 8, 8, 3), np.uint8))
    model_path = tmp_path / "broken.tflite"
    model_path.write_bytes(b"not a model")
    outcome = run_job(Job(CPU, str(model_path), 1, 1, 0, str(frames_path)))
    assert outcome.error is not None
    assert outcome.error.startswith("broken.tflite: ")


def test_the_users_folder_is_not_imported_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.version_info < (3, 11):
        pytest.skip("PYTHONSAFEPATH came with Python 3.11")
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong json')")
    monkeypatch.chdir(tmp_path)
    outcome = run_job(JOB, command=WORKER)
    assert "the wrong json" not in outcome.log
    assert "frames.npy" in (outcome.error or "")


def test_what_libraries_print_is_no_part_of_the_answer() -> None:
    program = (
        "import hangtag_benchmarks.worker as worker, os, sys\n"
        "def run(job):\n"
        "    print('chatter'); os.write(1, b'native chatter')\n"
        "worker._run = run\n"
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


def test_a_job_survives_json() -> None:
    import dataclasses

    assert Job(**json.loads(json.dumps(dataclasses.asdict(JOB)))) == JOB
