"""One measurement in a process of its own: ``python -m hangtag_benchmarks.worker < job.json``.

A fresh process loads honestly, starts its peak memory at nothing and is warmed by no other model; and a
native library that crashes takes only this process with it.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hangtag.model_file import ModelFile
    from hangtag.preprocess import Image
    from hangtag_benchmarks.engines.base import Engine
    from hangtag_benchmarks.records import Job


def main() -> None:
    """Do the job on standard input and answer on standard output, in JSON."""
    answer_to = _keep_stdout_for_the_answer()
    job = json.load(sys.stdin)
    from hangtag.errors import HangtagError

    answer: dict[str, Any]
    try:
        answer = {"measurement": _run(job)}
    except HangtagError as error:
        answer = {"error": str(error)}
    with os.fdopen(answer_to, "w", encoding="utf-8") as stream:
        json.dump(answer, stream)


def _keep_stdout_for_the_answer() -> int:
    """Send everything else that is printed, by native libraries too, to standard error."""
    answer_to = os.dup(1)
    os.dup2(2, 1)
    return answer_to


def _run(values: dict[str, Any]) -> dict[str, Any] | None:
    import_ms = _import_ms(values["device"])
    from hangtag_benchmarks.memory import peak_memory_mb
    from hangtag_benchmarks.protocol import measure_rounds, timed_ms
    from hangtag_benchmarks.records import Job, Measurement

    job = Job(**values)
    frames = _read_frames(Path(job.frames_path))
    imports_memory_mb = peak_memory_mb()
    start_ns = time.perf_counter_ns()
    engine = _open(job)
    load_ms = (time.perf_counter_ns() - start_ns) / 1e6
    if job.rounds == 0:
        return None
    engine.prepare(frames[0])
    first_run_ms = timed_ms(engine.invoke, time.perf_counter_ns)
    timings = measure_rounds(
        engine, frames, rounds=job.rounds, warmup_rounds=job.warmup_rounds, clock=time.perf_counter_ns
    )
    # Before the outputs are checked: that reads pictures and may open a second interpreter.
    peak_mb = peak_memory_mb()
    check = engine.check_outputs(frames)
    return dataclasses.asdict(
        Measurement(import_ms, load_ms, first_run_ms, timings, imports_memory_mb, peak_mb, check)
    )


def _import_ms(device: str) -> float:
    """Import what the device needs and return how long that took."""
    start_ns = time.perf_counter_ns()
    from hangtag_benchmarks.records import GPU

    importlib.import_module(f"hangtag_benchmarks.engines.litert_{device}")
    if device != GPU:
        from hangtag.interpreter import DEFAULT_ENGINE, ENGINES

        importlib.import_module(ENGINES[DEFAULT_ENGINE])
    return (time.perf_counter_ns() - start_ns) / 1e6


def _read_frames(path: Path) -> Sequence[Image]:
    import numpy as np

    return list(np.load(path, allow_pickle=False))


def _open(job: Job) -> Engine:
    """Read the file, check it and open the engine: what "load" means."""
    from hangtag_benchmarks.records import GPU

    model = _read_model(job)
    if job.device == GPU:
        from hangtag_benchmarks.engines.litert_gpu import LiteRtGpu

        return LiteRtGpu(model)
    from hangtag_benchmarks.engines.litert_cpu import LiteRtCpu

    return LiteRtCpu(model, threads=job.threads)


def _read_model(job: Job) -> ModelFile:
    from hangtag.classifier import bundled_model
    from hangtag.model_file import read_model_file

    return bundled_model() if job.model_path is None else read_model_file(Path(job.model_path))


if __name__ == "__main__":
    main()
