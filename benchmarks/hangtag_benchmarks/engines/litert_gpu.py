"""LiteRT's compiled model on the GPU alone, by WebGPU.

The library can take the whole process down with it, so this runs in a child process only. Which adapter it
chose stands in its log and nowhere else (:mod:`hangtag_benchmarks.adapter`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hangtag.classifier import Scores, to_scores
from hangtag.errors import BenchmarkError
from hangtag.interpreter import Interpreter
from hangtag.model_file import ModelFile
from hangtag.preprocess import Image, Preprocessor, Tensor
from hangtag_benchmarks.records import OutputCheck

SCORE_TOLERANCE = 0.05
"""How far a score may be from the CPU's.

A GPU takes 16-bit floats where it can, and computes the layers of an integer model in floats. That moves
scores by a few hundredths; a broken driver is further off.
"""


class LiteRtGpu:
    """A model on the GPU, never helped out by the CPU.

    Raises:
        BenchmarkError: the installed LiteRT has no such interface, or refuses the model.
    """

    def __init__(self, model: ModelFile) -> None:
        self._model = model
        spec = model.contract.input
        self._preprocessor = Preprocessor(spec)
        self._tensor: Tensor = np.zeros(spec.shape, spec.tensor.dtype)
        self._compiled: Any = _compile(model.data)
        self._inputs: Any = self._compiled.create_input_buffers(0)
        self._outputs: Any = self._compiled.create_output_buffers(0)
        self._output: Tensor = self._tensor

    def prepare(self, image_bgr: Image) -> None:
        """Turn a frame into the input tensor, in the CPU's memory."""
        self._preprocessor.write(image_bgr, self._tensor)

    def invoke(self) -> None:
        """Send the tensor, run, and wait for the output.

        Runs are asynchronous: a clock around the run alone would measure how fast work is queued.
        """
        contract = self._model.contract
        self._inputs[0].write(self._tensor)
        self._compiled.run_by_index(0, self._inputs, self._outputs)
        self._output = self._outputs[0].read(
            contract.output_units, np.dtype(contract.output.tensor.dtype).type
        )

    def classify(self, image_bgr: Image) -> str:
        """Return a frame's best label."""
        return self._model.contract.labels[int(self._scores(image_bgr).argmax())]

    def check_outputs(self, frames: Sequence[Image]) -> OutputCheck:
        """Compare with the CPU's scores on the golden frames, or on ``frames`` where the model has none."""
        golden = self._model.golden
        images = [case.image() for case in golden.cases] if golden else list(frames)
        interpreter = Interpreter(self._model.data)
        differences = [
            float(np.abs(self._scores(image) - self._cpu_scores(interpreter, image)).max())
            for image in images
        ]
        # A score that is not a number must not pass by comparing false.
        differences = [value if np.isfinite(value) else float("inf") for value in differences]
        return OutputCheck(
            against="the CPU's scores",
            cases=len(differences),
            failed_cases=sum(value > SCORE_TOLERANCE for value in differences),
            worst_difference=max(differences),
            tolerance=SCORE_TOLERANCE,
        )

    def _scores(self, image_bgr: Image) -> Scores:
        self.prepare(image_bgr)
        self.invoke()
        return to_scores(self._output, self._model.contract.output)

    def _cpu_scores(self, interpreter: Interpreter, image_bgr: Image) -> Scores:
        self._preprocessor.write(image_bgr, interpreter.input_view())
        interpreter.invoke()
        return to_scores(interpreter.output(), self._model.contract.output)


def _compile(model: bytes) -> Any:
    try:
        from ai_edge_litert.compiled_model import CompiledModel
        from ai_edge_litert.hardware_accelerator import HardwareAccelerator
    except ImportError as error:
        raise BenchmarkError(f"the installed ai-edge-litert cannot use a GPU ({error})") from None
    try:
        # GPU alone: together with CPU, a missing accelerator would silently leave the work to the CPU.
        return CompiledModel.from_buffer(model, HardwareAccelerator.GPU)
    except (RuntimeError, ValueError) as error:
        raise BenchmarkError(f"LiteRT cannot put the model on a GPU: {error}") from None
