"""The only place that imports a TFLite interpreter.

The engine is chosen by name and never replaced by another one: ``litert`` (the package ``ai-edge-litert``,
part of the light install) or ``tflite-runtime`` (its predecessor, for Python up to 3.11 with NumPy 1).
"""

from __future__ import annotations

import importlib
from typing import Any

from hangtag.errors import ModelFileError
from hangtag.native_output import without_lines
from hangtag.preprocess import Tensor

ENGINES = {"litert": "ai_edge_litert.interpreter", "tflite-runtime": "tflite_runtime.interpreter"}
"""Engine name -> the module that provides it."""

DEFAULT_ENGINE = "litert"

_GREETING = b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU."


class Interpreter:
    """One loaded model with one input and one output tensor, on the CPU.

    Not thread-safe: one call at a time.

    Args:
        model: the file's bytes, already checked by :mod:`hangtag.model_file`.
        threads: CPU threads that one invocation may use.
        engine: a key of :data:`ENGINES`.

    Raises:
        ValueError: no such engine, or fewer than one thread.
        ModuleNotFoundError: the engine's package is not installed.
        ModelFileError: the engine refuses the model.
    """

    def __init__(self, model: bytes, *, threads: int = 1, engine: str = DEFAULT_ENGINE) -> None:
        if engine not in ENGINES:
            raise ValueError(f"engine is {engine!r}; wanted one of {', '.join(ENGINES)}")
        if threads < 1:
            raise ValueError(f"threads is {threads}; wanted 1 or more")
        module = importlib.import_module(ENGINES[engine])
        try:
            with without_lines(_GREETING):
                self._native: Any = module.Interpreter(model_content=model, num_threads=threads)
                self._native.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            # The native message can have several lines; ours have one.
            raise ModelFileError(
                f"the engine {engine} refuses the model: {' '.join(str(error).split())}"
            ) from None
        self._input_index = self._native.get_input_details()[0]["index"]
        self._output_index = self._native.get_output_details()[0]["index"]
        self._input_view = self._native.tensor(self._input_index)

    def input_view(self) -> Tensor:
        """Return the input tensor's own memory to write into, batch first.

        Drop it before :meth:`invoke`: the engine refuses to run while a view of its memory is alive.
        """
        view: Tensor = self._input_view()
        return view

    def invoke(self) -> None:
        """Run the model on what stands in the input tensor.

        Raises:
            ModelFileError: the engine cannot run the model.
        """
        try:
            self._native.invoke()
        except RuntimeError as error:
            raise ModelFileError(f"the engine cannot run the model: {' '.join(str(error).split())}") from None

    def output(self) -> Tensor:
        """Return a copy of the output tensor, without the batch dimension."""
        row: Tensor = self._native.get_tensor(self._output_index)[0]
        return row
