"""``hangtag benchmark`` as a person meets it, with real measuring processes."""

from __future__ import annotations

import getpass
import json
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from model_parts import joined, split, with_json_edited

from hangtag.cli import main
from hangtag.golden import INDEX_NAME
from hangtag_benchmarks import child

QUICK = ("--quick", "--repeat", "5", "--device", "cpu")
DYING = (sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["benchmark", *map(str, arguments)])


def test_a_quick_run_prints_a_table_and_saves_a_report(model_path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "report"
    done = _run(model_path, *QUICK, "--threads", "1,2", "--report", folder)
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert [line.split()[:3] for line in lines[1:3]] == [
        ["model.tflite", "cpu", "1"],
        ["model.tflite", "cpu", "2"],
    ]
    assert "pass 1 of 1: model.tflite, CPU, 1 thread" in done.stderr
    saved = json.loads((folder / "benchmark.json").read_text())
    assert [row["threads"] for row in saved["rows"]] == [1, 2]
    for row in saved["rows"]:
        assert {row[kind]["count"] for kind in ("preprocess", "invoke", "end_to_end")} == {5}
        assert 0 < row["invoke"]["p50_ms"] <= row["invoke"]["max_ms"]
        assert row["load_ms"][0] > 0
        assert row["first_run_ms"][0] > 0
        assert row["peak_memory_mb"] > row["imports_memory_mb"] > 0
        assert row["check"]["cases"] > 0
    assert saved["failures"] == []
    assert "## Environment" in (folder / "benchmark.md").read_text()


def test_json_is_one_object_on_standard_output_and_names_nobody(model_path: Path, tmp_path: Path) -> None:
    done = _run(model_path, *QUICK, "--json", "--report", tmp_path / "report")
    assert done.exit_code == 0, done.output
    printed = json.loads(done.stdout)
    assert printed == json.loads((tmp_path / "report" / "benchmark.json").read_text())
    assert str(tmp_path) not in done.stdout
    assert platform.node() not in json.dumps(printed["environment"]).split('"')
    assert getpass.getuser() not in json.dumps(printed["environment"]).split('"')


def test_the_bundled_model_is_the_default(tmp_path: Path, model_bytes: bytes) -> None:
    done = _run(*QUICK, "--json", "--report", tmp_path)
    if "no bundled model" in done.stderr:
        pytest.skip("this installation has no bundled model")
    assert json.loads(done.stdout)["rows"][0]["model"]["file_name"] == "clothing.tflite"


def test_wrong_outputs_end_with_exit_code_1_and_no_numbers(model_bytes: bytes, tmp_path: Path) -> None:
    def flatten(index: dict[str, list[dict[str, list[float]]]]) -> None:
        for case in index["cases"]:
            case["scores"] = [0.1] * len(case["scores"])

    path = tmp_path / "wrong.tflite"
    path.write_bytes(with_json_edited(model_bytes, flatten, INDEX_NAME))
    done = _run(path, *QUICK, "--report", tmp_path / "report")
    assert done.exit_code == 1
    assert "Error: wrong.tflite (CPU, threads 1): wrong output: " in done.stderr
    assert "no row for wrong.tflite (CPU, threads 1): wrong output" in done.stdout
    assert json.loads((tmp_path / "report" / "benchmark.json").read_text())["rows"] == []


def test_a_model_without_golden_cases_is_measured_and_said_to_be_unchecked(
    model_bytes: bytes, tmp_path: Path
) -> None:
    flatbuffer, files = split(model_bytes)
    kept = {name: content for name, content in files.items() if not name.startswith("golden")}
    path = tmp_path / "unproved.tflite"
    path.write_bytes(joined(flatbuffer, kept))
    done = _run(path, *QUICK, "--report", tmp_path / "report")
    assert done.exit_code == 0, done.output
    assert "outputs unchecked: the model carries no golden cases" in done.stdout


def test_a_process_that_dies_is_one_line(
    model_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "WORKER", DYING)
    done = _run(model_path, *QUICK, "--report", tmp_path / "report")
    assert done.exit_code == 1
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error")]
    assert errors == [
        "Error: model.tflite (CPU, threads 1): the measuring process was killed by SIGSEGV (signal 11)"
    ]
    assert "Traceback" not in done.output


def _emptied(model: bytes) -> bytes:
    return model[:0]


def _replaced(model: bytes) -> bytes:
    return b"junk" * (len(model) // 4)


def _truncated(model: bytes) -> bytes:
    return model[: len(model) // 2]


def _scrambled(model: bytes) -> bytes:
    return model[:100] + bytes(200) + model[300:]


@pytest.mark.parametrize("spoil", [_emptied, _replaced, _truncated, _scrambled])
def test_a_bad_model_is_one_line(tmp_path: Path, model_bytes: bytes, spoil: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "bad.tflite"
    path.write_bytes(spoil(model_bytes))
    done = _run(path, *QUICK, "--report", tmp_path / "report")
    assert done.exit_code == 1
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
    assert "bad.tflite" in done.stderr
    assert not (tmp_path / "report").exists()


def test_a_missing_model_is_one_line(tmp_path: Path) -> None:
    done = _run(tmp_path / "none.tflite", "--report", tmp_path / "report")
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: cannot read the model")


def test_a_report_folder_that_is_a_file_fails_before_measuring(model_path: Path) -> None:
    done = _run(model_path, *QUICK, "--report", model_path)
    assert done.exit_code == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stderr.startswith("Error: cannot write into")


@pytest.mark.parametrize(
    "arguments",
    [
        *(
            ("--threads", value)
            for value in ("0", "-1", "", "1,,2", "1;2", "two", "257", "1e1", "٣", "9" * 99)
        ),
        ("--repeat", "0"),
        ("--device", "tpu"),
        ("--no-such-option",),
    ],
)
def test_misuse_is_a_usage_error(arguments: tuple[str, ...]) -> None:
    done = _run(*arguments)
    assert done.exit_code == 2
    assert done.stdout == ""


def test_help_is_light() -> None:
    program = (
        "import sys\nfrom hangtag.cli import main\n"
        "try:\n    main(['benchmark', '--help'])\n"
        "finally:\n    heavy = {'numpy', 'cv2', 'psutil', 'tensorflow', 'ai_edge_litert'}\n"
        "    print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "--threads" in done.stdout


@pytest.mark.parametrize(
    ("given", "expected"), [("1", [1]), ("2,1", [2, 1]), (" 1 , 2 ", [1, 2]), ("4,4,1", [4, 1])]
)
def test_threads_are_read_in_order_and_once(
    given: str, expected: list[int], model_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "WORKER", DYING)
    done = _run(model_path, *QUICK, "--json", "--threads", given, "--report", tmp_path / "report")
    assert [failure["threads"] for failure in json.loads(done.stdout)["failures"]] == expected
