"""``hangtag benchmark`` as a person meets it, with real measuring processes."""

from __future__ import annotations

import getpass
import json
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from crafting import crashing, with_tables
from model_parts import joined, split, whole, with_json_edited
from tiny_models import bare_model, whole_model

from hangtag.cli import main
from hangtag.contract import ColourOrder, InputSpec, ModelContract, OutputSpec, TensorFormat
from hangtag.golden import INDEX_NAME
from hangtag_benchmarks import child, plans
from hangtag_benchmarks.plans import BlockPlan, Plan

QUICK = ("--quick", "--device", "cpu")
SHAPES = ("disc", "square", "stripe")
DYING = (sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
SHORT = Plan(BlockPlan(0.01, 10, 0.01, 20, 0.01, 5), rounds=1, enough_width=None, quick=True)


@pytest.fixture(autouse=True)
def short_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes ``--quick`` a matter of moments."""
    monkeypatch.setattr(plans, "QUICK_PLAN", SHORT)


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["benchmark", *map(str, arguments)])


def _saved(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "benchmark.json").read_text())
    return found


def _rows(saved: dict[str, Any]) -> list[str]:
    return [row["model"]["file_name"] for row in saved["rows"]]


def _contract(
    side: int = 8, labels: tuple[str, ...] = ("a", "b", "c"), dtype: str = "float32", **changes: Any
) -> ModelContract:
    scales: dict[str, dict[str, Any]] = {
        "float32": {},
        "uint8": {"scale": 1 / 255},
        "int8": {"scale": 1 / 255, "zero_point": -128},
    }
    tensor = TensorFormat(dtype=dtype, **scales[dtype])
    spec = InputSpec(width_px=side, height_px=side, tensor=tensor, **changes)
    return ModelContract(labels=labels, input=spec, output=OutputSpec(tensor=tensor))


def test_a_quick_run_prints_tables_and_saves_a_report(model_path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "report"
    done = _run(model_path, *QUICK, "--threads", "1,2", "--rounds", "2", "--report", folder)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("QUICK: ")
    assert done.stderr.count("round 1 of at most 2, ") == 2
    assert done.stderr.count("round 2 of at most 2, ") == 2
    saved = _saved(folder)
    assert [row["threads"] for row in saved["rows"]] == [1, 2]
    for row in saved["rows"]:
        assert row["invoke"]["summary"]["count"] >= 40
        assert row["end_to_end"]["summary"]["count"] >= 10
        assert 0 < row["invoke"]["summary"]["p50_ms"] <= row["invoke"]["summary"]["max_ms"]
        assert row["stages"]["preprocess"]["p50_ms"] > 0
        assert [block["round"] for block in row["blocks"]] == [0, 1]
        assert all(block["load_ms"] > 0 and block["first_run_ms"] > 0 for block in row["blocks"])
        assert row["peak_memory_mb"] > row["imports_memory_mb"] > 0
        assert row["check"]["cases"] > 0
        assert row["ranked"]
    assert (saved["missing"], saved["rounds"], saved["complete"]) == ([], 2, True)
    assert saved["plan"]["quick"]
    assert "## Environment" in (folder / "benchmark.md").read_text()


def test_json_is_one_object_on_standard_output_and_names_nobody(model_path: Path, tmp_path: Path) -> None:
    done = _run(model_path, *QUICK, "--json", "--report", tmp_path / "report")
    assert done.exit_code == 0, done.output
    printed = json.loads(done.stdout)
    assert printed == _saved(tmp_path / "report")
    assert str(tmp_path) not in done.stdout
    assert platform.node() not in json.dumps(printed["environment"]).split('"')
    assert getpass.getuser() not in json.dumps(printed["environment"]).split('"')


def test_the_bundled_model_is_the_default(tmp_path: Path, model_bytes: bytes) -> None:
    done = _run(*QUICK, "--report", tmp_path)
    if "no bundled model" in done.stderr:
        pytest.skip("this installation has no bundled model")
    assert _rows(_saved(tmp_path)) == ["clothing.tflite"]


def test_a_model_named_twice_is_one_row(model_path: Path, tmp_path: Path) -> None:
    assert _run(model_path, model_path, *QUICK, "--report", tmp_path / "report").exit_code == 0
    assert _rows(_saved(tmp_path / "report")) == ["model.tflite"]


def test_models_of_any_input_are_measured_side_by_side(tmp_path: Path) -> None:
    contracts = {
        "small": _contract(),
        "large": _contract(side=96),
        "grey": _contract(colour_order=ColourOrder.GREY, mean=(127.0,), std=(128.0,)),
        "uint8": _contract(dtype="uint8"),
        "int8": _contract(dtype="int8"),
    }
    for name, contract in contracts.items():
        (tmp_path / f"{name}.tflite").write_bytes(whole_model(contract, tolerance=0.01))
    done = _run(*(tmp_path / f"{name}.tflite" for name in contracts), *QUICK, "--report", tmp_path / "report")
    assert done.exit_code == 0, done.output
    saved = _saved(tmp_path / "report")
    assert _rows(saved) == [f"{name}.tflite" for name in contracts]
    assert [row["model"]["input_wh"] for row in saved["rows"]] == [[8, 8], [96, 96], [8, 8], [8, 8], [8, 8]]
    assert [row["model"]["input_dtype"] for row in saved["rows"]][2:] == ["float32", "uint8", "int8"]


def _not_a_number(model: bytes) -> bytes:
    """The same model with weights that are not numbers, and a contract that fits it."""

    def edit(tables: Any) -> None:
        for tensor in tables.subgraphs[0].tensors:
            if tensor.name == b"kernel":
                tables.buffers[tensor.buffer].data = [0, 0, 192, 127] * (
                    len(tables.buffers[tensor.buffer].data) // 4
                )

    return whole(with_tables(model, edit))


BAD_MODELS: dict[str, tuple[Callable[[], bytes], str]] = {
    "junk": (lambda: b"junk" * 100, "not a TFLite model"),
    "half": (lambda: whole_model(_contract())[:1000], "half.tflite: "),
    "empty": (lambda: b"", "empty.tflite: "),
    "bare": (lambda: bare_model(_contract()), "without a Hangtag contract"),
    "other-size": (
        lambda: with_json_edited(whole_model(_contract()), lambda it: it["input"].update(width_px=9)),
        "other-size.tflite: ",
    ),
    "not-a-number": (lambda: _not_a_number(bare_model(_contract())), "scores are not finite numbers"),
    "killer": (lambda: whole(crashing()), "the measuring process was killed by SIG"),
}


def test_bad_models_are_rows_that_say_so_and_the_others_go_on(tmp_path: Path) -> None:
    for name, (craft, _) in BAD_MODELS.items():
        (tmp_path / f"{name}.tflite").write_bytes(craft())
    (tmp_path / "good.tflite").write_bytes(whole_model(_contract()))
    paths = [tmp_path / f"{name}.tflite" for name in (*BAD_MODELS, "good")]
    done = _run(*paths, *QUICK, "--report", tmp_path / "report")
    assert done.exit_code == 1
    assert "Traceback" not in done.output
    assert str(tmp_path) not in done.stdout
    saved = _saved(tmp_path / "report")
    assert _rows(saved) == ["good.tflite"]
    reasons = {missing["file_name"]: missing for missing in saved["missing"]}
    assert set(reasons) == {f"{name}.tflite" for name in BAD_MODELS}
    for name, (_, expected) in BAD_MODELS.items():
        missing = reasons[f"{name}.tflite"]
        assert expected in f"{missing['file_name']}: {missing['reason']}"
        assert (missing["failed"], missing["reason"].count("\n")) == (True, 0)
        assert f"{missing['reason']}" in done.stdout


@pytest.mark.parametrize("name", ["junk", "half", "empty", "bare", "other-size"])
def test_where_no_model_can_be_used_there_is_one_line_and_no_folder(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.tflite"
    path.write_bytes(BAD_MODELS[name][0]())
    done = _run(path, *QUICK, "--report", tmp_path / "report")
    assert done.exit_code == 1
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
    assert path.name in done.stderr
    assert not (tmp_path / "report").exists()


def test_a_file_that_is_not_there_is_told_before_anything_is_measured(
    model_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "WORKER", DYING)
    done = _run(model_path, tmp_path / "none.tflite", "--report", tmp_path / "report")
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: cannot read the model")
    assert not (tmp_path / "report").exists()


def test_wrong_outputs_end_with_exit_code_1_and_no_numbers(model_bytes: bytes, tmp_path: Path) -> None:
    def flatten(index: dict[str, list[dict[str, list[float]]]]) -> None:
        for case in index["cases"]:
            case["scores"] = [0.1] * len(case["scores"])

    path = tmp_path / "wrong.tflite"
    path.write_bytes(with_json_edited(model_bytes, flatten, INDEX_NAME))
    done = _run(path, *QUICK, "--report", tmp_path / "report")
    assert done.exit_code == 1
    assert "Error: wrong.tflite (LiteRT, XNNPACK, threads 1): wrong output: " in done.stderr
    assert "no row for wrong.tflite (LiteRT, XNNPACK, threads 1): wrong output" in done.stdout
    saved = _saved(tmp_path / "report")
    assert (saved["rows"], saved["missing"][0]["wrong_output"]) == ([], True)


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
    row = "model.tflite (LiteRT, XNNPACK, threads 1)"
    assert errors == [f"Error: {row}: the measuring process was killed by SIGSEGV (signal 11)"]
    assert "Traceback" not in done.output


def test_an_earlier_report_is_kept_unless_it_may_go(
    model_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = tmp_path / "report" / "benchmark.json"
    report.parent.mkdir()
    report.write_text("earlier")
    with monkeypatch.context() as patched:
        patched.setattr(child, "WORKER", DYING)
        done = _run(model_path, *QUICK, "--report", report.parent)
    # Before anything is measured, not after a minute of it.
    assert (done.exit_code, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert "is not empty" in line
    assert "--force" in line
    assert report.read_text() == "earlier"
    assert _run(model_path, *QUICK, "--report", report.parent, "--force").exit_code == 0
    assert _rows(_saved(report.parent)) == ["model.tflite"]


def test_a_report_folder_that_is_a_file_fails_before_measuring(model_path: Path) -> None:
    done = _run(model_path, *QUICK, "--report", model_path)
    assert done.exit_code == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stderr.startswith("Error: cannot write into")


def test_accuracy_is_that_of_hangtag_evaluate_unreadable_photos_left_out_by_both(
    shapes_dataset: Path, tmp_path: Path
) -> None:
    model = tmp_path / "shapes.tflite"
    model.write_bytes(whole_model(_contract(labels=SHAPES)))
    data = tmp_path / "data"
    for photo in shapes_dataset.glob("*/*/*.png"):
        copy = data / "validation" / photo.parent.name / f"{photo.parent.parent.name}-{photo.name}"
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(photo.read_bytes())
    (data / "validation" / SHAPES[0] / "bad.png").write_bytes(b"no photo")
    done = _run(
        model, *QUICK, "--threads", "1,2", "--data", data, "--split", "validation", "--report", tmp_path / "r"
    )
    assert done.exit_code == 0, done.output
    assert done.stderr.count("scoring photos: ") == 1
    assert "skipped: " in done.stderr
    evaluated = CliRunner().invoke(main, ["evaluate", str(model), str(data), "--json"])
    assert evaluated.exit_code == 0, evaluated.output
    theirs = json.loads(evaluated.stdout)
    for row in _saved(tmp_path / "r")["rows"]:
        ours = row["accuracy"]
        assert ours["photos"] == theirs["photos"] == 36
        assert ours["right"] / ours["photos"] == pytest.approx(theirs["top1"])


def test_too_many_photos_that_cannot_be_read_are_told_before_measuring(
    model_path: Path, tmp_path: Path
) -> None:
    data = tmp_path / "test" / "dress"
    data.mkdir(parents=True)
    (data / "bad.png").write_bytes(b"no photo")
    done = _run(model_path, *QUICK, "--data", tmp_path, "--report", tmp_path / "report")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "1 of 1 photos in" in done.stderr.splitlines()[-1]


def test_photos_of_other_labels_fail_the_rows_of_that_model_alone(
    shapes_dataset: Path, tmp_path: Path
) -> None:
    for name, labels in (("shapes", SHAPES), ("letters", ("a", "b", "c"))):
        (tmp_path / f"{name}.tflite").write_bytes(whole_model(_contract(labels=labels)))
    paths = (tmp_path / "letters.tflite", tmp_path / "shapes.tflite")
    done = _run(*paths, *QUICK, "--data", shapes_dataset, "--report", tmp_path / "report")
    assert done.exit_code == 1
    assert "letters.tflite (LiteRT, XNNPACK, threads 1): " in done.stderr
    assert "not labels of the model" in done.stderr
    assert _rows(_saved(tmp_path / "report")) == ["shapes.tflite"]


def test_photos_that_cannot_be_used_at_all_are_told_before_measuring(
    model_path: Path, tmp_path: Path
) -> None:
    done = _run(model_path, *QUICK, "--data", tmp_path / "nowhere", "--report", tmp_path / "report")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "nowhere" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    "arguments",
    [
        *(
            ("--threads", value)
            for value in ("0", "-1", "", "1,,2", "1;2", "two", "257", "1e1", "٣", "9" * 99)
        ),
        ("--rounds", "0"),
        ("--device", "tpu"),
        ("--engine", "abacus"),
        ("--split", "train"),
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
def test_threads_are_read_once_each(
    given: str, expected: list[int], model_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "WORKER", DYING)
    done = _run(model_path, *QUICK, "--json", "--threads", given, "--report", tmp_path / "report")
    missing = json.loads(done.stdout)["missing"]
    assert sorted(one["threads"] for one in missing) == sorted(expected)
