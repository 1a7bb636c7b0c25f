"""A .tflite as an ONNX file, by tf2onnx: ``python -m hangtag_benchmarks.engines.onnx_file FROM TO``.

tf2onnx needs TensorFlow, whose import takes seconds and half a gigabyte; so it works in a process of its own,
once for a whole run, and nothing of it is in a row's figures.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from hangtag.errors import BenchmarkError
from hangtag_benchmarks.engines.base import read_model

OPSET = 18
"""Version of ONNX's operators: the latest that tf2onnx writes."""

TIMEOUT_S = 600.0
"""Longest that converting may take."""


def onnx_file(model_path: str | None, scratch: Path) -> Path:
    """Return a model as an ONNX file, which is made if it is not there yet.

    Args:
        model_path: a .tflite; None is the bundled one.
        scratch: a folder that lasts as long as the run.

    Raises:
        HangtagError: the model cannot be used.
        BenchmarkError: tf2onnx cannot convert it.
    """
    model = read_model(model_path)
    made = scratch / f"{model.sha256}.onnx"
    if not made.exists():
        with tempfile.TemporaryDirectory(prefix="onnx-", dir=scratch) as folder:
            source, target = Path(folder) / "model.tflite", Path(folder) / "model.onnx"
            source.write_bytes(model.data)
            _convert(source, target)
            target.replace(made)
    return made


def _convert(source: Path, target: Path) -> None:
    command = (sys.executable, "-m", __name__, str(source), str(target))
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise BenchmarkError(f"tf2onnx did not convert the model within {TIMEOUT_S:g} s") from None
    if done.returncode != 0 or not target.exists():
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise BenchmarkError(f"tf2onnx cannot convert the model: {lines[-1] if lines else 'it says nothing'}")


def _main(source: str, target: str) -> None:
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
    convert = importlib.import_module("tf2onnx.convert")
    convert.from_tflite(source, opset=OPSET, output_path=target)


if __name__ == "__main__":
    _main(*sys.argv[1:])
