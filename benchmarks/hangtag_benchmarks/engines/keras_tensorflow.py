"""A training run's Keras model in TensorFlow, before conversion: on the CPU, and on a GPU by CUDA.

Both run one graph (``tf.function``) that is traced once for a batch of one, without XLA: what a careful user
of TensorFlow does. ``model.predict`` would time its own bookkeeping, some ten milliseconds a call.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from hangtag.classifier import Scores, to_scores
from hangtag.errors import BenchmarkError
from hangtag.preprocess import Image, Preprocessor, Tensor
from hangtag_benchmarks.engines.adapter import announcement
from hangtag_benchmarks.engines.base import Engine, compared
from hangtag_benchmarks.engines.keras_run import read_keras_run
from hangtag_benchmarks.measurements import OutputCheck


class KerasCpu(Engine):
    """A Keras model on the CPU alone, whatever else TensorFlow finds.

    An invocation is the graph from a tensor in TensorFlow's memory to another; it has ended when it returns.
    The threads are those that work on one operation; operations run one after another.

    Raises:
        BenchmarkError: the file is no training run's, or Keras refuses it.
    """

    packages: ClassVar[tuple[str, ...]] = ("tensorflow", "keras")
    where: ClassVar[str] = "/CPU:0"
    reference: ClassVar[str] = "the same network on the CPU, layer by layer"
    tolerance: ClassVar[float] = 0.001
    """How far scores may be from the reference's: a graph may add in another order, and no more."""

    def __init__(self, model_path: str | None, threads: int) -> None:
        if model_path is None:
            raise BenchmarkError("the bundled model is no Keras model; give the folder of a training run")
        self._run = read_keras_run(Path(model_path))
        self.contract = self._run.contract
        self._preprocessor = Preprocessor(self.contract.input)
        spec = self.contract.input
        self._tensor: Tensor = np.zeros(spec.shape, np.float32)
        self._tf = _tensorflow()
        self._choose_devices(threads)
        with self._tf.device(self.where):
            self._graph = self._traced(self._load())
            self._input: Any = self._tf.constant(self._tensor)
        self._output: Any = self._first_run()

    @classmethod
    def import_engine(cls) -> None:
        """Import TensorFlow and Keras."""
        _tensorflow()

    def _choose_devices(self, threads: int) -> None:
        config = self._tf.config
        config.set_visible_devices([], "GPU")
        config.threading.set_intra_op_parallelism_threads(threads)
        config.threading.set_inter_op_parallelism_threads(1)

    def _load(self) -> Any:
        """Load the network, which may hold no code that would be executed."""
        import keras

        try:
            return keras.models.load_model(self._run.model, compile=False, safe_mode=True)
        except Exception as error:  # noqa: BLE001 - a damaged file raises anything
            raise BenchmarkError(f"{self._run.model} cannot be loaded as a Keras model: {error}") from None

    def _traced(self, network: Any) -> Any:
        tf = self._tf
        signature = [tf.TensorSpec(self.contract.input.shape, tf.float32)]
        graph = tf.function(lambda image: network(image, training=False), input_signature=signature)
        return graph.get_concrete_function()

    def _first_run(self) -> Any:
        try:
            return self._graph(self._input)
        except self._tf.errors.OpError as error:
            raise BenchmarkError(f"TensorFlow cannot run the model on {self.where[1:]}: {error}") from None

    def prepare(self, image_bgr: Image) -> None:
        """Turn a frame into the input tensor, in memory of our own."""
        self._preprocessor.write(image_bgr, self._tensor)

    def write_input(self) -> None:
        """Hand the tensor to TensorFlow."""
        self._input = self._tf.constant(self._tensor)

    def invoke(self) -> None:
        """Run the graph."""
        self._output = self._graph(self._input)

    def read_output(self) -> Tensor:
        """Copy the output out of TensorFlow."""
        output: Tensor = self._output.numpy()[0]
        return output

    def check_outputs(self, frames: Sequence[Image]) -> OutputCheck:
        """Compare with the network on the CPU, one layer after another, without a graph."""
        with self._tf.device("/CPU:0"):
            network = self._load()
            pairs = [(self.scores(image), self._layer_by_layer(network)) for image in frames]
        return compared(self.reference, pairs, self.tolerance)

    def _layer_by_layer(self, network: Any) -> Scores:
        """Return the scores of what was prepared last."""
        output = network(self._tf.constant(self._tensor), training=False).numpy()
        return to_scores(output[0], self.contract.output)


class KerasGpu(KerasCpu):
    """A Keras model on the first GPU, by CUDA, and not an operation of it elsewhere.

    TensorFlow hands work to a GPU and goes on. So an invocation sends the tensor, runs, and waits for the
    output in the CPU's memory. TensorFlow lets the matrix units of newer GPUs round to ten bits (TF32), which
    is part of what is measured.

    Raises:
        BenchmarkError: TensorFlow sees no GPU, or an operation does not run on it.
    """

    included: ClassVar[frozenset[str]] = frozenset({"write_input", "read_output"})
    where: ClassVar[str] = "/GPU:0"
    tolerance: ClassVar[float] = 0.02

    def __init__(self, model_path: str | None, threads: int) -> None:
        super().__init__(model_path, threads)
        placed = str(self._output.backing_device)
        if not placed.upper().endswith(self.where.replace("/", "DEVICE:")):
            raise BenchmarkError(f"TensorFlow put the model on {placed} and not on the GPU")
        self._on_host: Tensor = self._output.numpy()
        # The parent reads which adapter an engine used in the log, as with LiteRT.
        print(announcement(self._gpu_name(), "Discrete GPU"), file=sys.stderr, flush=True)

    def _choose_devices(self, threads: int) -> None:
        del threads
        config = self._tf.config
        if not config.list_physical_devices("GPU"):
            cause = (
                "no CUDA device with a driver is there, or a CUDA library is missing"
                if self._tf.test.is_built_with_cuda()
                else "it is built without CUDA"
            )
            raise BenchmarkError(
                f"TensorFlow sees no GPU ({cause}); it takes an NVIDIA GPU with its driver and "
                'pip install "tensorflow[and-cuda]"'
            )
        # Where the GPU cannot run an operation, TensorFlow shall say so and not take the CPU.
        config.set_soft_device_placement(False)

    def _gpu_name(self) -> str:
        experimental = self._tf.config.experimental
        details = experimental.get_device_details(self._tf.config.list_physical_devices("GPU")[0])
        return str(details.get("device_name", "a GPU without a name"))

    def write_input(self) -> None:
        """Nothing yet: the tensor is sent with the invocation."""

    def invoke(self) -> None:
        """Send the tensor, run, and wait for the output."""
        with self._tf.device(self.where):
            self._output = self._graph(self._tf.constant(self._tensor))
        self._on_host = self._output.numpy()

    def read_output(self) -> Tensor:
        """Return what the last invocation waited for."""
        output: Tensor = self._on_host[0]
        return output


def _tensorflow() -> Any:
    """Import TensorFlow, which else writes a page of hints to standard error."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf

    return tf
