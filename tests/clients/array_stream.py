"""How arrays reach a client in another process and how its answers come back.

A request is one line of JSON (``dtype``, ``shape`` and what else the client understands) and then the array's
bytes; an answer is one line of JSON. The first answer comes without a request, once the model is loaded.
A client that cannot load or run the model answers ``{"error": …}`` and ends.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import IO, Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Answerer = Callable[[Array, dict[str, Any]], dict[str, Any]]


def write_request(stream: IO[bytes], array: Array, fields: dict[str, Any]) -> None:
    """Send one array with the fields that go with it."""
    head = {**fields, "dtype": array.dtype.name, "shape": array.shape}
    stream.write(json.dumps(head).encode() + b"\n")
    stream.write(array.tobytes())
    stream.flush()


def serve(load: Callable[[], tuple[dict[str, Any], Answerer]]) -> None:
    """Load a model, then answer requests until there are no more.

    Args:
        load: gives the first answer, and the function that answers an array and its fields.
    """
    # Native code may print where it likes: the answers keep the real standard output for themselves.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        first, answer = load()
        print(json.dumps(first), file=answers, flush=True)
        while head := sys.stdin.buffer.readline():
            fields = json.loads(head)
            array = _read_array(sys.stdin.buffer, fields.pop("dtype"), fields.pop("shape"))
            print(json.dumps(answer(array, fields)), file=answers, flush=True)
    except Exception as error:  # noqa: BLE001 - whatever the client's library raises is the answer
        text = " ".join(str(error).split())
        print(json.dumps({"error": f"{type(error).__name__}: {text}"}), file=answers, flush=True)


def _read_array(stream: IO[bytes], dtype: str, shape: list[int]) -> Array:
    wanted = np.dtype(dtype).itemsize * int(np.prod(shape))
    data = stream.read(wanted)
    if len(data) != wanted:
        raise EOFError(f"got {len(data)} bytes of an array; wanted {wanted}")
    return np.frombuffer(data, dtype).reshape(shape)
