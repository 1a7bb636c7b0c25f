"""``hangtag compare``: what belongs together, what is refused, what is said."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from click.testing import Result as Ran
from made_benchmarks import ENVIRONMENT, made_accuracy, made_missing, made_model, made_result, made_row

from hangtag.cli import main
from hangtag.errors import BenchmarkError
from hangtag.files import write_json
from hangtag_benchmarks.comparing.comparable import paired
from hangtag_benchmarks.comparing.compare import Comparison, compare
from hangtag_benchmarks.comparing.compare_report import inverted, to_text, verdict
from hangtag_benchmarks.measurements import RemoteDevice
from hangtag_benchmarks.plans import BlockPlan, Plan
from hangtag_benchmarks.records import Result
from hangtag_benchmarks.reports.result_json import to_json
from hangtag_benchmarks.rows import DISTURBED_DEVICE
from hangtag_benchmarks.soak.records import Soak, SoakFigure
from hangtag_benchmarks.statistics import unpaired_ratio
from hangtag_benchmarks.targets import Accelerator

NEWER_INT8 = made_model("int8", sha256="ab" * 32, size_bytes=5_000_000)


def _result(*rows: Any, **changes: Any) -> Result:
    return made_result(*(rows or (made_row("int8", 2.0),)), **changes)


def _text(first: Result, second: Result, **options: Any) -> str:
    return to_text(first, second, compare(first, second, **options))


def _refusal(first: Result, second: Result, **options: Any) -> str:
    with pytest.raises(BenchmarkError) as caught:
        compare(first, second, **options)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def _machine(**changes: Any) -> Any:
    return dataclasses.replace(ENVIRONMENT, **changes)


# --- which rows belong together --------------------------------------------------------------------------


def test_rows_are_matched_by_digest_engine_and_threads_whatever_the_file_is_called() -> None:
    rows = (
        made_row("int8", 2.0, threads=1),
        made_row("int8", 1.0, threads=2),
        made_row("int8", engine="keras"),
    )
    renamed = [
        dataclasses.replace(row, model=dataclasses.replace(row.model, file_name="copy.tflite"))
        for row in reversed(rows)
    ]
    pairs = paired(rows, renamed)
    assert [(pair.first.engine, pair.first.threads) for pair in pairs] == [
        ("litert", 1),
        ("litert", 2),
        ("keras", 1),
    ]
    assert all(pair.first.key == pair.second.key and pair.same_model for pair in pairs)


def test_two_versions_are_matched_by_name_and_this_is_said() -> None:
    first, second = _result(), _result(made_row(NEWER_INT8, 1.0))
    text = _text(first, second)
    assert "int8: two versions of the model, 696e7438 (4.00 MB) and abababab (5.00 MB)" in text
    assert re.search(r"int8: B is (1.9|2.0).x faster than A, 95 % CI ", text)


def test_the_same_file_is_matched_before_one_of_the_same_name() -> None:
    (pair,) = paired([made_row("int8")], [made_row(NEWER_INT8), made_row("int8")])
    assert pair.same_model


def test_names_that_are_not_clear_are_not_matched() -> None:
    other = made_model("int8", sha256="cd" * 32)
    assert paired([made_row("int8")], [made_row(NEWER_INT8), made_row(other)]) == []


def test_what_one_alone_has_is_named_with_the_others_reason() -> None:
    gpu = made_row("int8", 1.0, engine="litert-gpu", threads=None)
    first = _result(made_row("int8", 2.0), gpu)
    second = _result(made_row("int8", 2.0), made_row("float16"), missing=(made_missing("int8"),))
    text = _text(first, second)
    assert "only in A: int8, LiteRT, WebGPU: B has none, no adapter was found" in text
    assert "only in B: float16" in text


# --- what is refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        (_result(quick=True), "B is a quick run, comparable with nothing"),
        (_result(complete=False), "B was stopped before its end"),
        (_result(disturbances=("other programs",)), "B was disturbed (other programs); measure it again"),
        (_result(made_row("int8", notes=(f"{DISTURBED_DEVICE} in 3 blocks",))), "B was disturbed (int8: "),
        (_result(frames="one frame"), "other frames: A has '4 noise frames"),
        (_result(plan=Plan(BlockPlan(invoke_s=1.0))), "blocks of other lengths: invoke_s 3 and 1"),
        (
            _result(made_row(dataclasses.replace(NEWER_INT8, input_wh=(320, 240)))),
            "int8: other input sizes, 224x224 and 320x240",
        ),
        (_result(made_row("int9")), "no row in common: A has int8 (litert); B int9 (litert)"),
        (_result(made_row("int8", engine="keras")), "no row in common"),
        (_result(made_row("int8", threads=4)), "no row in common"),
    ],
)
def test_what_is_not_comparable_is_refused_in_one_line(changed: Result, complaint: str) -> None:
    assert complaint in _refusal(_result(), changed)
    turned = _refusal(changed, _result())
    assert turned.startswith("not comparable: ")


@pytest.mark.parametrize("changes", [{"dataset_sha256": "e" * 64}, {"split": "validation"}, {"photos": 300}])
def test_accuracy_on_other_photos_is_refused(changes: dict[str, Any]) -> None:
    first = _result(made_row("int8", accuracy=0.9))
    second = _result(made_row("int8", accuracy=made_accuracy(0.9, **changes)))
    assert "int8: accuracy on other photos, 400 of test (data set dddddddd) and " in _refusal(first, second)


def test_a_soak_is_refused() -> None:
    row = made_row("int8")
    soak = Soak(
        model=row.model,
        engine="litert",
        threads=1,
        accelerator=None,
        kind="invoke",
        planned_minutes=1,
        minute_s=60.0,
        minutes=(),
        cold=SoakFigure(1, 1, 2.0, None, None, None),
        sustained=None,
        parts_at=None,
        check=row.check,
        accuracy=None,
        versions={},
    )
    soaked = dataclasses.replace(_result(), rows=(), verdicts=(), soak=soak)
    assert "A is a soak" in _refusal(soaked, _result())


def test_every_reason_is_named() -> None:
    message = _refusal(_result(quick=True), _result(complete=False, frames="others"))
    assert all(part in message for part in ("A is a quick run", "B was stopped", "other frames"))


def test_a_disturbed_run_may_be_compared_on_demand_and_says_so() -> None:
    text = _text(_result(), _result(disturbances=("other programs",)), even_if_disturbed=True)
    assert "B WAS DISTURBED, do not quote this: other programs" in text


@pytest.mark.parametrize("changes", [{"rounds": 12}, {"enough_width": None}])
def test_more_rounds_are_no_other_measurement(changes: dict[str, Any]) -> None:
    other = _result(plan=dataclasses.replace(Plan(), **changes))
    assert compare(_result(), other) is not None
    assert "no difference can be seen" in _text(_result(), other)


# --- what is said ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("second_ms", "expected"),
    [
        (1.0, "B is (1.9|2.0).x faster than A, 95 % CI 1."),
        (4.0, "A is (1.9|2.0).x faster than B, 95 % CI 1."),
    ],
)
def test_the_faster_one_is_named(second_ms: float, expected: str) -> None:
    text = _text(_result(), _result(made_row("int8", second_ms)))
    assert re.search(f"int8: {expected}", text)
    assert re.search(r"faster than [AB] from frame to label, 95 % CI ", text)


def test_a_run_against_itself_shows_no_difference() -> None:
    found = compare(_result(), _result())
    assert not any(ratio.is_different for one in found.rows for ratio in one.ratios.values())
    assert "int8: A against B: no difference can be seen" in to_text(_result(), _result(), found)


def test_too_few_rounds_are_no_difference() -> None:
    few = _result(made_row("int8", 1.0, rounds=1))
    assert "too few rounds (1) to tell a difference" in _text(_result(), few)


def test_a_ratio_turned_around_is_that_of_the_rows_turned_around() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.uniform(1, 2, 9).tolist(), rng.uniform(1, 3, 8).tolist()
    turned, straight = inverted(unpaired_ratio(one, other)), unpaired_ratio(other, one)
    assert turned.value == pytest.approx(straight.value)
    assert turned.interval is not None
    assert straight.interval is not None
    assert dataclasses.astuple(turned.interval) == pytest.approx(dataclasses.astuple(straight.interval))
    assert verdict(turned, ("x", "y")) == verdict(straight, ("x", "y"))


def test_what_only_goes_from_frame_to_label_is_compared_by_that() -> None:
    def row(end_to_end_ms: float) -> Any:
        return made_row("int8", None, end_to_end_ms=end_to_end_ms)

    found = compare(_result(row(4.0)), _result(row(2.0)))
    assert list(found.rows[0].ratios) == ["end_to_end"]
    assert found.rows[0].ratios["end_to_end"].value == pytest.approx(0.5, rel=0.05)


def test_software_in_place_of_a_gpu_is_not_compared() -> None:
    software = made_row(
        "int8", 40.0, engine="litert-gpu", threads=None, accelerator=Accelerator("llvmpipe", True)
    )
    text = _text(_result(software), _result(software))
    assert "int8: not compared: " in text
    assert "faster" not in text


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        (_machine(cpu="AMD EPYC"), "differs: CPU: A Cortex-A76, B AMD EPYC"),
        (_machine(usable_cores=2), "differs: usable cores: A 4, B 2"),
        (
            _machine(frequency_governor="performance"),
            "differs: frequency governor: A ondemand, B performance",
        ),
        (_machine(most_frequency_mhz=None), "differs: highest clock: A 2400 MHz, B not known"),
        (_machine(power_source="battery"), "differs: power source: A not known, B battery"),
        (_machine(platform="Linux 7"), "differs: system: A Linux 6.6 aarch64, B Linux 7"),
        (
            _machine(versions={**ENVIRONMENT.versions, "numpy": "3.0"}),
            "differs: numpy: A 2.2.0, B 3.0",
        ),
        (
            _machine(thread_variables={"OMP_NUM_THREADS": "1"}),
            "differs: OMP_NUM_THREADS: A not known, B 1",
        ),
    ],
)
def test_what_else_differs_is_named(machine: Any, expected: str) -> None:
    lines = _text(_result(), _result(environment=machine)).splitlines()
    assert [line for line in lines if line.startswith("differs: ")] == [expected]


def test_load_and_memory_are_no_difference_that_matters() -> None:
    machine = _machine(memory_mb=100.0, after=dataclasses.replace(ENVIRONMENT.after, load_average_1min=0.4))
    assert compare(_result(), _result(environment=machine)).differences == ()


def test_an_engines_own_packages_and_hardware_are_named() -> None:
    def row(version: str, accelerator: str, phone: str) -> Any:
        device = RemoteDevice(phone, None, "Android 14", None, None, None, None)
        return made_row(
            "int8", versions={"keras": version}, accelerator=Accelerator(accelerator, False), device=device
        )

    text = _text(_result(row("3.1", "A100", "Pixel 7")), _result(row("3.2", "H100", "Pixel 8")))
    assert "differs: litert: keras: A 3.1, B 3.2" in text
    assert "differs: litert: accelerator: A A100, B H100" in text
    assert "differs: litert: device: A Pixel 7, Android 14, B Pixel 8, Android 14" in text


@pytest.mark.parametrize(
    ("model", "accuracy", "expected"),
    [
        (
            "int8",
            0.905,
            "int8: B names 2 of 400 photos more rightly (top-1 0.900 and 0.905, of the same model file)",
        ),
        (NEWER_INT8, 0.89, "int8: B names 4 of 400 photos fewer rightly (top-1 0.900 and 0.890)"),
        ("int8", None, "int8: accuracy was measured in A alone"),
    ],
)
def test_accuracies_are_compared_too(model: Any, accuracy: float | None, expected: str) -> None:
    first = _result(made_row("int8", accuracy=0.9))
    assert expected in _text(first, _result(made_row(model, accuracy=accuracy))).splitlines()


def test_names_from_elsewhere_command_no_terminal() -> None:
    evil = made_row(made_model("a\x1b[2Jb"), 2.0)
    assert "\x1b" not in _text(_result(evil), _result(evil))
    assert "\x1b" not in _refusal(_result(evil), _result())


# --- the command -----------------------------------------------------------------------------------------


def _run(folder: Path, first: Result, second: Result, *options: str) -> Ran:
    for name, result in (("a", first), ("b", second)):
        write_json(folder / f"{name}.json", to_json(result))
    return CliRunner().invoke(main, ["compare", str(folder / "a.json"), str(folder / "b.json"), *options])


def test_the_command_prints_text(tmp_path: Path) -> None:
    done = _run(tmp_path, _result(), _result(made_row("int8", 1.0)))
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0] == "A: 2026-11-21T23:24:00+00:00, Cortex-A76, 4 usable cores, 8 rounds"
    assert lines[1].startswith("B: ")
    assert lines[3].split()[:4] == ["A", "p50", "ms", "B"]
    assert lines[4].split()[:3] == ["int8", "2.00", "1.00"]


def test_the_command_prints_json(tmp_path: Path) -> None:
    first = _result(made_row("int8", 2.0, accuracy=0.9), made_row("float32"))
    done = _run(tmp_path, first, _result(made_row("int8", 1.0)), "--json")
    values = json.loads(done.stdout)
    assert values["kind"] == "hangtag-comparison"
    assert values["rows"][0]["ratios"]["invoke"]["value"] == pytest.approx(0.5, rel=0.05)
    assert values["rows"][0]["ratios"]["invoke"]["is_different"] is True
    assert values["rows"][0]["a"]["right"] == 360
    assert [row["model"] for row in values["only_a"]] == ["float32"]


def test_the_command_refuses_with_exit_code_1(tmp_path: Path) -> None:
    done = _run(tmp_path, _result(quick=True), _result())
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == (
        "Error: not comparable: A is a quick run, comparable with nothing; measure without --quick\n"
    )


@pytest.mark.parametrize("content", ["", "{}", "[" * 100_000, '{"kind": "hangtag-benchmark"}'])
def test_a_file_that_is_no_result_is_one_line(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)
    done = CliRunner().invoke(main, ["compare", str(path), str(path)])
    assert done.exit_code == 1
    assert len(done.stderr.splitlines()) == 1
    assert str(path) in done.stderr


@pytest.mark.parametrize("arguments", [(), ("a.json",), ("a.json", "b.json", "c.json"), ("--quick",)])
def test_misuse_is_a_usage_error(arguments: tuple[str, ...]) -> None:
    assert CliRunner().invoke(main, ["compare", *arguments]).exit_code == 2


def test_a_comparison_knows_who_was_disturbed() -> None:
    found: Comparison = compare(_result(disturbances=("x",)), _result(), even_if_disturbed=True)
    assert found.disturbances == (("x",), ())
