"""A result as JSON: there and back, as its published schema says, and nothing else for it."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
import types
import typing
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_benchmarks import made_accuracy, made_missing, made_result, made_row

from hangtag.errors import BenchmarkError
from hangtag_benchmarks.measurements import STAGES
from hangtag_benchmarks.records import Result, Row
from hangtag_benchmarks.reports.result_json import read_result, to_json
from hangtag_benchmarks.reports.schema import schema

PUBLISHED = Path(__file__).parents[2] / "docs" / "benchmark-2.schema.json"
SCHEMA = json.loads(PUBLISHED.read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(schema())

DIGEST = st.text("0123456789abcdef", min_size=64, max_size=64)
LATENCY = st.floats(1e-3, 1e6)
BY_NAME = {
    "sha256": DIGEST,
    "contract_sha256": DIGEST,
    "dataset_sha256": DIGEST,
    "created_utc": st.just("2026-11-21T23:24:00+00:00"),
    "schema_version": st.just(2),
    "kind": st.sampled_from(["invoke", "end_to_end"]),
    "quantiles_ms": st.lists(LATENCY, min_size=101, max_size=101).map(tuple),
    "first": st.just(0),
    "second": st.just(0),
    "photos": st.integers(1000, 10**6),
    "right": st.integers(0, 1000),
    "threads": st.none() | st.integers(1, 256),
}
PLAIN = {
    str: st.text(max_size=20),
    bool: st.booleans(),
    int: st.integers(0, 2**40),
    float: LATENCY,
}


def of(hint: Any, name: str = "") -> st.SearchStrategy[Any]:
    """Return a strategy for whatever a record's field may hold."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if name in BY_NAME or hint in PLAIN:
        return BY_NAME[name] if name in BY_NAME else PLAIN[hint]
    if origin is types.UnionType:
        return st.none() | of(arguments[0])
    if origin is tuple and arguments[-1] is not Ellipsis:
        return st.tuples(*map(of, arguments))
    if origin is tuple:
        return st.lists(of(arguments[0]), min_size=arguments[0] is Row, max_size=2).map(tuple)
    if origin is not None:
        keys = st.sampled_from(STAGES) if name == "stages" else st.text(max_size=5)
        return st.dictionaries(keys, of(arguments[1]), max_size=2)
    hints = typing.get_type_hints(hint)
    return st.builds(
        hint, **{field.name: of(hints[field.name], field.name) for field in dataclasses.fields(hint)}
    )


@pytest.fixture(scope="module")
def result() -> Result:
    return made_result(
        made_row("int8", 2.0, accuracy=0.9),
        made_row("float32", 4.0, threads=None, engine="mediapipe"),
        missing=(made_missing(),),
        disturbances=("other programs kept 1.2 cores busy",),
    )


def written(path: Path, values: Any) -> Path:
    path.write_text(json.dumps(values), encoding="utf-8")
    return path


def test_the_published_schema_is_that_of_the_records() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    wanted = "run: python -m hangtag_benchmarks.reports.schema > docs/benchmark-2.schema.json"
    assert schema() == SCHEMA, wanted


def test_every_object_of_the_schema_is_closed_and_complete() -> None:
    for described in (SCHEMA, *SCHEMA["$defs"].values()):
        assert described["additionalProperties"] is False
        assert described["required"] == list(described["properties"])
        assert described["description"]


def test_made_results_are_as_the_schema_says(result: Result) -> None:
    VALIDATOR.validate(json.loads(json.dumps(to_json(result), allow_nan=False)))


def test_numbers_that_may_be_null_say_so() -> None:
    row = SCHEMA["$defs"]["Row"]["properties"]
    assert row["peak_memory_mb"]["type"] == ["number", "null"]
    assert row["threads"]["type"] == ["integer", "null"]
    assert {"type": "null"} in row["invoke"]["anyOf"]
    assert SCHEMA["$defs"]["LatencySummary"]["properties"]["p50_ms"]["type"] == "number"


BROKEN = {
    "a field too many": (("extra",), 1),
    "one too many within": (("rows", 0, "speed"), 1),
    "text for a number": (("rows", 0, "invoke", "summary", "p50_ms"), "4.0"),
    "a number for text": (("frames",), 4),
    "null where there is none": (("rows", 0, "model"), None),
    "a negative latency": (("rows", 0, "invoke", "summary", "p50_ms"), -1.0),
    "no photos": (("rows", 0, "accuracy", "photos"), 0),
    "a list that is text": (("notes",), "a note"),
    "a truth that is a number": (("complete",), 1),
    "two percentiles": (("rows", 0, "invoke", "quantiles_ms"), [1.0, 2.0]),
}


@pytest.mark.parametrize(("where", "value"), BROKEN.values(), ids=BROKEN)
def test_what_is_broken_is_refused_by_schema_and_reader(
    result: Result, tmp_path: Path, where: tuple[Any, ...], value: Any
) -> None:
    values = to_json(result)
    *path, last = where
    inside: Any = values
    for step in path:
        inside = inside[step]
    inside[last] = value
    assert not VALIDATOR.is_valid(values)
    with pytest.raises(BenchmarkError, match="is damaged"):
        read_result(written(tmp_path / "benchmark.json", values))


def test_whatever_is_left_out_is_missed(result: Result, tmp_path: Path) -> None:
    whole = to_json(result)
    for name in set(whole) - {"kind", "schema_version"}:
        values = copy.copy(whole)
        del values[name]
        assert not VALIDATOR.is_valid(values)
        with pytest.raises(BenchmarkError, match=f"is damaged.*{name}"):
            read_result(written(tmp_path / "benchmark.json", values))


def test_a_verdict_about_a_row_that_is_not_there_is_refused(result: Result, tmp_path: Path) -> None:
    values = to_json(result)
    values["verdicts"][0]["second"] = 2
    with pytest.raises(BenchmarkError, match="rows 1 and 2 of 2"):
        read_result(written(tmp_path / "benchmark.json", values))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "no JSON"),
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ('{"kind": NaN}', "no JSON"),
        ("[]", "no result of hangtag benchmark"),
        ('{"kind": "hangtag-camera"}', "no result of hangtag benchmark"),
        ('{"kind": "hangtag-benchmark", "schema_version": 1}', "layout 1; this version reads 2"),
        ('{"kind": "hangtag-benchmark", "schema_version": 2, "rows": [1e999]}', "is damaged"),
        ('{"kind": "hangtag-benchmark", "schema_version": 2, "rounds": 1.0}', "is damaged"),
    ],
)
def test_files_that_are_something_else_are_told_in_a_line(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "benchmark.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(BenchmarkError, match=said) as caught:
        read_result(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1" + "0" * 400])
def test_numbers_too_large_are_refused(result: Result, tmp_path: Path, number: str) -> None:
    path = tmp_path / "benchmark.json"
    values = to_json(result)
    values["rows"][0]["peak_memory_mb"] = 123454321
    path.write_text(json.dumps(values).replace("123454321", number), encoding="utf-8")
    with pytest.raises(BenchmarkError, match="is damaged"):
        read_result(path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="cannot read"):
        read_result(tmp_path / "benchmark.json")


def test_numbers_have_six_digits_and_text_is_left_alone(result: Result) -> None:
    changed = dataclasses.replace(result, notes=("1.23456789",))
    assert to_json(changed)["notes"] == ["1.23456789"]
    row = dataclasses.replace(result.rows[0], peak_memory_mb=80.123456789)
    assert to_json(dataclasses.replace(result, rows=(row,)))["rows"][0]["peak_memory_mb"] == 80.1235


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(made=of(Result))
def test_any_result_is_as_the_schema_says_and_comes_back_as_it_went(
    tmp_path_factory: pytest.TempPathFactory, made: Result
) -> None:
    values = json.loads(json.dumps(to_json(made), allow_nan=False))
    VALIDATOR.validate(values)
    back = read_result(written(tmp_path_factory.getbasetemp() / "benchmark.json", values))
    assert json.loads(json.dumps(to_json(back))) == values


def test_it_reads_what_it_wrote(result: Result, tmp_path: Path) -> None:
    back = read_result(written(tmp_path / "benchmark.json", to_json(result)))
    assert to_json(back) == to_json(result)
    assert back.rows[0].model == result.rows[0].model
    assert back.rows[0].accuracy == dataclasses.replace(
        made_accuracy(0.9),
        top1_interval=back.rows[0].accuracy.top1_interval,  # rounded
    )
    assert math.isclose(
        back.rows[0].invoke.summary.p95_ms, result.rows[0].invoke.summary.p95_ms, rel_tol=1e-5
    )
