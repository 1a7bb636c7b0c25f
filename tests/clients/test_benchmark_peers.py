"""Rows of a benchmark that are measured in environments of their own: MediaPipe Tasks and tflite-runtime."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from contract_examples import CONTRACT
from tiny_models import whole_model

from hangtag.cli import main
from hangtag.contract import Geometry
from hangtag_benchmarks.child import run_job
from hangtag_benchmarks.plans import Job


def _result(model: Path, engine: str, python: Path, folder: Path) -> dict[str, Any]:
    options = ("--quick", "--rounds", "1", "--engine", engine, "--python", f"{engine}={python}", "--json")
    done = CliRunner().invoke(main, ["benchmark", str(model), *options, "--report", str(folder / "report")])
    assert done.exit_code == 0, done.output
    result: dict[str, Any] = json.loads(done.stdout)
    assert result["missing"] == []
    return result


def test_mediapipe_has_a_row(bundled_file: Path, mediapipe_python: Path, tmp_path: Path) -> None:
    (row,) = _result(bundled_file, "mediapipe", mediapipe_python, tmp_path)["rows"]
    assert (row["engine"], row["threads"], row["invoke"]) == ("mediapipe", None, None)
    assert row["end_to_end"]["summary"]["p50_ms"] > 0
    assert row["versions"] == {"mediapipe": "1.2.2"}
    # The same pixels, the same interpreter inside: closer than another engine's.
    assert row["check"]["against"] == "the golden scores"
    assert row["check"]["cases"] > 0
    assert row["check"]["worst_difference"] <= 1.5 / 256
    assert any(note.startswith("it cannot be told how many threads to take") for note in row["notes"])


def test_tflite_runtime_has_a_row(bundled_file: Path, tflite_runtime_python: Path, tmp_path: Path) -> None:
    (row,) = _result(bundled_file, "tflite-runtime", tflite_runtime_python, tmp_path)["rows"]
    assert (row["engine"], row["threads"]) == ("tflite-runtime", 1)
    assert row["invoke"]["summary"]["p50_ms"] > 0
    assert row["versions"] == {"tflite-runtime": "2.14.0"}
    assert row["check"]["cases"] > 0
    # Its 8-bit kernels round in other places; one thread is one.
    assert any(note.startswith("scores differ from golden cases by up to 0.0") for note in row["notes"])
    assert not any("threads busy" in note for note in row["notes"])


def test_mediapipe_is_not_asked_for_what_it_cannot_do(mediapipe_python: Path, tmp_path: Path) -> None:
    spec = dataclasses.replace(CONTRACT.input, geometry=Geometry.LETTERBOX)
    model, frames = tmp_path / "barred.tflite", tmp_path / "frames.npy"
    model.write_bytes(whole_model(CONTRACT.replace(input=spec)))
    np.save(frames, np.zeros((1, 48, 64, 3), np.uint8))
    job = Job("mediapipe", str(model), 1, str(frames), None)
    assert run_job(job, python=str(mediapipe_python)).error == (
        "MediaPipe cannot run the model as its contract asks: it stretches a region to the input, and this "
        "model wants bars beside the picture"
    )


@pytest.mark.parametrize("engine", ["mediapipe", "tflite-runtime"])
def test_an_environment_without_it_says_how_to_get_it(
    engine: str, bundled_file: Path, mediapipe_python: Path, tflite_runtime_python: Path, tmp_path: Path
) -> None:
    other = {"mediapipe": tflite_runtime_python, "tflite-runtime": mediapipe_python}[engine]
    options = ("--quick", "--engine", engine, "--python", f"{engine}={other}")
    done = CliRunner().invoke(
        main, ["benchmark", str(bundled_file), *options, "--report", str(tmp_path / "report")]
    )
    assert done.exit_code == 1
    assert f"not installed there ({engine.replace('-', '_')}); " in done.stderr
    assert f"--python {engine}=" in done.stderr
