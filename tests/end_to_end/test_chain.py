"""Train, convert, run and benchmark, as a person does it: through the command line, in real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from hangtag.scene import render_garment

LABELS = ("hat", "pants", "shoes")


def _hangtag(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hangtag", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=cwd, env=_environment(cwd), timeout=600, check=False
    )


def _environment(cwd: Path) -> dict[str, str]:
    """Return this process's environment with a cache of the test's own."""
    return {**os.environ, "HANGTAG_CACHE": str(cwd / "cache")}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rendered garments as a small data set; the bundled model never sees a rendered garment in training."""
    data = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(11)
    for split, count in (("train", 8), ("validation", 4), ("test", 4)):
        for label in LABELS:
            folder = data / split / label
            folder.mkdir(parents=True)
            for number in range(count):
                picture, matte = render_garment(label, rng, 200)
                alpha = matte[..., None] / 255
                on_floor = (picture * alpha + 200 * (1 - alpha)).astype(np.uint8)
                cv2.imwrite(str(folder / f"{number}.jpg"), on_floor)
    return data


@pytest.mark.slow
def test_from_photos_to_labels(photos: Path, tmp_path: Path) -> None:
    trained = _hangtag(
        "train", photos, "--out", "runs/a", "--size", 96, "--epochs", 1, "--name", "three", cwd=tmp_path
    )
    assert trained.returncode == 0, trained.stderr
    assert trained.stdout.startswith("validation: 12 photos, top-1 ")
    assert "test" not in trained.stdout  # test photos are read by `evaluate --split test` alone
    run = tmp_path / "runs" / "a"
    assert {path.name for path in run.iterdir()} == {
        "model.keras", "contract.json", "history.csv", "metrics.json", "run.json",
        "curves.png", "confusion_validation.png", "mistakes.json", "report.html",
    }  # fmt: skip

    # Of a dozen photos a single one is eight points.
    converted = _hangtag("convert", "runs/a", "--max-drop", 20, cwd=tmp_path)
    assert converted.returncode == 0, converted.stderr
    formats = ("dynamic", "float16", "float32", "int8-float-io", "int8", "weight-int8")
    assert sorted(path.stem for path in run.glob("*.tflite")) == [f"three-{kind}" for kind in sorted(formats)]
    assert (run / "conversion.html").is_file()

    said = _hangtag("predict", photos / "test", "--model", run / "three-int8.tflite", "--json", cwd=tmp_path)
    records = [json.loads(line) for line in said.stdout.splitlines()]
    assert len(records) == 12
    right = sum(record["label"] == Path(record["name"]).parent.name for record in records)
    assert right >= 10

    camera = _hangtag(
        "camera", "--source", f"scene:{photos / 'test'}", "--model", run / "three-int8.tflite",
        "--headless", "--json", "--max-frames", 60, cwd=tmp_path,
    )  # fmt: skip
    assert camera.returncode == 0, camera.stderr
    frames = [json.loads(line) for line in camera.stdout.splitlines()]
    assert len(frames) == 60
    assert {frame["true_label"] for frame in frames if "true_label" in frame} <= set(LABELS)
    assert any("true_label" in frame for frame in frames)

    measured = _hangtag(
        "benchmark", run / "three-int8.tflite", "--quick", "--rounds", 1, "--device", "cpu", cwd=tmp_path
    )
    assert measured.returncode == 0, measured.stderr
    assert "three-int8" in measured.stdout

    again = _hangtag("train", photos, "--out", "runs/a", cwd=tmp_path)
    assert again.returncode == 1
    assert "holds a finished run" in again.stderr
    assert "Traceback" not in again.stderr


def test_training_chatter_stays_off_the_terminal(photos: Path, tmp_path: Path) -> None:
    trained = _hangtag("train", photos, "--out", "run", "--size", 64, "--epochs", 0, cwd=tmp_path)
    assert trained.returncode == 0, trained.stderr
    assert [line.partition(":")[0] for line in trained.stderr.splitlines()] == ["linear head", "run folder"]
    again = _hangtag("train", photos, "--out", "again", "--size", 64, "--epochs", 0, cwd=tmp_path)
    assert again.stderr.startswith("features: from ")  # no photo is decoded a second time
    assert again.stdout == trained.stdout


@pytest.mark.slow
def test_ctrl_c_keeps_the_finished_epochs(photos: Path, tmp_path: Path) -> None:
    """A real process and a real signal in the second epoch; then the run goes on to its end."""
    command = ["train", str(photos), "--out", "run", "--size", "64", "--epochs", "40"]
    with subprocess.Popen(
        [sys.executable, "-m", "hangtag", *command],
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=_environment(tmp_path),
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("epoch 1/40"):
                break
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    (said,) = [line for line in errors.splitlines() if line.startswith("Error: ")]
    assert "--resume" in said
    assert "Traceback" not in errors
    left = {path.name for path in (tmp_path / "run").iterdir()}
    assert left == {".lock", "training_state.npz", "history.csv"}

    refused = _hangtag(*command, cwd=tmp_path)
    assert refused.returncode == 1
    assert "go on with --resume" in refused.stderr
    # Settings need not be said again.
    going_on = [sys.executable, "-m", "hangtag", "train", str(photos), "--out", "run", "--resume"]
    with subprocess.Popen(
        going_on, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=_environment(tmp_path)
    ) as process:
        assert process.stderr is not None
        first = [next(process.stderr), next(process.stderr)]
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=120)
    assert first[0].startswith("resuming after epoch ")
    assert "/40: validation loss" in first[1]
    other = _hangtag(*command, "--resume", "--seed", 5, cwd=tmp_path)
    assert other.returncode == 1
    assert "other settings" in other.stderr
