"""The browser as an engine: real blocks in a real Chromium, and what is missing as rows that say so."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from crafting import seed
from made_benchmarks import tiny_contract
from model_parts import joined, split, whole
from tiny_models import whole_model

from hangtag.cli import main
from hangtag.contract import InputSpec, OutputSpec, TensorFormat
from hangtag.errors import BenchmarkError
from hangtag.web.assets import engine_files
from hangtag_benchmarks import plans
from hangtag_benchmarks.browser import browser_runner as runner_module
from hangtag_benchmarks.browser.browser_runner import GPU_TOLERANCE, BrowserRunner
from hangtag_benchmarks.engines.registry import KINDS
from hangtag_benchmarks.plans import BlockPlan, Plan
from hangtag_benchmarks.reports.result_json import read_result

pytestmark = pytest.mark.usefixtures("nothing_left")

SHORT = BlockPlan(0.01, 3, 0.01, 12, 0.01, 3)


@pytest.fixture(autouse=True)
def short_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes ``--quick`` a matter of moments."""
    monkeypatch.setattr(plans, "QUICK_PLAN", Plan(SHORT, rounds=1, enough_width=None, quick=True))


def _bench(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["benchmark", "--quick", *map(str, arguments)])


# --- blocks that go well


@pytest.mark.parametrize("threads", [1, 2])
def test_a_block_on_wasm(browser_runner: Callable[..., BrowserRunner], threads: int) -> None:
    if threads > (os.cpu_count() or 1):
        pytest.skip(f"needs {threads} cores")
    one = browser_runner(threads=threads)
    assert one.missing() is None
    outcome = one.block(SHORT)

    assert outcome.error is None, outcome.log
    found = outcome.measurement
    assert found is not None
    assert len(found.timings.invoke_ms) >= SHORT.invoke_runs
    assert len(found.timings.end_to_end_ms) >= SHORT.pipeline_runs
    assert set(found.timings.stages_ms) == {"preprocess", "postprocess"}
    assert len(found.timings.stages_ms["preprocess"]) >= SHORT.pipeline_runs
    assert found.warmup_runs >= SHORT.warmup_runs
    assert min(found.timings.invoke_ms) > 0
    assert found.load_ms > 0
    assert found.import_ms is not None
    assert found.first_run_ms is not None
    assert found.check.against == "golden cases"
    assert found.check.cases > 0
    assert found.check.failed_cases == 0
    assert found.versions.keys() >= {"Chromium", "@litertjs/core"}
    assert f"LiteRT.js's {'plain' if threads == 1 else 'threaded'} build" in found.notes
    assert any("in steps of" in note for note in found.notes)
    # Coarser than 100 us, as where a page is not isolated, short runs could not be told apart.
    step_us = float(next(note for note in found.notes if "in steps of" in note).split()[-2])
    assert step_us <= 20
    if sys.platform == "linux":
        assert found.peak_memory_mb is not None
        assert found.peak_memory_mb > 30
        assert found.busy_threads is not None
        assert found.busy_threads > 0
    assert one.accelerator(outcome.log) is None


def test_a_software_adapter_is_named_and_never_ranked(
    browser_program: Path, tiny_float_model: Path, tmp_path: Path
) -> None:
    done = _bench(tiny_float_model, "--engine", "browser-wasm,browser-webgpu", "--report", tmp_path / "out")

    assert done.exit_code == 0, done.output
    wasm, gpu = read_result(tmp_path / "out" / "benchmark.json").rows
    assert (wasm.engine, wasm.accelerator, wasm.ranked) == ("browser-wasm", None, True)
    assert gpu.engine == "browser-webgpu"
    assert gpu.threads is None
    if gpu.ranked:
        pytest.skip("needs a machine without a GPU")
    assert gpu.accelerator is not None
    assert "swiftshader" in gpu.accelerator.lower()
    assert any("software, for testing only" in note for note in gpu.notes)
    assert gpu.check.failed_cases == 0
    assert gpu.check.tolerance == GPU_TOLERANCE


def test_the_table_has_a_row_for_each_number_of_threads_beside_python(
    browser_program: Path, tiny_float_model: Path, tmp_path: Path
) -> None:
    done = _bench(
        tiny_float_model, "--engine", "litert,browser-wasm", "--threads", "1,2", "--report", tmp_path / "out"
    )

    assert done.exit_code == 0, done.output
    rows = read_result(tmp_path / "out" / "benchmark.json").rows
    assert [(row.engine, row.threads) for row in rows] == [
        ("litert", 1),
        ("litert", 2),
        ("browser-wasm", 1),
        ("browser-wasm", 2),
    ]
    assert "browser, LiteRT.js wasm" in done.output


def test_accuracy_is_the_browsers_own(
    browser_runner: Callable[..., BrowserRunner], shapes_dataset: Path, tiny_float_model: Path
) -> None:
    one = browser_runner(path=tiny_float_model)
    assert one.missing() is None
    outcome = one.accuracy((str(shapes_dataset), "test"))

    assert outcome is not None
    assert outcome.error is None
    assert outcome.accuracy is not None
    assert outcome.accuracy.photos == 6
    assert outcome.accuracy.split == "test"


# --- what is missing is a row that says how to get it


def test_without_a_browser_the_row_says_how_to_get_one(
    browser_frames: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert BrowserRunner(KINDS["browser-wasm"], None, 1, browser_frames).missing() == (
        "there is no browser chromium; apt-get install chromium, or give --browser PATH"
    )
    named = BrowserRunner(KINDS["browser-wasm"], None, 1, browser_frames, Path("/nowhere/chrome"))
    assert named.missing() == "there is no browser chrome; apt-get install chromium, or give --browser PATH"


def test_without_the_pages_engine_the_row_says_what_to_run(
    browser_runner: Callable[..., BrowserRunner], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def no_site(_path: Path | None) -> None:
        engine_files(tmp_path)

    monkeypatch.setattr(runner_module, "site_of", no_site)
    reason = browser_runner().missing()

    assert reason is not None
    assert "make web-assets" in reason


def test_a_model_that_no_browser_takes_is_a_row_with_the_reason(
    browser_program: Path, tmp_path: Path
) -> None:
    signed = TensorFormat(dtype="int8", scale=1 / 128, zero_point=-1)
    spec = InputSpec(width_px=24, height_px=24, tensor=signed)
    model = tmp_path / "signed.tflite"
    model.write_bytes(whole_model(tiny_contract(input=spec, output=OutputSpec(tensor=signed))))
    done = _bench(model, "--engine", "litert,browser-wasm", "--report", tmp_path / "out")

    assert done.exit_code == 1
    (missing,) = read_result(tmp_path / "out" / "benchmark.json").missing
    assert missing.engine == "browser-wasm"
    assert missing.failed
    assert "int8" in missing.reason


def test_a_model_that_the_gpu_does_not_take_whole_fails(
    browser_runner: Callable[..., BrowserRunner], tmp_path: Path
) -> None:
    model = tmp_path / "looping.tflite"
    model.write_bytes(whole(seed("looping-float32")))
    one = browser_runner("browser-webgpu", model, software_too=True)

    with pytest.raises(BenchmarkError, match=r"LiteRT\.js cannot run the model on the GPU"):
        one.missing()


def test_wrong_outputs_count_for_nothing(
    browser_program: Path, tiny_float_model: Path, tmp_path: Path
) -> None:
    flatbuffer, files = split(tiny_float_model.read_bytes())
    index = json.loads(files["golden.json"])
    for case in index["cases"]:
        case["scores"] = case["scores"][::-1]
    tiny_float_model.write_bytes(joined(flatbuffer, {**files, "golden.json": json.dumps(index).encode()}))
    done = _bench(tiny_float_model, "--engine", "browser-wasm", "--report", tmp_path / "out")

    assert done.exit_code == 1
    (missing,) = read_result(tmp_path / "out" / "benchmark.json").missing
    assert missing.wrong_output
    assert "wrong output" in missing.reason


def test_a_browser_without_an_engine_for_it_is_a_misuse() -> None:
    done = _bench("--browser", "chromium", "--engine", "litert")

    assert done.exit_code == 2
    assert "--browser has no use without --engine browser-wasm" in done.output


def test_only_the_browsers_engines_run_in_a_browser(browser_frames: Path) -> None:
    found = {
        name
        for name, kind in KINDS.items()
        if runner_module.browser_runner(kind, None, 1, browser_frames, None, software_too=False) is not None
    }

    assert found == {"browser-wasm", "browser-webgpu"}
