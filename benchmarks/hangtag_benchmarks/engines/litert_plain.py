"""LiteRT's interpreter with its own kernels alone: what XNNPACK is worth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from hangtag.interpreter import Interpreter
from hangtag.preprocess import Image, Preprocessor, Tensor
from hangtag_benchmarks.engines.base import Engine, check_images, compared, read_model
from hangtag_benchmarks.engines.litert_cpu import LiteRtCpu
from hangtag_benchmarks.measurements import OutputCheck

SCORE_TOLERANCE = 0.05
"""How far a score may be from XNNPACK's: integer kernels round in other places, layer after layer."""


class LiteRtPlain(Engine):
    """A model without any delegate."""

    included: ClassVar[frozenset[str]] = frozenset({"write_input"})
    """Frames are prepared in the interpreter's own memory."""

    def __init__(self, model_path: str | None, threads: int) -> None:
        self._model_path, self._model = model_path, read_model(model_path)
        self.contract = self._model.contract
        self._preprocessor = Preprocessor(self.contract.input)
        self._interpreter = Interpreter(self._model.data, threads=threads, delegate=False)
        self.invoke = self._interpreter.invoke  # type: ignore[method-assign]

    @classmethod
    def import_engine(cls) -> None:
        """Import the interpreter."""
        LiteRtCpu.import_engine()

    def prepare(self, image_bgr: Image) -> None:
        """Write a frame straight into the interpreter's input."""
        self._preprocessor.write(image_bgr, self._interpreter.input_view())

    def read_output(self) -> Tensor:
        """Copy the output out of the interpreter."""
        return self._interpreter.output()

    def check_outputs(self, frames: Sequence[Image]) -> OutputCheck:
        """Compare with XNNPACK's scores on the golden frames and on ``frames``."""
        usual = LiteRtCpu(self._model_path, 1)
        images = check_images(self._model, frames)
        pairs = [(self.scores(image), usual.scores(image)) for image in images]
        return compared("XNNPACK's scores", pairs, SCORE_TOLERANCE)
