"""The files of a benchmark's report: page, CSV and plots."""

from __future__ import annotations

import base64
import csv
import functools
import getpass
import io
import json
import re
import socket
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from html_page import Page
from made_benchmarks import made_missing, made_model, made_result, made_row

from hangtag.errors import BenchmarkError
from hangtag_benchmarks.machine.records import Conditions
from hangtag_benchmarks.records import Result
from hangtag_benchmarks.reports.csv_report import harmless, to_csv
from hangtag_benchmarks.reports.page import Plots, render
from hangtag_benchmarks.reports.plots import latency_plot
from hangtag_benchmarks.reports.result_json import to_json
from hangtag_benchmarks.reports.saving import claim, draw, save
from hangtag_benchmarks.soak.records import Soak, SoakFigure, SoakMinute
from hangtag_benchmarks.targets import Accelerator

HOSTILE = (
    "<script>alert(1)</script>",
    "$x_1$",
    '"><img src=x onerror=alert(1)>',
    "</style><b>",
    "帽子 \u202e&amp;",
    "=cmd()|' /C calc'!A0",
)
NO_PLOTS = Plots({}, {}, "no plots: install something")


@functools.cache
def usual_plots() -> Plots:
    return draw(made_result())


def decoded(png: bytes) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image


def made_soak(*, tells: bool) -> Result:
    conditions = [
        Conditions(0.1, 2400.0 - 100 * n if tells else None, 50.0 + n if tells else None) for n in range(4)
    ]
    model = made_model()
    minutes = tuple(SoakMinute(100, 4.0 + n, None, 4.5 + n, one) for n, one in enumerate(conditions))
    row = made_row("int8", 4.0)
    soak = Soak(
        model=model, engine="litert", threads=1, accelerator=None, kind="invoke", planned_minutes=4,
        minute_s=60.0, minutes=minutes, cold=SoakFigure(1, 1, 4.0, None, None, None), sustained=None,
        parts_at=2 if tells else None, check=row.check, accuracy=None, versions={},
    )  # fmt: skip
    return made_result(soak=soak, missing=())


# The page


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    page = Page(render(made_result(), usual_plots()))
    assert not {"script", "link", "iframe", "object", "form"} & set(page.tags)
    addresses = [value for _, key, value in page.attributes if key in {"src", "srcset", "href"}]
    assert addresses
    assert all(address.startswith("data:image/png;base64,") for address in addresses)
    assert not [key for _, key, _ in page.attributes if key.startswith("on") or key == "style"]
    assert ("meta", "name", "viewport") in page.attributes
    assert "prefers-color-scheme: dark" in next(value for _, key, value in page.attributes if key == "media")


def test_each_plot_is_there_for_the_day_and_for_the_night() -> None:
    page = Page(render(made_result(), usual_plots()))
    sources = [value for _, key, value in page.attributes if key in {"src", "srcset"}]
    grounds = [decoded(base64.b64decode(source.partition(",")[2]))[0, 0].mean() for source in sources]
    assert [ground > 128 for ground in grounds] == [False, True] * 2  # a source stands before its picture
    assert all(image["alt"] for image in page.images)


def test_the_page_says_what_the_table_does() -> None:
    result = made_result(missing=(made_missing(),))
    words = Page(render(result, NO_PLOTS)).words
    for expected in (
        "int8 fastest", "2.00", "90.0", "86.7\N{EN DASH}92.6", "faster than float32", "no adapter was found",
        "Cortex-A76", "400 photos of the test split", "What the columns mean", "no plots: install something",
    ):  # fmt: skip
        assert expected in words


@pytest.mark.parametrize(
    ("mark", "result"),
    [
        ("QUICK", made_result(quick=True)),
        ("INCOMPLETE", made_result(complete=False)),
        ("DISTURBED", made_result(disturbances=("someone compiled",))),
    ],
)
def test_the_page_begins_with_what_must_be_known(mark: str, result: Result) -> None:
    source = render(result, NO_PLOTS)
    assert f'<p class="warning mark"><bdi>{mark}: ' in source.split("<h2>")[0]
    assert 'class="warning mark"' not in render(made_result(), NO_PLOTS)


def test_a_software_adapter_is_marked_on_the_page() -> None:
    row = made_row("int8", 1.0, engine="litert-gpu", accelerator=Accelerator("SwiftShader", is_software=True))
    words = Page(render(made_result(row, made_row("int8", 2.0)), NO_PLOTS)).words
    assert "int8 unranked LiteRT, WebGPU: SwiftShader (software, for testing only)" in words
    assert words.count("fastest") == 1


def test_names_are_nothing_but_names(tmp_path: Path) -> None:
    rows = [made_row(name, 2.0, accuracy=0.9) for name in HOSTILE]
    result = made_result(*rows, missing=tuple(map(made_missing, HOSTILE)), notes=HOSTILE)
    save(result, tmp_path)
    page = Page((tmp_path / "benchmark.html").read_text(encoding="utf-8"))
    for name in HOSTILE:
        assert page.words.count(f"{name}.tflite") >= 2
    assert not {"script", "b"} & set(page.tags)
    assert len(page.images) == 2


# CSV


def test_every_row_is_a_line_with_the_values_of_the_json() -> None:
    result = made_result(missing=(made_missing(),))
    lines = list(csv.DictReader(io.StringIO(to_csv(result))))
    assert [line["status"] for line in lines] == ["measured", "measured", "not there"]
    for line, row in zip(lines, to_json(result)["rows"], strict=False):
        assert line["model_file_name"] == row["model"]["file_name"]
        assert float(line["invoke_p50_ms"]) == row["invoke"]["summary"]["p50_ms"]
        assert float(line["invoke_p95_high_ms"]) == row["invoke"]["p95_interval"]["high"]
        assert float(line["end_to_end_max_ms"]) == row["end_to_end"]["summary"]["max_ms"]
        assert float(line["preprocess_p99_ms"]) == row["stages"]["preprocess"]["p99_ms"]
        assert float(line["top1"]) == pytest.approx(int(line["photos_right"]) / int(line["photos"]))
        assert line["energy_mj"] == ""
    assert [line["fastest"] for line in lines] == ["true", "false", ""]
    assert lines[2]["notes"].startswith("no adapter")


def test_the_columns_are_the_same_for_every_result() -> None:
    one = to_csv(made_result(quick=True)).splitlines()
    other = to_csv(made_result(made_row("int8", None, engine="mediapipe", end_to_end_ms=7.0))).splitlines()
    assert one[0] == other[0]
    assert len({len(row) for row in csv.reader([*one, *other])}) == 1
    assert next(csv.DictReader(one))["quick"] == "true"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("int8.tflite", "int8.tflite"),
        ("a=b", "a=b"),
        ("", ""),
    ],
)
def test_text_is_never_a_formula(text: str, expected: str) -> None:
    assert harmless(text) == expected


def test_a_name_with_commas_and_quotes_comes_back() -> None:
    lines = list(csv.DictReader(io.StringIO(to_csv(made_result(made_row('a,"b"', 2.0))))))
    assert lines[0]["model_file_name"] == 'a,"b".tflite'


def test_a_soak_is_a_line_for_each_minute_and_a_section_of_the_page(tmp_path: Path) -> None:
    result = made_soak(tells=True)
    save(result, tmp_path)
    with (tmp_path / "soak.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [(line["minute"], line["p50_ms"], line["cpu_frequency_mhz"]) for line in lines[:2]] == [
        ("1", "4.0", "2400.0"),
        ("2", "5.0", "2300.0"),
    ]
    assert "int8, LiteRT, XNNPACK, 1 thread: soak: 4 of 4 minutes" in Page(render(result, NO_PLOTS)).words


# Plots


@pytest.mark.parametrize(
    ("result", "names"),
    [
        (made_result(), ["latency.png", "frontier.png"]),
        (made_result(made_row("int8", 2.0), made_row("b", 3.0)), ["latency.png"]),
        (
            made_result(made_row("int8", 2.0, accuracy=0.9), made_row("b", 300.0, accuracy=1.0)),
            ["latency.png", "frontier.png"],
        ),
        (made_result(made_row("int8", None, end_to_end_ms=2.0)), ["latency.png"]),
        (made_result(made_row("int8", 2.0, scatter=0.0)), ["latency.png"]),
        (made_soak(tells=True), ["latency.png", "frontier.png", "soak.png"]),
        (made_soak(tells=False), ["latency.png", "frontier.png", "soak.png"]),
    ],
    ids=[
        "usual",
        "no accuracy",
        "logarithmic",
        "no invocation",
        "all runs alike",
        "soak",
        "soak of few words",
    ],
)
def test_plots_are_drawn_of_what_there_is(result: Result, names: list[str]) -> None:
    plots = draw(result)
    assert list(plots.day) == list(plots.night) == names
    for png in (*plots.day.values(), *plots.night.values()):
        image = decoded(png)
        assert image.shape[1] > 800
        assert 0.005 < (image != image[0, 0]).any(axis=2).mean() < 0.6, "blank, or all ink"


def test_a_slower_row_is_drawn_further_right() -> None:
    """The shapes are the only large areas of the first colour, blue."""
    png = latency_plot(made_result(made_row("a", 2.0), made_row("b", 4.0))) or b""
    blue, _, red = (decoded(png)[..., channel].astype(int) for channel in range(3))
    rows, columns = np.nonzero(blue - red > 100)
    upper = rows < decoded(png).shape[0] / 2
    assert np.median(columns[upper]) + 300 < np.median(columns[~upper])


def test_quick_runs_are_marked_in_their_plots() -> None:
    plain, quick = (decoded(latency_plot(made_result(quick=flag)) or b"") for flag in (False, True))
    assert quick.shape[0] > plain.shape[0]
    title = quick[: quick.shape[0] - plain.shape[0]]
    assert (title != title[0, 0]).any()


# The folder


def test_all_files_are_written(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    said = save(made_result(), folder)
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "benchmark.json", "benchmark.md", "benchmark.csv", "benchmark.html", "latency.png", "frontier.png",
    }  # fmt: skip
    assert all(name in said for name in names)
    assert (
        json.loads((tmp_path / "new" / "folder" / "benchmark.json").read_text())["kind"]
        == "hangtag-benchmark"
    )


def test_plots_of_an_earlier_report_do_not_stay(tmp_path: Path) -> None:
    save(made_result(), tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    save(made_result(made_row("int8", 2.0)), tmp_path)
    assert not (tmp_path / "frontier.png").exists()
    assert (tmp_path / "latency.png").exists()
    assert (tmp_path / "notes.txt").exists()


def test_without_matplotlib_the_report_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plots = re.compile(r"matplotlib|hangtag_benchmarks\.reports\.\w*plot")
    for name in [name for name in sys.modules if plots.match(name)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    said = save(made_result(), tmp_path)
    assert said.count('pip install "hangtag[benchmarks]"') == 1
    assert 'pip install "hangtag[benchmarks]"' in Page((tmp_path / "benchmark.html").read_text()).words
    assert not list(tmp_path.glob("*.png"))


def test_a_folder_with_something_in_it_is_not_overwritten(tmp_path: Path) -> None:
    claim(tmp_path / "new", force=False)
    (tmp_path / "new" / "notes.txt").write_text("mine")
    with pytest.raises(BenchmarkError, match="is not empty; choose another --report, or give --force"):
        claim(tmp_path / "new", force=False)
    claim(tmp_path / "new", force=True)


def test_no_file_names_this_machine_or_its_folders(tmp_path: Path) -> None:
    save(made_result(missing=(made_missing(),)), tmp_path)
    texts = [
        (tmp_path / f"benchmark.{ending}").read_text(encoding="utf-8") for ending in ("md", "csv", "json")
    ]
    texts.append(Page((tmp_path / "benchmark.html").read_text(encoding="utf-8")).words)
    for secret in (str(tmp_path), socket.gethostname(), getpass.getuser(), str(Path.home())):
        assert not any(re.search(rf"(?<!\w){re.escape(secret)}\b", text) for text in texts)
