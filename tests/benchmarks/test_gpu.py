"""The GPU path against whatever Vulkan drivers this machine has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from hangtag.cli import main
from hangtag_benchmarks.adapter import selected_adapter
from hangtag_benchmarks.child import run_job
from hangtag_benchmarks.records import GPU, Job

SWIFTSHADER = Path("/usr/lib/chromium/vk_swiftshader_icd.json")


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


def _benchmark(model: Path, folder: Path, *options: str) -> tuple[int, str, str]:
    arguments = ["benchmark", str(model), "--quick", "--repeat", "5", "--report", str(folder), *options]
    done = CliRunner().invoke(main, arguments)
    return done.exit_code, done.stdout, done.stderr


def test_a_software_adapter_is_never_called_a_gpu(
    software_adapter: None, model_path: Path, tmp_path: Path
) -> None:
    code, stdout, _ = _benchmark(model_path, tmp_path / "report")
    assert code == 0
    assert "no GPU row: only a software adapter (SwiftShader" in stdout
    assert "gpu:" not in stdout


def test_only_the_gpu_where_there_is_none_fails_and_keeps_the_earlier_report(
    no_adapter: None, model_path: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report" / "benchmark.json"
    report.parent.mkdir()
    report.write_text("earlier")
    code, stdout, stderr = _benchmark(model_path, report.parent, "--device", "gpu")
    assert code == 1
    assert stdout == ""
    assert stderr.splitlines()[-1].startswith("Error: no GPU row: ")
    assert report.read_text() == "earlier"


@pytest.mark.slow
def test_the_gpu_engine_computes_what_the_cpu_does(
    software_adapter: None, model_path: Path, tmp_path: Path
) -> None:
    # On the software adapter, because the engine does not care; no user is ever shown these numbers.
    frames_path = tmp_path / "frames.npy"
    np.save(frames_path, np.zeros((1, 48, 64, 3), np.uint8))
    outcome = run_job(Job(GPU, str(model_path), 1, 1, 0, str(frames_path)))
    adapter = selected_adapter(outcome.log)
    assert adapter is not None
    assert adapter.is_software
    assert outcome.error is None
    assert outcome.measurement is not None
    assert outcome.measurement.check.cases > 0
    assert outcome.measurement.check.failed_cases == 0
    assert len(outcome.measurement.timings.invoke_ms) == 1
