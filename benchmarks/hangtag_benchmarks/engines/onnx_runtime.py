"""ONNX Runtime on its CPU provider, on the model converted by tf2onnx."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from hangtag.errors import BenchmarkError
from hangtag.preprocess import Image, Preprocessor, Tensor
from hangtag_benchmarks.engines.base import Engine, read_model
from hangtag_benchmarks.engines.onnx_file import onnx_file
from hangtag_benchmarks.engines.peer_check import peer_check
from hangtag_benchmarks.measurements import OutputCheck


class OnnxRuntime(Engine):
    """A converted model; inputs and outputs are those of the .tflite.

    Raises:
        BenchmarkError: ONNX Runtime refuses the model.
    """

    packages: ClassVar[tuple[str, ...]] = ("onnxruntime", "tf2onnx")
    included: ClassVar[frozenset[str]] = frozenset({"write_input", "read_output"})
    """A run takes the prepared tensor and returns the output."""

    def __init__(self, model_path: str | None, threads: int, *, onnx_path: Path) -> None:
        self._model = read_model(model_path)
        self.contract = self._model.contract
        spec = self.contract.input
        self._preprocessor = Preprocessor(spec)
        self._tensor: Tensor = np.zeros(spec.shape, spec.tensor.dtype)
        self._session = _session(onnx_path, threads)
        self._feed = {self._session.get_inputs()[0].name: self._tensor}
        self._outputs = [self._session.get_outputs()[0].name]
        self._output: Tensor = self._tensor

    @classmethod
    def made_ready(cls, model_path: str | None, scratch: Path) -> Callable[[str | None, int], Engine]:
        """Convert the model."""
        return partial(cls, onnx_path=onnx_file(model_path, scratch))

    @classmethod
    def import_engine(cls) -> None:
        """Import ONNX Runtime."""
        importlib.import_module("onnxruntime")

    def prepare(self, image_bgr: Image) -> None:
        """Turn a frame into the input tensor, in memory of our own that the session reads."""
        self._preprocessor.write(image_bgr, self._tensor)

    def invoke(self) -> None:
        """Run, which also gives the output."""
        self._output = self._session.run(self._outputs, self._feed)[0]

    def read_output(self) -> Tensor:
        """Return what the last run gave."""
        row: Tensor = self._output[0]
        return row

    def check_outputs(self, frames: Sequence[Image]) -> OutputCheck:
        """Compare with the interpreter's scores, or with the golden ones."""
        return peer_check(self, self._model, frames)


def _session(path: Path, threads: int) -> Any:
    ort = importlib.import_module("onnxruntime")
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    try:
        # Named, so that no other provider that is installed takes the work.
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - its exceptions have no base of their own
        raise BenchmarkError(f"ONNX Runtime {ort.__version__} refuses the converted model: {error}") from None
