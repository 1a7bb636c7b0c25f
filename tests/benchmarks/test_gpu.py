"""The GPU path against whatever Vulkan drivers this machine has."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from crafting import seed
from model_parts import whole
from tiny_models import whole_model

from hangtag.cli import main
from hangtag.contract import InputSpec, ModelContract
from hangtag_benchmarks import plans
from hangtag_benchmarks.child import run_job
from hangtag_benchmarks.engines.adapter import selected_adapter
from hangtag_benchmarks.plans import BlockPlan, Job, Plan

SWIFTSHADER = Path("/usr/lib/chromium/vk_swiftshader_icd.json")
SHORT = BlockPlan(0.01, 10, 0.01, 10, 0.01, 2)


@pytest.fixture(autouse=True)
def short_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes ``--quick`` a matter of moments."""
    monkeypatch.setattr(plans, "QUICK_PLAN", Plan(SHORT, rounds=1, enough_width=None, quick=True))


@pytest.fixture
def software_adapter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes Chromium's SwiftShader the only Vulkan driver; skips, saying so, where there is none."""
    if not SWIFTSHADER.exists():
        pytest.skip(f"needs a software Vulkan driver: {SWIFTSHADER} is missing (Debian package chromium)")
    monkeypatch.setenv("VK_DRIVER_FILES", str(SWIFTSHADER))


@pytest.fixture
def no_adapter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Leaves Vulkan without a driver."""
    monkeypatch.setenv("VK_DRIVER_FILES", str(tmp_path / "none.json"))


@pytest.fixture
def float_model(tmp_path: Path) -> Path:
    """A convolutional network in 32-bit floats."""
    path = tmp_path / "float32.tflite"
    path.write_bytes(whole(seed("plain-float32")))
    return path


@pytest.fixture
def frames_path(tmp_path: Path) -> Path:
    path = tmp_path / "frames.npy"
    np.save(path, np.random.default_rng(0).integers(0, 256, (4, 48, 64, 3), np.uint8))
    return path


def _benchmark(folder: Path, *arguments: object) -> Result:
    wanted = ["benchmark", *map(str, arguments), "--quick", "--report", str(folder)]
    return CliRunner().invoke(main, wanted)


def test_floats_on_the_gpu_path_are_those_of_the_cpu(
    software_adapter: None, float_model: Path, frames_path: Path
) -> None:
    outcome = run_job(Job("litert-gpu", str(float_model), 1, str(frames_path), SHORT))
    assert outcome.error is None
    adapter = selected_adapter(outcome.log)
    assert adapter is not None
    assert adapter.is_software
    found = outcome.measurement
    assert found is not None
    assert found.check.against == "the CPU's scores"
    assert found.check.cases == 4
    assert found.check.worst_difference <= 1e-3
    assert len(found.timings.invoke_ms) >= 10
    # The tensor is sent and the output waited for inside of the invocation.
    assert set(found.timings.stages_ms) == {"preprocess", "postprocess"}


@pytest.mark.slow
def test_the_bundled_models_bytes_are_computed_as_the_cpu_does(
    software_adapter: None, model_path: Path, frames_path: Path
) -> None:
    outcome = run_job(Job("litert-gpu", str(model_path), 1, str(frames_path), BlockPlan(0, 1, 0, 1, 0, 1)))
    assert outcome.error is None
    assert outcome.measurement is not None
    # The golden frames too, and not only those that are timed.
    assert outcome.measurement.check.cases > 4
    assert outcome.measurement.check.failed_cases == 0


def test_a_software_adapter_that_was_asked_for_is_marked_and_never_ranked(
    software_adapter: None, float_model: Path, tmp_path: Path
) -> None:
    done = _benchmark(tmp_path / "report", float_model, "--engine", "litert,litert-gpu")
    assert done.exit_code == 0, done.output
    saved = json.loads((tmp_path / "report" / "benchmark.json").read_text())
    rows = {row["engine"]: row for row in saved["rows"]}
    assert rows["litert-gpu"]["accelerator"].startswith("SwiftShader")
    assert (rows["litert"]["ranked"], rows["litert-gpu"]["ranked"]) == (True, False)
    assert "(software, for testing only)" in done.stdout
    assert saved["verdicts"] == []


def test_asked_for_alone_it_is_measured_and_ends_with_exit_code_1(
    software_adapter: None, float_model: Path, tmp_path: Path
) -> None:
    done = _benchmark(tmp_path / "report", float_model, "--device", "gpu")
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1].startswith("Error: there is no GPU, only software that plays one")
    assert "(software, for testing only)" in done.stdout
    assert (tmp_path / "report" / "benchmark.json").exists()


def test_by_itself_a_software_adapter_is_a_line_and_no_row(
    software_adapter: None, float_model: Path, tmp_path: Path
) -> None:
    done = _benchmark(tmp_path / "report", float_model)
    assert done.exit_code == 0, done.output
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("no row for ")]
    assert "only a software adapter (SwiftShader" in line
    assert "software, for testing only" in line
    saved = json.loads((tmp_path / "report" / "benchmark.json").read_text())
    assert [row["engine"] for row in saved["rows"]] == ["litert"]


def test_a_model_that_would_fall_back_to_the_cpu_fails_with_the_reason(
    software_adapter: None, float_model: Path, tmp_path: Path
) -> None:
    looping = tmp_path / "looping.tflite"
    looping.write_bytes(whole(seed("looping-float32")))
    done = _benchmark(tmp_path / "report", float_model, looping, "--device", "gpu")
    assert done.exit_code == 1
    assert "looping.tflite (LiteRT, WebGPU): SwiftShader" in done.stderr
    assert "16 of its 26 operations do not run on the GPU (ARG_MAX, CAST, IF, …)" in done.stdout
    saved = json.loads((tmp_path / "report" / "benchmark.json").read_text())
    assert [row["model"]["file_name"] for row in saved["rows"]] == ["float32.tflite"]


def test_without_an_adapter_all_models_share_one_line(no_adapter: None, tmp_path: Path) -> None:
    paths = [tmp_path / f"{side}.tflite" for side in (8, 12, 16)]
    for side, path in zip((8, 12, 16), paths, strict=True):
        spec = InputSpec(width_px=side, height_px=side)
        path.write_bytes(whole_model(ModelContract(labels=("a", "b"), input=spec)))
    done = _benchmark(tmp_path / "report", *paths)
    assert done.exit_code == 0, done.output
    (line,) = [line for line in done.stdout.splitlines() if "WebGPU" in line]
    assert line.startswith("no row for 8.tflite, 12.tflite, 16.tflite (LiteRT, WebGPU): ")
    assert line.endswith("; wanted a graphics adapter with a Vulkan driver")


def test_only_the_gpu_where_there_is_none_fails_and_keeps_the_earlier_report(
    no_adapter: None, float_model: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report" / "benchmark.json"
    report.parent.mkdir()
    report.write_text("earlier")
    done = _benchmark(report.parent, float_model, "--device", "gpu", "--force")
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1].startswith("Error: no row for float32.tflite (LiteRT, WebGPU): ")
    assert report.read_text() == "earlier"
