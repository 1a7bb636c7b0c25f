"""One block in a process of its own: ``python -m hangtag_benchmarks.worker < job.json``.

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
    from collections.abc import Callable, Sequence

    from hangtag.preprocess import Image
    from hangtag_benchmarks.engines.base import Engine
    from hangtag_benchmarks.measurements import Measurement
    from hangtag_benchmarks.plans import Job


def main() -> None:
    """Do the job on standard input and answer on standard output, in JSON."""
    answer_to = keep_stdout_for_the_answer()
    values = json.load(sys.stdin)
    from hangtag.errors import HangtagError

    answer: dict[str, Any]
    try:
        answer = _done(values)
    except HangtagError as error:
        answer = {"error": str(error)}
    with os.fdopen(answer_to, "w", encoding="utf-8") as stream:
        json.dump(answer, stream)


def keep_stdout_for_the_answer() -> int:
    """Send everything else that is printed, by native libraries too, to standard error."""
    answer_to = os.dup(1)
    os.dup2(2, 1)
    return answer_to


def _done(values: dict[str, Any]) -> dict[str, Any]:
    from hangtag_benchmarks.plans import BlockPlan, Job

    plan = values.pop("plan")
    job = Job(**values, plan=None if plan is None else BlockPlan(**plan))
    if job.photos is not None:
        from hangtag_benchmarks.accuracy import score

        engine = made_ready(imported(job), job)(job.model_path, job.threads)
        return {"accuracy": dataclasses.asdict(score(engine, job.photos))}
    measured = _measured(job)
    return {"measurement": None if measured is None else dataclasses.asdict(measured)}


def _measured(job: Job) -> Measurement | None:
    start_ns = time.perf_counter_ns()
    engine_class = imported(job)
    import_ms = (time.perf_counter_ns() - start_ns) / 1e6
    from hangtag.device import version_of
    from hangtag.photos import read_photo
    from hangtag_benchmarks.machine.busy_threads import BusyThreads
    from hangtag_benchmarks.machine.energy import RaplMeter, rail_joules
    from hangtag_benchmarks.machine.memory import peak_memory_mb, resident_mb
    from hangtag_benchmarks.measurements import Measurement, Timings
    from hangtag_benchmarks.protocol import (
        measure_invoke,
        measure_pipeline,
        no_garbage_collection,
        timed_ms,
        warm_up,
    )

    clock = time.perf_counter_ns
    frames = read_frames(Path(job.frames_path))
    opened = made_ready(engine_class, job)
    imports_memory_mb = peak_memory_mb()
    start_ns = clock()
    engine = opened(job.model_path, job.threads)
    load_ms = (clock() - start_ns) / 1e6
    if job.plan is None:
        return None
    first_run_ms = None
    if engine.has_stages:
        engine.prepare(frames[0])
        engine.write_input()
        first_run_ms = timed_ms(engine.invoke, clock)
    with no_garbage_collection():
        warmup_runs = warm_up(engine, frames, job.plan, clock)
        busy = BusyThreads()
        meter = RaplMeter()
        invoke_ms = measure_invoke(engine, frames, job.plan, clock)
        energy_j = meter.joules()
        if energy_j is None:
            energy_j = rail_joules(engine.invoke, invoke_ms)
        end_to_end_ms, stages_ms = measure_pipeline(engine, frames, job.plan, clock)
    busy_threads = busy.count()
    # Before the outputs are checked: that reads pictures and may open a second interpreter.
    steady_mb, peak_mb = resident_mb(), peak_memory_mb()
    versions = {package: version_of(package) for package in engine.packages}
    return Measurement(
        import_ms=import_ms,
        load_ms=load_ms,
        first_run_ms=first_run_ms,
        warmup_runs=warmup_runs,
        timings=Timings(invoke_ms, end_to_end_ms, stages_ms),
        imports_memory_mb=imports_memory_mb,
        peak_memory_mb=peak_mb,
        steady_memory_mb=steady_mb,
        energy_j=energy_j,
        check=engine.check_outputs([*frames, *map(read_photo, map(Path, job.check_paths))]),
        versions={name: version for name, version in versions.items() if version is not None},
        busy_threads=busy_threads,
    )


def imported(job: Job) -> type[Engine]:
    """Import what an engine needs and return its class, which opens a model file."""
    from hangtag_benchmarks.engines.registry import KINDS

    module, _, name = KINDS[job.engine].where.partition(":")
    found: type[Engine] = getattr(importlib.import_module(module), name)
    found.import_engine()
    return found


def made_ready(engine_class: type[Engine], job: Job) -> Callable[[str | None, int], Engine]:
    """Do what an engine does once for a run; return what opens the model."""
    return engine_class.made_ready(job.model_path, Path(job.frames_path).parent)


def read_frames(path: Path) -> Sequence[Image]:
    """Return the frames of a .npy file."""
    import numpy as np

    return list(np.load(path, allow_pickle=False))


if __name__ == "__main__":
    main()
