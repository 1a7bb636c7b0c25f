"""A new run against a board's reference, and the gates of ``hangtag benchmark``."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from click.testing import CliRunner
from click.testing import Result as Ran
from made_benchmarks import ENVIRONMENT, made_missing, made_model, made_result, made_row

import hangtag.device
from hangtag.cli import main
from hangtag.errors import BenchmarkError
from hangtag.files import write_json
from hangtag_benchmarks import model_runs
from hangtag_benchmarks.comparing.comparable import refusals
from hangtag_benchmarks.conditions.reference import (
    MOST_OFF,
    Finding,
    check,
    check_targets,
    judged,
    read_reference,
)
from hangtag_benchmarks.measurements import RemoteDevice
from hangtag_benchmarks.plans import QUICK_PLAN, Plan
from hangtag_benchmarks.records import Result
from hangtag_benchmarks.reports.result_json import read_result, to_json
from hangtag_benchmarks.statistics import unpaired_ratio
from hangtag_benchmarks.targets import Accelerator, Runner, Target

CPU = ENVIRONMENT.cpu
KEPT = Path(__file__).parents[2] / "benchmarks" / "reference"


def _lines(findings: list[Finding], *, failed: bool) -> list[str]:
    return [finding.line for finding in findings if finding.failed is failed]


def _saved(folder: Path, result: Result) -> Path:
    path = folder / "reference.json"
    write_json(path, to_json(result))
    return path


def _target(model: str, engine: str = "litert", threads: int | None = 1, **changes: Any) -> Target:
    return Target(made_model(model, **changes), engine, threads, cast("Runner", None))


# --- the check -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("p50_ms", "complaint"),
    [
        (2.0, None),
        (2.1, None),
        (1.9, None),
        (2.6, "int8: SLOWER than the reference: 1."),
        (20.0, "int8: SLOWER than the reference: "),
        (1.5, "int8: SUSPICIOUSLY FASTER than the reference: 0.7"),
        (0.01, "int8: SUSPICIOUSLY FASTER than the reference: 0.0"),
    ],
)
def test_slower_and_suspiciously_faster_rows_are_flagged(p50_ms: float, complaint: str | None) -> None:
    reference = made_result(made_row("int8", 2.0, end_to_end_ms=3.0))
    result = made_result(made_row("int8", p50_ms, end_to_end_ms=3.0, seed=1))
    failed = _lines(check(reference, result), failed=True)
    assert len(failed) == (complaint is not None)
    assert all(line.startswith(complaint or "") for line in failed)


def test_the_way_from_frame_to_label_is_checked_too() -> None:
    reference = made_result(made_row("int8", 2.0, end_to_end_ms=3.0))
    failed = _lines(check(reference, made_result(made_row("int8", 2.0, end_to_end_ms=6.0))), failed=True)
    assert len(failed) == 1
    assert failed[0].startswith("int8 from frame to label: SLOWER")


def test_an_interval_that_reaches_over_the_limit_is_no_proof() -> None:
    rng = np.random.default_rng(0)
    scattered = (2.3 * np.exp(rng.normal(0, 0.3, 12))).tolist()
    ratio = unpaired_ratio(scattered, [2.0] * 12)
    assert ratio.value > 1.0
    assert not judged(ratio, "int8").failed
    assert judged(unpaired_ratio([2.3] * 12, [2.0] * 12), "int8").failed


def test_a_few_rounds_prove_nothing_and_do_not_pass() -> None:
    reference = made_result(made_row("int8", 2.0))
    failed = _lines(check(reference, made_result(made_row("int8", 2.0, rounds=1))), failed=True)
    assert failed[0] == "int8: cannot be checked with so few rounds (1)"


def _shifted(rng: np.random.Generator, count: int) -> list[float]:
    """Medians of one day: it as a whole is off by 2 %, and they drift by chance."""
    walk = np.cumsum(rng.normal(0, 0.003, count))
    return np.exp(rng.normal(0, 0.02) + walk + rng.normal(0, 0.01, count)).tolist()


@pytest.mark.parametrize(
    ("change", "least", "most"), [(1.0, 0.0, 0.01), (1.25, 0.95, 1.0), (1 / 1.25, 0.95, 1.0)]
)
def test_days_that_differ_by_chance_are_not_flagged_and_real_changes_are(
    change: float, least: float, most: float
) -> None:
    rng = np.random.default_rng(7)
    flagged = [
        judged(unpaired_ratio([change * ms for ms in _shifted(rng, 20)], _shifted(rng, 20)), "int8").failed
        for _ in range(400)
    ]
    assert least <= np.mean(flagged) <= most


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"quick": True}, "this run is a quick run"),
        ({"complete": False}, "this run was stopped"),
        ({"disturbances": ("other programs",)}, "this run was disturbed (other programs)"),
        ({"frames": "others"}, "other frames"),
    ],
)
def test_a_run_that_is_not_comparable_does_not_pass(changes: dict[str, Any], complaint: str) -> None:
    (finding,) = check(made_result(), made_result(**changes))
    assert finding.failed
    assert complaint in finding.line


def test_what_ran_on_another_device_does_not_pass() -> None:
    def on(accelerator: str, phone: str) -> Result:
        device = RemoteDevice(phone, None, "Android 14", None, None, None, None)
        return made_result(made_row("int8", accelerator=Accelerator(accelerator, False), device=device))

    assert not _lines(check(on("Mali", "Pixel"), on("Mali", "Pixel")), failed=True)
    for other in (on("Adreno", "Pixel"), on("Mali", "Galaxy")):
        (line,) = _lines(check(on("Mali", "Pixel"), other), failed=True)
        assert "ran on another device" in line


def test_rows_that_one_alone_has_are_named() -> None:
    gpu = made_row("int8", engine="litert-gpu", threads=None)
    reference = made_result(made_row("int8"), gpu)
    result = made_result(made_row("int8"), made_row("float16"), missing=(made_missing("int8"),))
    findings = check(reference, result)
    assert not _lines(findings, failed=True)
    lines = _lines(findings, failed=False)
    assert any("LiteRT, WebGPU: not checked in this run, no adapter was found" in line for line in lines)
    assert "float16 (litert): not checked, the reference has no such row" in lines


def test_another_version_and_another_accuracy_are_named() -> None:
    reference = made_result(made_row("int8", 2.0, accuracy=0.9))
    newer = made_model("int8", sha256="ab" * 32)
    lines = _lines(check(reference, made_result(made_row(newer, 2.0, accuracy=0.8))), failed=False)
    assert any("two versions of the model" in line for line in lines)
    assert any("this run names 40 of 400 photos fewer rightly" in line for line in lines)


def test_what_may_explain_a_flag_is_named_with_it() -> None:
    machine = dataclasses.replace(ENVIRONMENT, frequency_governor="powersave")
    reference = made_result(made_row("int8", 2.0))
    slow = made_result(made_row("int8", 4.0), environment=machine)
    same = made_result(made_row("int8", 2.0), environment=machine)
    named = "differs: frequency governor: the reference ondemand, this run powersave"
    assert named in _lines(check(reference, slow), failed=False)
    assert named not in _lines(check(reference, same), failed=False)


# --- before measuring ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"quick": True}, "is no reference: it is a quick run"),
        ({"complete": False}, "is no reference: it was stopped"),
        ({"disturbances": ("x",)}, "is no reference: it was disturbed (x)"),
        (
            {"environment": dataclasses.replace(ENVIRONMENT, cpu="AMD\x1b[2J EPYC")},
            "is a reference for 'AMD\\x1b[2J EPYC'; this machine is 'Cortex-A76'",
        ),
        ({"plan": Plan(QUICK_PLAN.block)}, "blocks of other lengths"),
    ],
)
def test_a_file_that_is_no_reference_is_refused_before_measuring(
    tmp_path: Path, changes: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(BenchmarkError) as caught:
        read_reference(_saved(tmp_path, made_result(**changes)), cpu=CPU, plan=Plan())
    assert complaint in str(caught.value)


def test_a_reference_is_read(tmp_path: Path) -> None:
    reference = read_reference(_saved(tmp_path, made_result()), cpu=CPU, plan=Plan(rounds=8))
    assert [row.model.short_name for row in reference.rows] == ["int8", "float32"]


@pytest.mark.parametrize(
    "target",
    [_target("int8"), _target("copy", sha256=made_model("int8").sha256), _target("int8", sha256="0")],
)
def test_a_row_of_the_reference_is_known_by_digest_or_name(target: Target) -> None:
    check_targets(made_result(made_row("int8")), [_target("other"), target])


@pytest.mark.parametrize("target", [_target("other"), _target("int8", "keras"), _target("int8", threads=2)])
def test_a_run_without_any_row_of_the_reference_is_refused(target: Target) -> None:
    with pytest.raises(BenchmarkError, match="none of these rows; it has int8"):
        check_targets(made_result(made_row("int8")), [target])


def test_every_kept_reference_can_be_used() -> None:
    for path in KEPT.glob("*.json"):
        result = read_result(path)
        assert list(refusals(result, path.name)) == []
        assert result.plan.block == Plan().block
        assert path.name.endswith(f"-{result.environment.usable_cores}-cores.json")
        assert not any(finding.failed for finding in check(result, result))


def test_the_limit_is_the_documented_one() -> None:
    assert f"above {MOST_OFF:.2f}" in (KEPT / "README.md").read_text()


# --- the command -----------------------------------------------------------------------------------------


def _run(folder: Path, *arguments: object) -> Ran:
    return CliRunner().invoke(main, ["benchmark", "--report", str(folder / "report"), *map(str, arguments)])


@pytest.fixture
def measuring(monkeypatch: pytest.MonkeyPatch) -> Callable[[Result], None]:
    """Makes this machine a calm Cortex-A76 that measures what it is told to."""

    def give(result: Result) -> None:
        def benchmark_models(asked: Any, plan: Plan, say: Any, look_at: Any) -> Result:
            look_at([_target(row.model.short_name, row.engine, row.threads) for row in result.rows])
            return result

        monkeypatch.setattr(model_runs, "benchmark_models", benchmark_models)
        monkeypatch.setattr(hangtag.device, "cpu_model", lambda: CPU)

    return give


def test_a_run_like_the_reference_ends_with_exit_code_0(
    tmp_path: Path, measuring: Callable[[Result], None]
) -> None:
    measuring(made_result(made_row("int8", 2.02)))
    done = _run(tmp_path, "--reference", _saved(tmp_path, made_result(made_row("int8", 2.0))))
    assert done.exit_code == 0, done.output
    assert "reference: int8: as the reference: 1.0" in done.stderr


def test_a_slower_run_is_saved_and_ends_with_exit_code_1(
    tmp_path: Path, measuring: Callable[[Result], None]
) -> None:
    measuring(made_result(made_row("int8", 4.0, end_to_end_ms=3.0)))
    kept = _saved(tmp_path, made_result(made_row("int8", 2.0, end_to_end_ms=3.0)))
    done = _run(tmp_path, "--reference", kept, "--fail-if", "int8.p50 > 9ms")
    assert done.exit_code == 1
    assert "passed: int8.p50 > 9ms: 4 ms > 9 ms is false" in done.stderr
    assert "reference: int8: SLOWER than the reference" in done.stderr
    assert done.stderr.splitlines()[-1] == "Error: 1 check failed"
    assert (tmp_path / "report" / "benchmark.json").exists()


def test_names_in_a_reference_command_no_terminal(
    tmp_path: Path, measuring: Callable[[Result], None]
) -> None:
    rows = made_row("int8"), made_row(made_model("a\x1b[2Jb"))
    measuring(made_result(made_row("int8")))
    done = _run(tmp_path, "--reference", _saved(tmp_path, made_result(*rows)))
    assert "not checked in this run" in done.stderr
    assert "\x1b" not in done.output


def test_a_condition_that_holds_ends_with_exit_code_1(
    tmp_path: Path, measuring: Callable[[Result], None]
) -> None:
    measuring(made_result())
    done = _run(
        tmp_path,
        "--fail-if",
        "int8.p50 > 1ms",
        "--fail-if",
        "int8.energy > 1mJ",
        "--fail-if",
        "int8.p50 > 1s",
    )
    assert done.exit_code == 1
    assert "FAILED: int8.p50 > 1ms: 2 ms > 1 ms" in done.stderr
    assert "FAILED: int8.energy > 1mJ: cannot be judged, int8@litert@1 has no energy" in done.stderr
    assert "passed: int8.p50 > 1s: " in done.stderr
    assert done.stderr.splitlines()[-1] == "Error: 2 checks failed"


def test_a_name_of_no_row_is_said_before_measuring(tmp_path: Path) -> None:
    done = _run(tmp_path, "--device", "cpu", "--fail-if", "int9.p50 > 1ms")
    assert done.exit_code == 1
    assert "int9.p50 names no row; wanted one of clothing@litert@1" in done.stderr
    assert "round 1" not in done.stderr


def test_a_condition_is_judged_on_a_real_run(tmp_path: Path) -> None:
    done = _run(tmp_path, "--device", "cpu", "--quick", "--rounds", 1, "--fail-if", "clothing.p50 < 1us")
    assert done.exit_code == 0, done.output
    assert "passed: clothing.p50 < 1us: " in done.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--fail-if", "int8.p50 >"), "'int8.p50 >', character 11: wanted a number"),
        (("--fail-if", "int8.p50 > 8"), "give numbers their unit"),
        (("--fail-if", ""), "wanted a number"),
        (("--quick", "--reference", "x.json"), "a quick run is comparable with nothing"),
    ],
)
def test_misuse_is_a_usage_error(tmp_path: Path, arguments: tuple[str, ...], complaint: str) -> None:
    done = _run(tmp_path, *arguments)
    assert done.exit_code == 2
    assert complaint in done.stderr
    assert not (tmp_path / "report").exists()


def test_a_reference_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    done = _run(tmp_path, "--reference", tmp_path / "none.json")
    assert done.exit_code == 1
    assert done.stderr == f"Error: cannot read {tmp_path / 'none.json'}: No such file or directory\n"
