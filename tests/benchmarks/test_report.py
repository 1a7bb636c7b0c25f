"""What people read of a benchmark: on a terminal, and as Markdown."""

from __future__ import annotations

import dataclasses

import pytest
from made_benchmarks import made_missing, made_model, made_result, made_row

from hangtag_benchmarks.machine.records import Conditions
from hangtag_benchmarks.records import Result, Row
from hangtag_benchmarks.reports.frontier import frontier, pareto
from hangtag_benchmarks.reports.report import to_markdown, to_text
from hangtag_benchmarks.reports.tables import Table, escape
from hangtag_benchmarks.targets import Accelerator

SOFTWARE = Accelerator("SwiftShader", is_software=True)
DISTURBED = ("other programs kept 1.2 cores busy",)


def line_of(text: str, name: str) -> str:
    """Return the table's line of a model."""
    return next(line for line in text.splitlines() if line.lstrip(" *~").startswith(name))


def test_the_terminal_has_a_table_with_the_fastest_marked_and_the_verdict_below() -> None:
    text = to_text(made_result())
    assert line_of(text, "int8").startswith("*")
    assert line_of(text, "float32").startswith(" ")
    assert "int8 is 2.0" in text.split("*: the fastest, by its median")[1]
    assert "faster than float32, 95 % CI 1.9" in text


def test_accuracy_stands_beside_latency_or_is_said_to_be_missing() -> None:
    assert "90.0 (86.7-92.6)" in line_of(to_text(made_result()), "int8")
    bare = to_text(made_result(made_row("int8", 2.0), made_row("float32", 4.0)))
    assert "top-1" not in bare
    assert "accuracy: not measured; --data FOLDER" in bare


def test_a_usual_table_fits_a_terminal() -> None:
    rows = [
        made_row(f"clothing-{name}", 4.0 / threads, threads=threads, accuracy=0.9)
        for name in ("float32", "float16", "dynamic", "int8", "int16x8")
        for threads in (1, 2)
    ]
    above = to_text(made_result(*rows)).split("*: the fastest")[0]
    table = [line for line in above.splitlines() if "clothing-" in line]
    assert len(table) == 10
    assert max(map(len, table)) <= 100


def test_what_is_the_same_in_every_row_is_said_once() -> None:
    text = to_text(made_result())
    assert text.splitlines()[0] == "every row: LiteRT, XNNPACK, threads 1"
    assert "engine" not in line_of(text, "model")
    two = to_text(made_result(made_row("int8", 2.0), made_row("int8", 1.5, threads=2)))
    assert "threads" in line_of(two, "model")


MARKS = {
    "QUICK": made_result(quick=True),
    "INCOMPLETE": made_result(complete=False),
    "DISTURBED": made_result(disturbances=DISTURBED),
}


@pytest.mark.parametrize(("mark", "result"), MARKS.items(), ids=MARKS)
def test_what_must_be_known_first_comes_first(mark: str, result: Result) -> None:
    assert to_text(result).startswith(f"{mark}: ")
    assert f"**{mark}: " in to_markdown(result).split("| model")[0]
    others = set(MARKS) - {mark}
    assert not any(other in to_text(result) + to_markdown(result) for other in others)


def test_a_software_adapter_is_never_the_fastest_and_comes_last() -> None:
    software = made_row("int8", 1.0, engine="litert-gpu", threads=None, accelerator=SOFTWARE)
    result = made_result(software, made_row("int8", 2.0), made_row("float32", 4.0))
    lines = to_text(result).splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("unranked  int8"))
    assert "SwiftShader (software, for testing only)" in lines[place]
    assert lines[place - 2].startswith("*")
    assert "unranked: the CPU plays the device" in to_text(result)
    assert not any("WebGPU" in line for line in lines if "faster" in line)


def test_rows_that_cannot_be_told_from_the_fastest_are_marked() -> None:
    same = [made_row(name, 2.0, scatter=0.1) for name in ("first", "second")]
    text = to_text(made_result(*same))
    assert "no difference can be seen" in text
    assert sorted(line_of(text, name)[0] for name in ("first", "second")) == ["*", "~"]


def test_missing_rows_of_one_reason_are_one_line() -> None:
    text = to_text(made_result(missing=(made_missing("int8"), made_missing("float32"))))
    (line,) = [line for line in text.splitlines() if line.startswith("no row for")]
    assert "int8.tflite, float32.tflite (LiteRT, WebGPU): no adapter was found" in line


def test_without_rows_there_is_no_empty_table() -> None:
    bare = dataclasses.replace(made_result(), rows=(), verdicts=(), missing=(made_missing(),))
    assert "p50" not in to_text(bare)
    assert "| model" not in to_markdown(bare)
    assert "no row for int8.tflite" in to_markdown(bare)


def test_two_files_of_one_name_are_told_apart() -> None:
    models = [made_model("m", sha256=digit * 64) for digit in "ab"]
    text = to_text(made_result(*(made_row(model, 2.0) for model in models)))
    assert "m (aaaaaaaa)" in text
    assert "m (bbbbbbbb)" in text


def test_an_engine_that_does_not_invoke_alone_has_its_way_to_the_label() -> None:
    text = to_text(made_result(made_row("int8", None, engine="mediapipe", end_to_end_ms=7.0)))
    assert "7.00" in line_of(text, "int8")
    assert "None" not in text


def test_what_the_system_does_not_tell_is_left_out() -> None:
    unknown = Conditions(None, None, None)
    result = made_result()
    machine = dataclasses.replace(result.environment, before=unknown, memory_mb=None, frequency_governor=None)
    markdown = to_markdown(dataclasses.replace(result, environment=machine))
    assert "before: not readable" in markdown
    assert "None" not in markdown


def test_the_markdown_has_all_tables_and_what_they_mean() -> None:
    markdown = to_markdown(made_result())
    for title in ("Verdicts", "Percentiles", "Start and memory", "Environment", "Models", "What the columns"):
        assert f"## {title}" in markdown
    assert "p99 of fewer than 1000 runs" in markdown
    assert "| int8 | LiteRT, XNNPACK | frame to label | 1 | 3.000 |" in markdown


def test_a_file_name_does_nothing_to_a_terminal_or_to_markdown() -> None:
    name = "a|b\x1b[31m<i>`_*"
    result = made_result(made_row(name, 2.0), missing=(made_missing(name),))
    assert "\x1b" not in to_text(result)
    markdown = to_markdown(result)
    assert "<i>" not in markdown.replace("\\<i\\>", "")
    table = [line for line in markdown.splitlines() if line.startswith("| ")]
    assert len({line.replace("\\|", "").count("|") for line in table[:3]}) == 1


def test_tables_align_and_escape_and_drop_columns() -> None:
    table = Table(("name", "ms"), (("a|b", "1.0"), ("long name", "12.5")), text_columns=1)
    assert table.text() == "name         ms\na|b         1.0\nlong name  12.5"
    assert table.markdown().splitlines()[2] == "| a\\|b | 1.0 |"
    assert escape("a_b <i> [x]") == "a\\_b \\<i\\> \\[x\\]"
    assert table.without({"name"}) == Table(("ms",), (("1.0",), ("12.5",)), text_columns=0)


@pytest.mark.parametrize(
    ("costs", "front"),
    [
        ([], []),
        ([(1, 1)], [0]),
        ([(1, 2), (2, 1), (2, 2)], [0, 1]),
        ([(1, 1), (1, 1)], [0, 1]),
        ([(1, 1), (1, 2)], [0]),
        ([(3, 1, 1), (1, 3, 1), (1, 1, 3), (3, 3, 3)], [0, 1, 2]),
    ],
)
def test_the_front_is_what_nothing_beats(costs: list[tuple[float, ...]], front: list[int]) -> None:
    assert pareto(costs) == front


def rows_for_the_front() -> list[Row]:
    return [
        made_row("fast", 1.0, accuracy=0.8),
        made_row("right", 4.0, accuracy=0.95),
        made_row("worse", 5.0, accuracy=0.9),
        made_row("unknown", 0.5),
        made_row("software", 0.1, engine="litert-gpu", accelerator=SOFTWARE, accuracy=0.99),
    ]


def test_the_front_is_of_ranked_rows_with_an_accuracy() -> None:
    found = frontier(rows_for_the_front())
    assert [point.place for point in found.points] == [0, 1, 2]
    assert found.front == {0, 1}


def test_the_front_never_mixes_two_kinds_of_latency() -> None:
    rows = [made_row("a", 4.0, accuracy=0.9), made_row("b", None, end_to_end_ms=4.5, accuracy=0.9)]
    found = frontier(rows)
    assert found.kind == "end_to_end"
    assert [point.p50_ms for point in found.points] == pytest.approx([5.0, 4.5])


def test_few_rounds_of_many_rows_are_one_line() -> None:
    rows = [made_row(f"model{number}", 4.0 + number, rounds=6) for number in range(6)]
    lines = to_text(made_result(*rows)).splitlines()
    assert [line for line in lines if "too few" in line] == [
        "too few rounds (6) to tell differences between so many rows"
    ]
    many = [made_row(f"model{number}", 4.0 + number, rounds=20) for number in range(6)]
    text = to_text(made_result(*many))
    assert "too few" not in text
    assert text.count("x faster than") == 5
    assert text.count("these intervals hold all together") == 1
