"""A loop over LiteRT's own ``invoke`` and nothing else: what the benchmark's figures are held against.

``python -m hangtag_benchmarks.checks.bare_loop MODEL THREADS SECONDS`` prints what a run took on average, in
milliseconds, for each :data:`CALLS` runs. Of Hangtag nothing is imported.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from pathlib import Path
from typing import Any

CALLS = 10
"""Runs between two looks at the clock."""

WARMUP_S = 0.5


def open_bare(data: bytes, threads: int) -> Any:
    """Open a model in LiteRT's interpreter, with zeros as its input."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=data, num_threads=threads)
    interpreter.allocate_tensors()
    for details in interpreter.get_input_details():
        interpreter.set_tensor(details["index"], interpreter.get_tensor(details["index"]) * 0)
    return interpreter


def bare_ms(invoke: Any, calls: int = CALLS) -> float:
    """Return what one of so many runs took, with a clock around them all."""
    start_ns = time.perf_counter_ns()
    for _ in range(calls):
        invoke()
    return (time.perf_counter_ns() - start_ns) / 1e6 / calls


def main(model: str, threads: int, seconds: float) -> None:
    """Loop, and print."""
    invoke = open_bare(Path(model).read_bytes(), threads).invoke
    gc.collect()
    gc.disable()
    _for(WARMUP_S, invoke)
    json.dump(_for(seconds, invoke), sys.stdout)


def _for(seconds: float, invoke: Any) -> list[float]:
    until_s = time.perf_counter() + seconds
    means = []
    while time.perf_counter() < until_s:
        means.append(bare_ms(invoke))
    return means


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
