"""The command line as a person meets it: what it prints where, and how it ends."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from model_parts import with_json_edited

from hangtag import __version__
from hangtag.classifier import bundled_model
from hangtag.cli import main
from hangtag.scene import render_garment


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def _flatten_scores(golden: dict[str, Any]) -> None:
    for case in golden["cases"]:
        case["scores"] = [0.1] * 10


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    cv2.imwrite(str(path), render_garment("pants", np.random.default_rng(1), 300)[0])
    return path


def test_help_lists_every_command_and_each_has_help() -> None:
    listing = _run("--help")
    assert listing.exit_code == 0
    for command in (
        "demo",
        "doctor",
        "data",
        "train",
        "evaluate",
        "explain",
        "report",
        "convert",
        "inspect",
        "verify",
        "predict",
        "camera",
        "benchmark",
    ):
        assert command in listing.stdout
        shown = _run(command, "--help")
        assert shown.exit_code == 0, shown.output
        assert "Usage:" in shown.stdout


def test_version_and_unknown_command() -> None:
    assert __version__ in _run("--version").stdout
    assert _run("fly").exit_code == 2


def test_predict_prints_a_line_per_photo(photo: Path) -> None:
    result = _run("predict", photo)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{photo}: ")
    assert len(result.stdout.splitlines()) == 1


def test_predict_as_json(photo: Path) -> None:
    record = json.loads(_run("predict", photo, "--json", "--top", "10").stdout)
    assert record["name"] == str(photo)
    assert record["label"] == record["top"][0][0]
    assert len(record["top"]) == 10


def test_predict_goes_on_after_a_bad_photo_and_says_so(photo: Path) -> None:
    (photo.parent / "a_text.jpg").write_text("not a photo")
    (photo.parent / "b_empty.jpg").write_bytes(b"")
    (photo.parent / "c_cut.jpg").write_bytes(photo.read_bytes()[: photo.stat().st_size // 2])
    result = _run("predict", photo.parent)
    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 1
    assert result.stderr.splitlines()[-1] == "Error: 3 of 4 photos could not be read"
    assert len(result.stderr.splitlines()) == 4


def test_predict_goes_on_after_a_photo_that_is_not_there(photo: Path) -> None:
    result = _run("predict", photo.parent / "nowhere.jpg", photo)
    assert result.exit_code == 1
    assert result.stdout.startswith(f"{photo}: ")
    assert "nowhere.jpg: No such file" in result.stderr


def test_names_that_are_no_text_are_printed_all_the_same(photo: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(photo.parent) + b"/odd-\xff.jpg"))
    try:
        photo.rename(odd)
    except OSError:
        pytest.skip("this file system takes no names that are not UTF-8")
    for options in ([], ["--json"]):
        done = subprocess.run(
            [sys.executable, "-m", "hangtag", "predict", *options, odd.parent],
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b"")
        assert b"odd-" in done.stdout


def test_a_closed_standard_error_stops_nothing(photo: Path) -> None:
    line = f"exec {sys.executable} -m hangtag predict {photo} 2>&-"
    done = subprocess.run(["bash", "-c", line], stdout=subprocess.PIPE, text=True, check=False)  # noqa: S607
    assert done.returncode == 0
    assert done.stdout.startswith(f"{photo}: ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("predict", "nowhere/"), "cannot read nowhere: No such file"),
        (("predict", __file__), "not an image that can be read"),
        (("camera", "--source", "scene:", "--size", "16x16", "--headless"), "32 x 32"),
        (("camera", "--source", "scene:", "--fps", "0.1", "--headless"), "visit_s"),
        (("camera", "--source", "x" * 300, "--headless"), "no source"),
        (("predict", "{photo}", "--model", "nowhere.tflite"), "nowhere.tflite"),
        (("predict", "{photo}", "--model", "{photo}"), "not a TFLite model"),
        (("inspect", "{photo}"), "not a TFLite model"),
        (("inspect", "{photo}", "--template"), "not a TFLite model"),
        (("verify", "{photo}"), "not a TFLite model"),
        (("camera", "--source", "93", "--headless"), "/dev/video93"),
        (("camera", "--source", "nowhere", "--headless"), "nowhere"),
        (
            ("camera", "--source", "scene:", "--headless", "--max-frames", "2", "--record", "{photo}"),
            "cannot write",
        ),
        (("demo", "--out", "{photo}/demo"), "cannot write"),
        (("train", "nowhere", "--out", "{photo}/run"), "nowhere"),
        (("convert", "nowhere"), "there is nothing at nowhere"),
        (("convert", "{photo}.tflite"), "--contract"),
        (("evaluate", "nowhere.tflite", "."), "nowhere.tflite"),
    ],
)
def test_bad_input_gets_one_clear_line_and_exit_code_1(
    arguments: tuple[str, ...], said: str, photo: Path
) -> None:
    result = _run(*(argument.format(photo=photo) for argument in arguments))
    assert result.exit_code == 1, result.output
    errors = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert said in errors[-1]
    assert len(errors) == 1
    assert "Traceback" not in result.output


def test_verify_passes_here_and_fails_on_other_scores(tmp_path: Path) -> None:
    assert _run("verify").exit_code == 0
    path = tmp_path / "other.tflite"
    path.write_bytes(with_json_edited(bundled_model().data, _flatten_scores, "golden.json"))
    result = _run("verify", path)
    assert result.exit_code == 1
    assert "BEYOND" in result.stdout
    assert "does not compute what the trainer did" in result.stderr


def test_camera_prints_json_on_stdout_only(tmp_path: Path) -> None:
    result = _run(
        "camera", "--source", "scene:", "--headless", "--json", "--max-frames", 5, "--size", "320x240"
    )
    assert result.exit_code == 0
    assert [json.loads(line)["frame"] for line in result.stdout.splitlines()] == [0, 1, 2, 3, 4]
    assert "capture to label" in result.stderr


def test_camera_without_a_screen_says_headless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    result = _run("camera", "--source", "scene:", "--max-frames", 1)
    assert result.exit_code == 1
    assert "--headless" in result.stderr


@pytest.mark.parametrize("size", ["640", "x480", "0x0", "640x480x3", "9999999x1"])
def test_an_odd_size_is_a_usage_error(size: str) -> None:
    assert _run("camera", "--source", "scene:", "--headless", "--size", size).exit_code == 2


def test_demo_leaves_a_clip_and_a_picture(tmp_path: Path) -> None:
    result = _run("demo", "--out", tmp_path / "demo", "--max-frames", 70)
    assert result.exit_code == 0, result.output
    assert {path.name for path in (tmp_path / "demo").iterdir()} == {"clip.webm", "still.jpg"}
    capture = cv2.VideoCapture(str(tmp_path / "demo" / "clip.webm"))
    assert capture.read()[0]
    capture.release()
    assert "capture to label" in result.stderr


def test_doctor_finds_this_machine_fit() -> None:
    result = _run("doctor")
    assert result.exit_code == 0, result.output
    assert "bundled model: 5 of 5 golden cases pass" in result.stdout
    assert "LiteRT" in result.stdout


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_camera_leaves_a_playable_clip(tmp_path: Path, stop: signal.Signals) -> None:
    """A real process, a real signal: what was recorded is there and whole, nothing half-written."""
    command = [sys.executable, "-m", "hangtag", "camera", "--source", "scene:", "--headless", "--json"]
    with subprocess.Popen(
        [*command, "--clip", str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for _ in range(20):
            assert process.stdout.readline().startswith("{")
        process.send_signal(stop)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    assert "(interrupted)" in errors
    (clip,) = tmp_path.iterdir()
    capture = cv2.VideoCapture(str(clip))
    assert capture.read()[0]
    capture.release()


def test_a_closed_pipe_is_no_traceback(tmp_path: Path) -> None:
    if shutil.which("head") is None or os.name != "posix":
        pytest.skip("needs a shell with head")
    line = (
        f"{sys.executable} -m hangtag camera --source scene: --headless --json --max-frames 200 | head -n 1"
    )
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=60, check=False)  # noqa: S607
    assert done.stdout.startswith("{")
    assert "Traceback" not in done.stderr


def test_import_is_light_and_without_training_libraries() -> None:
    code = (
        "import sys, hangtag.cli.camera; from hangtag import Classifier; Classifier.bundled()\n"
        "heavy = {'tensorflow', 'keras', 'matplotlib', 'hangtag_train', 'hangtag_convert', 'torch', 'PIL'}\n"
        "print(sorted(heavy & {name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_loads_neither_opencv_nor_numpy() -> None:
    code = (
        "import sys\nfrom hangtag.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print('loaded:', sorted({'cv2', 'numpy', 'ai_edge_litert'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded: []"


def test_a_missing_extra_is_named(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "for name in ('tensorflow', 'keras', 'matplotlib'):\n    sys.modules[name] = None\n"
        "from hangtag.cli import main\nmain(['train', '.', '--out', 'run'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 1
    assert 'pip install "hangtag[train]"' in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_missing_system_library_is_named() -> None:
    from hangtag.opencv import explain_import_error

    said = explain_import_error(
        ImportError("libGL.so.1: cannot open shared object file: No such file or directory")
    )
    assert said is not None
    assert "libGL.so.1" in said
    assert "opencv-python-headless" in said
    assert explain_import_error(ImportError("no module named frobnicate", name="frobnicate")) is None


def test_qt_is_sent_for_fonts_to_a_folder_that_is_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from hangtag.opencv import quiet_windows

    for named, left_alone in ((tmp_path, True), (tmp_path / "gone", False)):
        monkeypatch.setenv("QT_QPA_FONTDIR", str(named))
        quiet_windows()
        assert Path(os.environ["QT_QPA_FONTDIR"]).is_dir()
        assert (os.environ["QT_QPA_FONTDIR"] == str(named)) == left_alone
    monkeypatch.delenv("QT_QPA_FONTDIR")
    quiet_windows()
    assert "QT_QPA_FONTDIR" not in os.environ
