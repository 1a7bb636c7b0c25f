"""``hangtag bundle``: what is written, what is refused, and that it is all or nothing."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from mobile_contracts import CONTRACTS, WITHOUT_MEDIAPIPE, contract_of, model_of
from model_parts import joined, split, with_json_edited
from tiny_models import bare_model, whole_model

from hangtag.cli import main
from hangtag.contract import Kernel
from hangtag.errors import OutputError
from hangtag.golden import GoldenCase, GoldenCases
from hangtag.model_file import parse_model
from hangtag.preprocess import preprocess
from hangtag_convert.metadata import embed
from hangtag_convert.mobile.bundle import write_folder
from hangtag_convert.mobile.facts import checked_package, slug


def _bundle(folder: Path, model: bytes, platform: str, *options: str) -> Result:
    (folder / "model.tflite").write_bytes(model)
    command = [
        "bundle",
        str(folder / "model.tflite"),
        "--for",
        platform,
        "--out",
        str(folder / "out"),
        *options,
    ]
    return CliRunner().invoke(main, command)


def _contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("platform", ["android", "ios"])
def test_a_bundle_has_all_an_app_needs_and_is_repeatable(tmp_path: Path, platform: str) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        result = _bundle(folder, model_of("hostile"), platform)
        assert result.exit_code == 0, result.output
        assert result.stdout == ""
        assert result.stderr.count("\n") == 1
    files = _contents(first / "out")
    assert files == _contents(second / "out")
    by_name = {Path(name).name: data for name, data in files.items()}
    contract = contract_of("hostile")
    assert model_of("hostile") in by_name.values()
    assert by_name["labels.txt"].decode().splitlines() == list(contract.labels)
    assert by_name["labels-pt-BR.txt"].decode().splitlines() == list(contract.translations["pt-BR"])
    assert "README.md" in files
    suffixes = {Path(name).suffix for name in files}
    assert suffixes >= ({".kt", ".kts", ".xml"} if platform == "android" else {".swift"})


@pytest.mark.parametrize("platform", ["android", "ios"])
@pytest.mark.parametrize("case", ["hostile", "grey", "sigmoid", "letterbox", "logits", "clothing"])
def test_golden_cases_say_what_python_computes(tmp_path: Path, platform: str, case: str) -> None:
    assert _bundle(tmp_path, model_of(case), platform).exit_code == 0
    (index,) = (tmp_path / "out").rglob("golden.json")
    golden, contract = json.loads(index.read_text()), contract_of(case)
    spec = dataclasses.replace(contract.input, kernel=Kernel.LINEAR_EXACT)
    assert golden["model_sha256"] == hashlib.sha256(model_of(case)).hexdigest()
    assert len(golden["cases"]) >= 3
    for entry in golden["cases"]:
        image = cv2.imread(str(index.parent / entry["image"]))
        assert image is not None
        assert (entry["width_px"], entry["height_px"]) == (image.shape[1], image.shape[0])
        assert (index.parent / entry["rgb"]).read_bytes() == image[..., ::-1].tobytes()
        assert entry["tensor_sha256"] == hashlib.sha256(preprocess(image, spec).tobytes()).hexdigest()
        prepared = cv2.imread(str(index.parent / entry["prepared"]), cv2.IMREAD_UNCHANGED)
        assert prepared is not None
        assert prepared.shape[:2] == (spec.height_px, spec.width_px)
        shown = prepared if prepared.ndim == 2 else prepared[..., ::-1]
        assert entry["pixels_sha256"] == hashlib.sha256(np.ascontiguousarray(shown).tobytes()).hexdigest()
        assert len(entry["scores"]) == len(contract.labels)
        assert entry["best"] == int(np.argmax(entry["scores"]))
        threshold = contract.calibration.unknown_threshold
        assert entry["unknown"] == (threshold is not None and max(entry["scores"]) < threshold)


@pytest.mark.parametrize(
    ("case", "platform"),
    [
        (case, platform)
        for case in ("clothing", "stretch", "letterbox", *WITHOUT_MEDIAPIPE)
        for platform in ("android", "ios")
        if (case, platform) != ("int8", "ios")  # refused altogether
    ],
)
def test_mediapipe_is_there_only_where_it_runs_the_model(tmp_path: Path, case: str, platform: str) -> None:
    result = _bundle(tmp_path, model_of(case), platform)
    assert result.exit_code == 0, result.output
    files = _contents(tmp_path / "out")
    code = b"".join(
        data for name, data in files.items() if name.endswith((".kt", ".kts", ".swift", "Podfile"))
    )
    named = any("MediaPipeClassifier" in name for name in files)
    readme = " ".join(files["README.md"].decode().split())
    if case in WITHOUT_MEDIAPIPE:
        assert not named
        assert b"import com.google.mediapipe" not in code
        assert b"MediaPipeClassifier(" not in code
        assert f"{WITHOUT_MEDIAPIPE[case]}" in result.stderr
        assert WITHOUT_MEDIAPIPE[case] in readme
    else:
        assert named
        assert "MediaPipe Tasks is left out" not in readme


@pytest.mark.parametrize("platform", ["android", "ios"])
@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("clothing", "centred square"),
        ("logits", "rectangle of the shape 20 x 40"),
        ("stretch", "stretched"),
        ("letterbox", "padded with bars"),
    ],
)
def test_the_readme_begins_with_what_the_model_sees(
    tmp_path: Path, platform: str, case: str, words: str
) -> None:
    assert _bundle(tmp_path, model_of(case), platform).exit_code == 0
    lines = (tmp_path / "out" / "README.md").read_text().splitlines()
    box = [number for number, line in enumerate(lines) if line.startswith("> **The region of interest.**")]
    assert box
    assert box[0] < 10
    assert words in lines[box[0]]
    whole = "\n".join(lines)
    assert "## What was compiled and run, and what was not" in whole
    assert "Never done so far" in whole


@pytest.mark.parametrize("platform", ["android", "ios"])
@pytest.mark.parametrize("case", ["hostile", "many", "other bytes", "logits"])
def test_nothing_is_left_unfilled_and_names_do_no_harm(tmp_path: Path, platform: str, case: str) -> None:
    assert _bundle(tmp_path, model_of(case), platform).exit_code == 0
    for name, data in _contents(tmp_path / "out").items():
        assert name.isascii()
        if name.endswith((".kt", ".kts", ".swift", ".xml", ".md", "Podfile", ".properties")):
            assert b"@@" not in data, name
            assert "\u202e" not in data.decode(), name
        if name.endswith(("ModelContract.kt", "ModelContract.swift")):
            # Dashes and dots of our own comments aside: what the contract brings is ASCII.
            assert data.decode().replace("…", "").isascii()


def test_what_cannot_be_bundled_is_refused_in_one_line(tmp_path: Path) -> None:
    area, halved = (
        CONTRACTS["plain"].replace(input=dataclasses.replace(CONTRACTS["plain"].input, kernel=kernel))
        for kernel in (Kernel.AREA, Kernel.HALVED)
    )
    plain = parse_model(model_of("plain"), "plain")
    unproven = embed(bare_model(plain.contract), plain.contract, None)
    wrong = with_json_edited(
        model_of("plain"), lambda golden: golden["cases"][1].update(scores=[0.5, 0.5]), "golden.json"
    )
    cases = [
        (whole_model(area), "android", "the kernel area"),
        (whole_model(halved), "ios", "the kernel halved-linear-exact"),
        (model_of("int8"), "ios", "int8 tensors outside"),
        (unproven, "android", "carries no golden cases"),
        (wrong, "ios", "golden case golden-1.png fails on this machine"),
        (split(model_of("plain"))[0], "android", "embedded files are missing"),
        (b"nothing of the kind", "ios", "not a TFLite model"),
    ]
    for number, (model, platform, words) in enumerate(cases):
        folder = tmp_path / str(number)
        folder.mkdir()
        result = _bundle(folder, model, platform)
        assert result.exit_code == 1, words
        assert words in result.stderr
        assert result.stderr.count("\n") == 1
        assert [path.name for path in folder.iterdir()] == ["model.tflite"]


def test_an_earlier_bundle_is_never_lost(tmp_path: Path) -> None:
    assert _bundle(tmp_path, model_of("plain"), "android").exit_code == 0
    (tmp_path / "out" / "README.md").write_text("mine")
    again = _bundle(tmp_path, model_of("plain"), "android")
    assert again.exit_code == 1
    assert "is not empty" in again.stderr
    assert (tmp_path / "out" / "README.md").read_text() == "mine"


def test_an_empty_folder_is_filled_and_a_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert _bundle(tmp_path, model_of("plain"), "ios").exit_code == 0
    file = tmp_path / "taken"
    file.write_text("mine")
    with pytest.raises(OutputError, match="cannot write"):
        write_folder(file, {"a": b""})
    assert file.read_text() == "mine"


def test_a_folder_that_cannot_be_written_whole_does_not_appear(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write"):
        write_folder(tmp_path / "out", {"a": b"first", "a/b": b"cannot lie below a file"})
    assert list(tmp_path.iterdir()) == []


def test_names_inside_a_model_lead_nowhere(tmp_path: Path) -> None:
    plain = parse_model(model_of("plain"), "plain")
    assert plain.golden is not None
    evil = [
        GoldenCase(f"../../../../../evil-{number}.png", case.png, case.tensor_sha256, case.scores)
        for number, case in enumerate(plain.golden.cases)
    ]
    flatbuffer, files = split(model_of("plain"))
    whole = joined(flatbuffer, {**files, **GoldenCases(tuple(evil), plain.golden.score_tolerance).to_files()})
    assert _bundle(tmp_path, whole, "android").exit_code == 0
    assert not any("evil" in path.name for path in tmp_path.rglob("*"))


def test_the_package_is_the_users_choice(tmp_path: Path) -> None:
    assert _bundle(tmp_path, model_of("plain"), "android", "--package", "com.example.wardrobe").exit_code == 0
    (contract,) = (tmp_path / "out").rglob("ModelContract.kt")
    assert contract.as_posix().endswith("kotlin/com/example/wardrobe/ModelContract.kt")
    assert contract.read_text().startswith("package com.example.wardrobe\n")


@pytest.mark.parametrize(
    "package", ["wardrobe", "com.Example", "com.class.x", "com..x", "a.b;import c", "", "a.1b"]
)
def test_what_is_no_package_is_a_usage_error(tmp_path: Path, package: str) -> None:
    result = _bundle(tmp_path, model_of("plain"), "android", "--package", package)
    assert result.exit_code == 2
    assert "wanted lower-case words" in result.stderr
    assert _bundle(tmp_path, model_of("plain"), "ios", "--package", "com.example").exit_code == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("clothing", "clothing"),
        ("Hot Dog! (v2)", "hot_dog_v2"),
        ("class", "model_class"),
        ("1001 things", "model_1001_things"),
        ("ÄÖÜ", "aou"),
        ("字", "model"),
        ("\u202e", "model"),
        ("x" * 100, "x" * 40),
    ],
)
def test_a_name_becomes_one_that_files_and_packages_bear(name: str, expected: str) -> None:
    assert slug(name) == expected
    assert checked_package(f"dev.hangtag.{slug(name)}")


def test_bundling_needs_no_tensorflow(tmp_path: Path) -> None:
    (tmp_path / "model.tflite").write_bytes(model_of("plain"))
    program = (
        "import sys\n"
        "sys.modules['tensorflow'] = sys.modules['keras'] = sys.modules['flatbuffers'] = None\n"
        "from hangtag.cli import main\n"
        "main(['bundle', 'model.tflite', '--for', sys.argv[1], '--out', sys.argv[1]])\n"
    )
    for platform in ("android", "ios"):
        done = subprocess.run(
            [sys.executable, "-c", program, platform],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
