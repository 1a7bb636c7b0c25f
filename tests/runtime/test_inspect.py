"""``hangtag inspect``: what is in a model, of whichever tool, and how two of them differ."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from crafting import indices, seed, with_tables
from model_parts import joined, split, whole, with_json_edited

from hangtag.classifier import bundled_model
from hangtag.cli import main


def _inspect(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["inspect", *map(str, arguments)])


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    path = tmp_path / "bare.tflite"
    path.write_bytes(seed("looping-float32"))
    return path


def _rows(shown: str) -> dict[str, list[str]]:
    """Return the values of each heading."""
    rows: dict[str, list[str]] = {}
    name = ""
    for line in shown.splitlines():
        name = line[:15].strip() or name
        rows.setdefault(name, []).append(line[15:])
    return rows


def test_it_shows_all_that_the_bundled_model_says() -> None:
    model = bundled_model()
    result = _inspect()
    assert (result.exit_code, result.stderr) == (0, "")
    rows = _rows(result.stdout)
    assert rows["sha256"] == [hashlib.sha256(model.data).hexdigest()]
    assert rows["labels"] == ["10: " + ", ".join(model.contract.labels)]
    assert rows["size"] == ["224 x 224 px"]
    assert rows["operators"][0].startswith("63: CONV_2D 33, DEPTHWISE_CONV_2D 16, ADD 9, ")
    assert rows["tensors"] == ["165: int8 112, int32 51, uint8 2"]
    assert rows["weights"][0].startswith("3.43 MB, sha256 ")
    assert rows["input tensor"][0].startswith("1 x 224 x 224 x 3, uint8, scale 0.0078125, zero point 127, ")
    assert rows["output tensor"][0].startswith("1 x 10, uint8, scale 0.00390625")
    assert rows["golden cases"][0].startswith("5; ")
    assert rows["golden cases"][1] == "golden-0.png: 231 x 173 px, 4,840 bytes"
    assert [row.partition(":")[0] for row in rows["embedded"]] == sorted(split(model.data)[1])
    phones = "\n".join(rows["for phones"])
    for said in (
        "author: The Hangtag maintainers",
        "licence: Apache-2.0",
        "(value - 127) / 128; from -0.992188 to 1",
        "file labels.txt (labels of the axis): ",
    ):
        assert said in phones


def test_translations_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(whole(seed("plain-int8"), labels=("a", "b", "c"), translations={"es": ("x", "y", "z")}))
    assert _rows(_inspect(path).stdout)["translations"] == ["es: x, y, z"]


def test_json_is_the_contract_and_with_all_everything() -> None:
    model = bundled_model()
    assert _inspect("--json").stdout == model.contract.to_json()
    found = json.loads(_inspect("--json", "--all").stdout)
    assert found["contract"] == json.loads(model.contract.to_json())
    assert found["file"] == {"size_bytes": len(model.data), "sha256": hashlib.sha256(model.data).hexdigest()}
    assert found["model"]["operators"]["CONV_2D"] == 33
    assert found["model"]["inputs"][0]["shape"] == [1, 224, 224, 3]
    assert found["metadata"]["inputs"][0]["mean"] == [127.0, 127.0, 127.0]
    assert found["embedded_files"]["golden-1.png"]["size_bytes"] == 523
    assert found["golden_cases"]["cases"][2]["width_px"] == 61


def test_a_model_of_another_tool_is_shown_with_a_way_on(bare: Path) -> None:
    result = _inspect(bare)
    assert result.exit_code == 0
    rows = _rows(result.stdout)
    assert "labels" not in rows
    assert rows["operators"][0].startswith("32 in 5 graphs: ")
    (note,) = result.stderr.splitlines()
    assert note.startswith(f"note: {bare} carries no contract: get one to fill in with hangtag inspect")
    assert json.loads(_inspect(bare, "--json", "--all").stdout)["contract"] is None
    refused = _inspect(bare, "--json")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "--json --all" in refused.stderr


def _two_inputs(tables: Any) -> None:
    graph = tables.subgraphs[0]
    graph.tensors.append(graph.tensors[graph.inputs[0]])
    graph.inputs = indices(*graph.inputs, len(graph.tensors) - 1)


def _dynamic(tables: Any) -> None:
    graph = tables.subgraphs[0]
    graph.tensors[graph.inputs[0]].shapeSignature = indices(-1, 12, 12, 3)


def _other_output(tables: Any) -> None:
    graph = tables.subgraphs[0]
    graph.outputs = indices(graph.operators[0].outputs[0])


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (_two_inputs, "2 input tensors"),
        (_dynamic, "the batch is dynamic; convert it again"),
        (_other_output, "wanted one row of scores"),
    ],
)
def test_what_hangtag_cannot_use_is_shown_and_told_why(edit: Any, said: str, tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(with_tables(seed("plain-float32"), edit))
    result = _inspect(path)
    assert result.exit_code == 0
    assert "CONV_2D 2" in result.stdout
    assert f"note: {path} carries no contract: Hangtag cannot use it as it is: " in result.stderr
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
    refused = _inspect(path, "--template")
    assert refused.exit_code == 1
    assert said in refused.stderr


def test_names_in_a_file_do_nothing_to_the_terminal(tmp_path: Path) -> None:
    def edit(tables: Any) -> None:
        tables.description = "\x1b[2J\nmodel: mine\u202e" + "x" * 1000
        tables.subgraphs[0].tensors[tables.subgraphs[0].inputs[0]].name = "\x07\x9b31m"

    path = tmp_path / "model.tflite"
    path.write_bytes(with_tables(seed("plain-float32"), edit))
    result = _inspect(path)
    assert all(line.isprintable() for line in result.stdout.splitlines())
    assert r"\x1b[2J\x0amodel: mine\x202e" in result.stdout
    assert max(map(len, result.stdout.splitlines())) < 600
    for options in (["--json", "--all"], [bare_copy(tmp_path)], [bare_copy(tmp_path), "--json"]):
        assert all(line.isprintable() for line in _inspect(path, *options).stdout.splitlines())


def bare_copy(folder: Path) -> Path:
    path = folder / "other.tflite"
    path.write_bytes(seed("plain-float32"))
    return path


def test_two_equal_files_are_said_to_be_the_same(bare: Path) -> None:
    result = _inspect(bare, bare)
    assert result.exit_code == 0
    assert result.stdout.startswith("same: the files are equal to the byte")
    assert len(result.stdout.splitlines()) == 1
    assert json.loads(_inspect(bare, bare, "--json").stdout) == {}


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (
            lambda c: c["labels"].__setitem__(0, "gown"),
            {"contract.labels": ["only in a: dress", "only in b: gown"]},
        ),
        (lambda c: c["labels"].reverse(), {"contract.labels": ["the same ones in another order"]}),
        (
            lambda c: c["calibration"].update(unknown_threshold=0.7),
            {"contract.calibration.unknown_threshold": ["0.5 -> 0.7"]},
        ),
        (lambda c: c.update(author="me"), {"contract.author": ["The Hangtag maintainers -> me"]}),
    ],
)
def test_changes_of_the_contract_are_told(edit: Any, told: dict[str, list[str]], tmp_path: Path) -> None:
    first, second = tmp_path / "a.tflite", tmp_path / "b.tflite"
    flatbuffer, files = split(bundled_model().data)
    del files["labels.txt"]
    first.write_bytes(joined(flatbuffer, files))
    second.write_bytes(with_json_edited(first.read_bytes(), edit))
    result = _inspect(first, second)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    for name, texts in told.items():
        assert [line for line in lines if line.startswith(name)] == [f"{name}: {text}" for text in texts]
    contract = [line for line in lines if line.startswith("contract.")]
    assert len(contract) == sum(map(len, told.values()))
    assert "operators, weights, metadata for phones" in lines[-1]
    assert set(json.loads(_inspect(first, second, "--json").stdout)) >= set(told)


def test_other_operators_tensors_and_sizes_are_told(tmp_path: Path) -> None:
    paths = []
    for name in ("plain-int8", "plain-float32"):
        paths.append(tmp_path / f"{name}.tflite")
        paths[-1].write_bytes(seed(name))
    lines = _inspect(*paths).stdout.splitlines()
    assert "model.operators.QUANTIZE: 2 -> -" in lines
    assert "model.inputs.0.dtype: uint8 -> float32" in lines
    assert "model.tensors.int8: 12 -> -" in lines
    assert "file.size_bytes: 4712 -> 4220" in lines
    assert lines[-1] == "same: nothing"


def test_a_model_with_a_contract_against_one_without_is_one_line_for_it(bare: Path, tmp_path: Path) -> None:
    path = tmp_path / "whole.tflite"
    path.write_bytes(whole(bare.read_bytes()))
    lines = _inspect(bare, path).stdout.splitlines()
    assert sum(line.startswith("contract") for line in lines) == 1
    assert lines[-1] == "same: input, output, operators, weights"


@pytest.mark.parametrize(
    "arguments",
    [("--template",), ("{bare}", "{bare}", "--template"), ("--all",), ("{bare}", "{bare}", "{bare}")],
)
def test_what_does_not_go_together_is_a_usage_error(arguments: tuple[str, ...], bare: Path) -> None:
    assert _inspect(*(argument.format(bare=bare) for argument in arguments)).exit_code == 2


def test_a_damaged_one_of_two_is_one_line(bare: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.tflite"
    path.write_bytes(bundled_model().data[:-3000])
    for arguments in ((path,), (bare, path), (path, bare)):
        result = _inspect(*arguments)
        assert (result.exit_code, result.stdout) == (1, "")
        (line,) = result.stderr.splitlines()
        assert line == f"Error: {path}: cut short: its embedded files are missing; copy the file again"


def test_it_gives_a_template_for_a_bare_model(tmp_path: Path) -> None:
    path = tmp_path / "bare.tflite"
    path.write_bytes(split(bundled_model().data)[0])
    template = json.loads(_inspect(path, "--template").stdout)
    assert template["input"]["tensor"] == {"dtype": "uint8", "scale": 1 / 128, "zero_point": 127}
    assert len(template["labels"]) == 10


def test_a_model_with_a_contract_gets_no_template(tmp_path: Path) -> None:
    path = tmp_path / "whole.tflite"
    path.write_bytes(bundled_model().data)
    result = _inspect(path, "--template")
    assert result.exit_code == 1
    assert "carries a contract already" in result.stderr


def test_it_needs_neither_an_engine_nor_tensorflow(bare: Path) -> None:
    code = (
        "import sys\n"
        "for name in ('ai_edge_litert', 'tflite_runtime', 'tensorflow', 'keras'):\n"
        "    sys.modules[name] = None\n"
        f"from hangtag.cli import main\nmain(['inspect', {str(bare)!r}])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "operators" in done.stdout
