"""What people and programs read."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hangtag_benchmarks.environment import busy_note, environment
from hangtag_benchmarks.records import CPU, Conditions, Failure, Measurement, ModelIdentity, Plan, Result
from hangtag_benchmarks.report import save, to_json, to_markdown, to_text
from hangtag_benchmarks.rows import build_row
from hangtag_benchmarks.tables import Table, escape

CALM = Conditions(0.1, 1500.0, 48.5)
Measure = Callable[..., Measurement]
Identify = Callable[..., ModelIdentity]


@pytest.fixture
def result(measurement: Measure, identity: Identify) -> Result:
    return Result(
        created_utc="2026-01-01T00:00:00+00:00",
        frames="4 frames",
        plan=Plan(2, 2, 1),
        environment=environment(CALM, CALM),
        rows=tuple(
            build_row(identity(name), CPU, 1, [measurement(), measurement()])
            for name in ("a.tflite", "b.tflite")
        ),
        failures=(Failure(identity("c.tflite"), CPU, 2, "killed by SIGSEGV (signal 11)"),),
        gpu_lines=("no GPU row: no adapters",),
        notes=("one pass only",),
    )


def test_the_json_holds_everything(result: Result) -> None:
    values = json.loads(json.dumps(to_json(result), allow_nan=False))
    assert list(values)[:2] == ["kind", "schema_version"]
    assert values["schema_version"] == 1
    assert set(values) == {"kind", *(field.name for field in dataclasses.fields(Result))}
    row = values["rows"][0]
    assert set(row["model"]) == {"file_name", "size_bytes", "sha256", "name", "input_dtype"}
    for kind in ("preprocess", "invoke", "end_to_end"):
        assert {"count", "p50_ms", "p90_ms", "p95_ms", "p99_ms", "max_ms", "mean_ms"} == set(row[kind])
    assert row["load_ms"] == [20.0, 20.0]
    assert row["end_to_end_per_invoke"] == 1.25
    assert values["environment"]["before"]["cpu_temperature_c"] == 48.5


def test_the_text_has_a_table_the_missing_row_and_the_notes(result: Result) -> None:
    text = to_text(result)
    assert "no row for c.tflite (CPU, threads 2): killed by SIGSEGV (signal 11)" in text
    assert "no GPU row: no adapters" in text
    assert "note: one pass only" in text
    header, first, *_ = text.splitlines()
    for title in (
        "load ms",
        "first run",
        "preprocess p50",
        "invoke p50",
        "end to end p50",
        "e2e/invoke",
        "peak MB",
    ):
        assert title in header
    assert first.split()[:3] == ["a.tflite", "cpu", "1"]
    assert "1.250" in first


def test_every_kind_has_its_percentiles(result: Result) -> None:
    lines = to_text(result).splitlines()
    start = next(number for number, line in enumerate(lines) if "p99" in line)
    assert [line.split()[2] for line in lines[start + 1 : start + 4]] == ["preprocess", "invoke", "end"]


def test_the_markdown_says_the_same_and_what_it_means(result: Result) -> None:
    markdown = to_markdown(result)
    assert "| a.tflite | cpu | 1 |" in markdown
    assert "killed by SIGSEGV" in markdown
    assert "2 passes of 1 warm-up and 2 measured rounds per row" in markdown
    assert "## What the columns mean" in markdown


def test_without_rows_there_is_no_empty_table(result: Result) -> None:
    bare = dataclasses.replace(result, rows=())
    assert "e2e/invoke  " not in to_text(bare)
    assert "| model" not in to_markdown(bare)


def test_two_files_of_one_name_are_told_apart(
    result: Result, measurement: Measure, identity: Identify
) -> None:
    rows = tuple(
        build_row(identity("m.tflite", digest), CPU, 1, [measurement()]) for digest in ("aaaa", "bbbb")
    )
    text = to_text(dataclasses.replace(result, rows=rows))
    assert "m.tflite (aaaa0000)" in text
    assert "m.tflite (bbbb0000)" in text


def test_what_the_system_does_not_tell_is_left_out(result: Result) -> None:
    unknown = Conditions(None, None, None)
    machine = dataclasses.replace(result.environment, before=unknown, memory_mb=None, frequency_governor=None)
    text = to_text(dataclasses.replace(result, environment=machine))
    assert "before: not readable" in text
    assert "None" not in text


def test_it_is_saved_whole(result: Result, tmp_path: Path) -> None:
    save(result, tmp_path / "new" / "folder")
    folder = tmp_path / "new" / "folder"
    assert sorted(path.name for path in folder.iterdir()) == ["benchmark.json", "benchmark.md"]
    assert json.loads((folder / "benchmark.json").read_text())["kind"] == "hangtag-benchmark"


@pytest.mark.parametrize(("load", "busy"), [(None, False), (0.2, False), (0.5, False), (2.0, True)])
def test_a_busy_machine_is_called_so(load: float | None, *, busy: bool) -> None:
    assert (busy_note(Conditions(load, None, None)) is not None) is busy


def test_the_environment_keeps_set_thread_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    found = environment(CALM, CALM)
    assert found.thread_variables["OMP_NUM_THREADS"] == "3"
    assert found.versions["hangtag"]
    assert found.usable_cores >= 1


def test_tables_align_and_escape() -> None:
    table = Table(("name", "ms"), (("a|b", "1.0"), ("long name", "12.5")), text_columns=1)
    assert table.text() == "name         ms\na|b         1.0\nlong name  12.5"
    assert table.markdown().splitlines()[2] == "| a\\|b | 1.0 |"
    assert escape("a_b <i> [x]") == "a\\_b \\<i\\> \\[x\\]"


def test_numbers_are_rounded_and_text_is_left_alone(result: Result) -> None:
    changed: Any = to_json(dataclasses.replace(result, notes=("1.23456789",)))
    assert changed["notes"] == ["1.23456789"]
