"""OpenCV's DNN module, on the .tflite itself and on the model converted by tf2onnx.

OpenCV 5 reads a .tflite with its older engine and ONNX with its newer, faster one: so there are both. It runs
models of floats: of the formats that Hangtag writes float32 and float16, by way of ONNX also weight-int8 (of
the .tflite it forgets the scales of the weights: wrong scores). int8 and dynamic fail as they are read, or in
the first run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np

from hangtag.errors import BenchmarkError
from hangtag.preprocess import Image, Preprocessor, Tensor
from hangtag_benchmarks.engines.base import Engine, read_model
from hangtag_benchmarks.engines.onnx_file import onnx_file
from hangtag_benchmarks.engines.peer_check import peer_check
from hangtag_benchmarks.measurements import OutputCheck


class OpenCvDnn(Engine):
    """A .tflite as OpenCV reads it: channels first.

    Raises:
        BenchmarkError: OpenCV cannot read or run the model.
    """

    packages: ClassVar[tuple[str, ...]] = (
        "opencv-python",
        "opencv-python-headless",
        "opencv-contrib-python",
        "opencv-contrib-python-headless",
    )
    included: ClassVar[frozenset[str]] = frozenset({"read_output"})
    """A run returns the output."""

    def __init__(self, model_path: str | None, threads: int) -> None:
        cv2.setNumThreads(threads)
        self._model = read_model(model_path)
        self.contract = self._model.contract
        spec = self.contract.input
        self._preprocessor = Preprocessor(spec)
        self._tensor: Tensor = np.zeros(spec.shape, spec.tensor.dtype)
        self._blob = self._blob_of(self._tensor)
        self._output: Tensor = self._tensor
        try:
            self._net = self._read_net()
        except cv2.error as error:
            raise _refusal(error) from None

    def _read_net(self) -> Any:
        return cv2.dnn.readNetFromTFLite(np.frombuffer(self._model.data, np.uint8))

    def _blob_of(self, tensor: Tensor) -> Tensor:
        """Return memory for what OpenCV takes in the place of an input tensor."""
        return np.empty_like(np.moveaxis(tensor, 3, 1), order="C")

    def prepare(self, image_bgr: Image) -> None:
        """Turn a frame into the input tensor, in memory of our own."""
        self._preprocessor.write(image_bgr, self._tensor)

    def write_input(self) -> None:
        """Hand the tensor over, its channels first."""
        np.copyto(self._blob, np.moveaxis(self._tensor, 3, 1))
        self._net.setInput(self._blob)

    def invoke(self) -> None:
        """Run, which also gives the output."""
        try:
            self._output = self._net.forward()
        except cv2.error as error:
            raise _refusal(error) from None

    def read_output(self) -> Tensor:
        """Return what the last run gave."""
        row: Tensor = self._output[0]
        return row

    def check_outputs(self, frames: Sequence[Image]) -> OutputCheck:
        """Compare with the interpreter's scores, or with the golden ones."""
        return peer_check(self, self._model, frames)


class OpenCvOnnx(OpenCvDnn):
    """A converted model, whose input is that of the .tflite."""

    packages: ClassVar[tuple[str, ...]] = (*OpenCvDnn.packages, "tf2onnx")

    def __init__(self, model_path: str | None, threads: int, *, onnx_path: Path) -> None:
        self._onnx_path = onnx_path
        super().__init__(model_path, threads)

    @classmethod
    def made_ready(cls, model_path: str | None, scratch: Path) -> Callable[[str | None, int], Engine]:
        """Convert the model."""
        return partial(cls, onnx_path=onnx_file(model_path, scratch))

    def _read_net(self) -> Any:
        return cv2.dnn.readNetFromONNX(str(self._onnx_path))

    def _blob_of(self, tensor: Tensor) -> Tensor:
        return tensor

    def write_input(self) -> None:
        """Hand the tensor over."""
        self._net.setInput(self._blob)


def _refusal(error: cv2.error) -> BenchmarkError:
    """Return one line for what OpenCV raised: most often that it knows no such operation of integers."""
    said = " ".join(str(getattr(error, "err", None) or error).split())
    # Of an importer's message, which quotes others, the first is enough.
    said = said.removeprefix("> ").partition(" parse error: ")[0]
    return BenchmarkError(
        f"OpenCV {cv2.__version__} cannot run the model ({said}); it takes models of floats: float32, float16"
    )
