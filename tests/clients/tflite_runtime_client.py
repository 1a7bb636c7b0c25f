"""A tflite-runtime interpreter that answers tensors: ``python tflite_runtime_client.py MODEL``.

It knows nothing of Hangtag. A request is the input tensor, batch first; an answer holds the ``output`` tensor
without its batch dimension, as the model gives it. See ``array_stream.py``.
"""

from __future__ import annotations

import sys
from typing import Any

from array_stream import Answerer, Array, serve
from tflite_runtime import __version__
from tflite_runtime.interpreter import Interpreter


def load(model: str) -> tuple[dict[str, Any], Answerer]:
    """Open a model file and return the function that runs it."""
    interpreter = Interpreter(model_path=model, num_threads=1)
    interpreter.allocate_tensors()
    (taken,), (given,) = interpreter.get_input_details(), interpreter.get_output_details()

    def run(tensor: Array, fields: dict[str, Any]) -> dict[str, Any]:
        del fields
        interpreter.set_tensor(taken["index"], tensor)
        interpreter.invoke()
        return {"output": interpreter.get_tensor(given["index"])[0].tolist()}

    return {"version": __version__}, run


if __name__ == "__main__":
    serve(lambda: load(*sys.argv[1:]))
