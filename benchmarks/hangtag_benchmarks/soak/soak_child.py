"""Runs a model for minutes without a pause: ``python -m hangtag_benchmarks.soak.soak_child``.

It answers each line of JSON on standard input: the job first, then how long to go on.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from hangtag.device import version_of
from hangtag.errors import HangtagError
from hangtag.photos import read_photo
from hangtag_benchmarks.engines.base import Engine
from hangtag_benchmarks.plans import BlockPlan, Job
from hangtag_benchmarks.protocol import heart, no_garbage_collection, repeated, warm_up
from hangtag_benchmarks.worker import imported, keep_stdout_for_the_answer, made_ready, read_frames


def main() -> None:
    """Answer requests until there are no more."""
    with os.fdopen(keep_stdout_for_the_answer(), "w", encoding="utf-8") as answers:

        def answer(values: dict[str, Any]) -> None:
            json.dump(values, answers)
            answers.write("\n")
            answers.flush()

        answer({})
        try:
            _serve(answer)
        except HangtagError as error:
            answer({"error": str(error)})


def _serve(answer: Any) -> None:
    values = json.loads(sys.stdin.readline())
    job = Job(**{**values, "plan": BlockPlan(**values["plan"])})
    engine = made_ready(imported(job), job)(job.model_path, job.threads)
    frames = read_frames(Path(job.frames_path))
    # Before the first minute: there is nothing to learn from hours of wrong answers.
    check = engine.check_outputs([*frames, *map(read_photo, map(Path, job.check_paths))])
    with no_garbage_collection():
        warm_up(engine, frames, job.plan or BlockPlan(), time.perf_counter_ns)
        action = heart(engine, frames)
        answer(
            {
                "check": dataclasses.asdict(check),
                "kind": "invoke" if engine.has_stages else "end_to_end",
                "versions": _versions(engine),
            }
        )
        for line in sys.stdin:
            wanted = json.loads(line)
            started_s = time.process_time()
            slices = [
                repeated(action, wanted["slice_s"], 1, time.perf_counter_ns) for _ in range(wanted["slices"])
            ]
            answer({"slices_ms": slices, "cpu_s": time.process_time() - started_s})


def _versions(engine: Engine) -> dict[str, str]:
    found = {package: version_of(package) for package in engine.packages}
    return {name: version for name, version in found.items() if version is not None}


if __name__ == "__main__":
    main()
