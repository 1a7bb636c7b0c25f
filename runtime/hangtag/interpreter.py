"""The only place that imports a TFLite interpreter.

The engine is chosen by name and never replaced by another one: ``litert`` (the package ``ai-edge-litert``,
part of the light install) or ``tflite-runtime`` (its predecessor, for Python up to 3.11 with NumPy 1).
"""

from __future__ import annotations

import importlib
from typing import Any

from hangtag.engines import check_engine, refusal
from hangtag.errors import ModelFileError
from hangtag.native_output import without_lines
from hangtag.preprocess import Tensor

ENGINES = {"litert": "ai_edge_litert.interpreter", "tflite-runtime": "tflite_runtime.interpreter"}
"""Engine name -> the module that provides it."""

DEFAULT_ENGINE = "litert"

_GREETING = b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU."


class Interpreter:
    """One loaded model with one input tensor and one output or two, on the CPU.

    Not thread-safe: one call at a time.

    Args:
        model: the file's bytes, already checked by :mod:`hangtag.model_file`.
        threads: CPU threads that one invocation may use.
        engine: a key of :data:`ENGINES`.
        delegate: False leaves out XNNPACK, which else computes what it can; for comparison.

    Raises:
        ValueError: no such engine, or fewer than one thread.
        ModuleNotFoundError: the engine's package is not installed.
        HangtagError: the engine cannot work with the NumPy that is installed.
        ModelFileError: it refuses the model.
    """

    def __init__(
        self, model: bytes, *, threads: int = 1, engine: str = DEFAULT_ENGINE, delegate: bool = True
    ) -> None:
        if engine not in ENGINES:
            raise ValueError(f"engine is {engine!r}; wanted one of {', '.join(ENGINES)}")
        if threads < 1:
            raise ValueError(f"threads is {threads}; wanted 1 or more")
        options = {} if delegate else _without_delegates(engine)
        self._native: Any = _opened(engine, model_content=model, num_threads=threads, **options)
        self._input_index = self._native.get_input_details()[0]["index"]
        self._output_indices = [output["index"] for output in self._native.get_output_details()]
        self._input_view = self._native.tensor(self._input_index)

    def input_view(self) -> Tensor:
        """Return the input tensor's own memory to write into, batch first.

        Drop it before :meth:`invoke`: the engine refuses to run while a view of its memory is alive.
        """
        view: Tensor = self._input_view()
        return view

    @property
    def outputs(self) -> int:
        """How many outputs there are: one or two."""
        return len(self._output_indices)

    def invoke(self) -> None:
        """Run the model on what stands in the input tensor.

        Raises:
            ModelFileError: the engine cannot run the model.
        """
        _invoke(self._native)

    def output(self, number: int = 0) -> Tensor:
        """Return a copy of an output tensor, without the batch dimension.

        Args:
            number: which output; there is a second one where :mod:`hangtag.logits_output` made it.

        Raises:
            ModelFileError: the engine computed something else than one row.
        """
        values: Tensor = self._native.get_tensor(self._output_indices[number])
        if values.ndim != 2 or len(values) != 1:
            raise ModelFileError(f"the engine computes scores of shape {values.shape}; wanted one row")
        row: Tensor = values[0]
        return row


class TensorTap:
    """A loaded model that shows everything it computes on the way: slow, for looking into models.

    It runs on LiteRT's plain kernels and keeps every tensor; XNNPACK would hide most of them, and tensors
    that share memory would show what overwrote them. Not thread-safe.

    Args:
        model: the file's bytes, already checked by :mod:`hangtag.model_file`.
        threads: CPU threads that one run may use.

    Raises:
        ModelFileError: the engine refuses the model.
    """

    def __init__(self, model: bytes, *, threads: int = 1) -> None:
        self._native: Any = _opened(
            DEFAULT_ENGINE,
            model_content=model,
            num_threads=threads,
            experimental_preserve_all_tensors=True,
            **_without_delegates(DEFAULT_ENGINE),
        )
        self._input_index = self._native.get_input_details()[0]["index"]

    def run(self, tensor: Tensor) -> None:
        """Run the model on an input tensor, batch first, in the input's shape and dtype.

        Raises:
            ModelFileError: the engine cannot run the model.
        """
        self._native.set_tensor(self._input_index, tensor)
        _invoke(self._native)

    def tensor(self, index: int) -> Tensor:
        """Return a copy of what one tensor of the main graph holds after :meth:`run`."""
        values: Tensor = self._native.get_tensor(index)
        return values


def _without_delegates(engine: str) -> dict[str, Any]:
    """Return the option that leaves all operations to an engine's own kernels."""
    kernels = importlib.import_module(ENGINES[engine]).OpResolverType
    return {"experimental_op_resolver_type": kernels.BUILTIN_WITHOUT_DEFAULT_DELEGATES}


def _opened(engine: str, **options: Any) -> Any:
    """Return a native interpreter with its tensors allocated.

    Raises:
        ModelFileError: the engine refuses the model.
        HangtagError: the engine cannot work with the NumPy that is installed.
    """
    check_engine(engine)
    module = importlib.import_module(ENGINES[engine])
    try:
        with without_lines(_GREETING):
            native = module.Interpreter(**options)
            native.allocate_tensors()
    except (RuntimeError, ValueError) as error:
        raise ModelFileError(refusal(engine, error)) from None
    return native


def _invoke(native: Any) -> None:
    try:
        native.invoke()
    except RuntimeError as error:
        raise ModelFileError(f"the engine cannot run the model: {' '.join(str(error).split())}") from None
