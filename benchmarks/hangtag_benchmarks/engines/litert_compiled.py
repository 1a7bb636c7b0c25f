"""LiteRT's compiled model: on the CPU, and on the GPU alone by WebGPU.

The library can take the whole process down with it, so this runs in a child process only. Which adapter it
chose stands in its log and nowhere else (:mod:`hangtag_benchmarks.engines.adapter`).
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from hangtag.errors import BenchmarkError
from hangtag.preprocess import Image, Preprocessor, Tensor
from hangtag_benchmarks.engines.base import Engine, check_images, compared, read_model
from hangtag_benchmarks.engines.litert_cpu import LiteRtCpu
from hangtag_benchmarks.measurements import OutputCheck

SCORE_TOLERANCE = 0.05
"""How far a score may be from the interpreter's.

A GPU takes 16-bit floats where it can, and computes the layers of an integer model in floats. That moves
scores by a few hundredths; a broken driver is further off.
"""


class LiteRtCompiled(Engine):
    """A model on the CPU, as LiteRT's own ``litert-benchmark`` runs it.

    Raises:
        BenchmarkError: the installed LiteRT has no such interface, or refuses the model.
    """

    accelerator: ClassVar[str] = "CPU"

    def __init__(self, model_path: str | None, threads: int) -> None:
        self._model_path = model_path
        self._model = read_model(model_path)
        self.contract = self._model.contract
        spec = self.contract.input
        self._preprocessor = Preprocessor(spec)
        self._tensor: Tensor = np.zeros(spec.shape, spec.tensor.dtype)
        self._compiled = self._compile(threads)
        self._inputs: Any = self._compiled.create_input_buffers(0)
        self._outputs: Any = self._compiled.create_output_buffers(0)

    @classmethod
    def import_engine(cls) -> None:
        """Import the library.

        Raises:
            BenchmarkError: this version has no compiled model.
        """
        try:
            importlib.import_module("ai_edge_litert.compiled_model")
            importlib.import_module("ai_edge_litert.options")
        except ImportError as error:
            raise BenchmarkError(
                f"the installed ai-edge-litert has no compiled models ({error}); install 2.3 or newer"
            ) from None

    def _compile(self, threads: int) -> Any:
        from ai_edge_litert.compiled_model import CompiledModel
        from ai_edge_litert.hardware_accelerator import HardwareAccelerator
        from ai_edge_litert.options import CpuOptions, Options

        # One accelerator alone: together with CPU, a missing one would silently leave the work to it.
        options = Options(
            hardware_accelerators=getattr(HardwareAccelerator, self.accelerator),
            cpu_options=CpuOptions(num_threads=threads) if self.accelerator == "CPU" else None,
        )
        try:
            return CompiledModel.from_buffer(self._model.data, options=options)
        except (RuntimeError, ValueError) as error:
            # Before its last reason stand places in LiteRT's own source, one for each caller.
            reason = str(error).rpartition("└")[2].strip()
            raise BenchmarkError(f"LiteRT cannot put the model on the {self.accelerator}: {reason}") from None

    def prepare(self, image_bgr: Image) -> None:
        """Turn a frame into the input tensor, in memory of our own."""
        self._preprocessor.write(image_bgr, self._tensor)

    def write_input(self) -> None:
        """Copy the tensor into the input buffer."""
        self._inputs[0].write(self._tensor)

    def invoke(self) -> None:
        """Run."""
        self._compiled.run_by_index(0, self._inputs, self._outputs)

    def read_output(self) -> Tensor:
        """Copy the output buffer."""
        tensor = self.contract.output.tensor
        output: Tensor = self._outputs[0].read(self.contract.output_units, np.dtype(tensor.dtype).type)
        return output

    def check_outputs(self, frames: Sequence[Image]) -> OutputCheck:
        """Compare with the interpreter's scores on the golden frames and on ``frames``."""
        interpreter = LiteRtCpu(self._model_path, 1)
        images = check_images(self._model, frames)
        pairs = [(self.scores(image), interpreter.scores(image)) for image in images]
        return compared("the CPU's scores", pairs, SCORE_TOLERANCE)


class LiteRtGpu(LiteRtCompiled):
    """A model on the GPU, never helped out by the CPU.

    Runs are asynchronous: a clock around the run alone would measure how fast work is queued. So an
    invocation sends the tensor, runs, and waits for the output.
    """

    accelerator: ClassVar[str] = "GPU"
    included: ClassVar[frozenset[str]] = frozenset({"write_input", "read_output"})

    def __init__(self, model_path: str | None, threads: int) -> None:
        super().__init__(model_path, threads)
        if not self._compiled.is_fully_accelerated():
            raise BenchmarkError("some operations of the model do not run on the GPU")
        self._output: Tensor = self._tensor

    def write_input(self) -> None:
        """Nothing yet: the tensor is sent with the invocation."""

    def invoke(self) -> None:
        """Send the tensor, run, and wait for the output."""
        super().write_input()
        super().invoke()
        self._output = super().read_output()

    def read_output(self) -> Tensor:
        """Return what the last invocation waited for."""
        return self._output
