"""tflite-runtime, LiteRT's predecessor: what it loads and computes; Hangtag says where it does not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import tflite_runtime_agreement
from click.testing import CliRunner
from client_process import ClientProcess
from tflite_runtime_agreement import EngineScores, engine_scores, verify_there
from tiny_run import TinyRun

from hangtag.classifier import Classifier
from hangtag.errors import BenchmarkError
from hangtag.preprocess import Image
from hangtag_convert.formats import Format

LOADED = tuple(kind.value for kind in Format if kind is not Format.DYNAMIC)
FLOAT_ARITHMETIC = ("float32", "float16")
ENGINE = "tflite-runtime 2.14.0"

_SCRIPT = "tflite_runtime_client.py"


def _scores(python: Path, model: Path, pictures: list[Image]) -> EngineScores:
    with ClientProcess(python, _SCRIPT, model) as client:
        return engine_scores(client, Classifier.load(model), pictures)


def _error(printed: str) -> str:
    """Return the line of an error, which must be the only one."""
    (line,) = printed.splitlines()
    assert line.startswith("Error: ")
    return line


@pytest.mark.parametrize("name", FLOAT_ARITHMETIC)
def test_float_files_load_and_compute_the_same(
    name: str, model_files: dict[str, Path], tflite_runtime_python: Path, drawn_pictures: list[Image]
) -> None:
    scores = _scores(tflite_runtime_python, model_files[name], drawn_pictures)
    assert scores.worst <= 1e-4
    assert scores.verified


@pytest.mark.parametrize("name", ["bundled", *LOADED])
def test_a_file_that_loads_passes_verify_only_where_it_computes_the_same(
    name: str, model_files: dict[str, Path], tflite_runtime_python: Path
) -> None:
    golden = Classifier.load(model_files[name]).model.golden
    assert golden is not None
    frames = [case.image() for case in golden.cases]
    scores = _scores(tflite_runtime_python, model_files[name], frames)
    assert scores.verified == (scores.worst <= golden.score_tolerance)


def test_other_integer_kernels_fail_verify_and_are_named(
    bundled_file: Path, tflite_runtime_python: Path
) -> None:
    del tflite_runtime_python
    done = verify_there(bundled_file)
    assert done.returncode == 1
    assert "tensor identical; scores differ by at most" in done.stdout
    assert "BEYOND" in done.stdout
    line = _error(done.stderr)
    assert f"{ENGINE} on this device does not compute what the trainer did" in line
    assert "times as much" in line
    assert line.endswith("use ai-edge-litert (--engine litert)")


def test_an_operator_it_does_not_know_is_one_clear_line(
    model_files: dict[str, Path], tflite_runtime_python: Path
) -> None:
    with pytest.raises(BenchmarkError, match="FULLY_CONNECTED"):
        ClientProcess(tflite_runtime_python, _SCRIPT, model_files["dynamic"])
    done = verify_there(model_files["dynamic"])
    assert done.returncode == 1
    line = _error(done.stderr)
    assert "tiny-dynamic.tflite" in line
    assert f"{ENGINE} refuses the model, which needs FULLY_CONNECTED in version 12" in line
    assert "use ai-edge-litert (--engine litert)" in line


def test_the_engine_is_never_replaced(bundled_file: Path, tflite_runtime_python: Path) -> None:
    hangtag = tflite_runtime_python.with_name("hangtag")
    done = subprocess.run([hangtag, "verify", bundled_file], check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "the engine litert is not installed" in _error(done.stderr)


def test_the_report_says_which_files_load(
    model_files: dict[str, Path], tflite_runtime_python: Path, tiny_run: TinyRun
) -> None:
    del tflite_runtime_python
    folder = model_files["float32"].parent
    done = CliRunner().invoke(
        tflite_runtime_agreement.main, [str(folder), "--data", str(tiny_run.data), "--most", "3"]
    )
    assert done.exit_code == 0, done.output
    loads = {row.split()[0]: row.split()[1] for row in done.stdout.splitlines()[1:]}
    assert loads == {
        f"tiny-{kind.value}.tflite": "no" if kind is Format.DYNAMIC else "yes" for kind in Format
    }
    assert "FULLY_CONNECTED" in done.stderr
