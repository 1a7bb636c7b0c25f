"""Stands in for TFLite's ``benchmark_model``, which no package has: same flags, same lines, real runs.

Its lines were written after the program's source (LiteRT's tflite/tools/benchmark and tools/delegates), not
recorded. It runs the model with LiteRT on the CPU whatever delegate it is asked for; ``PRETEND`` names, with
commas, in what way it is to misbehave.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np

KNOWN = {
    *("graph", "input_layer", "input_layer_shape", "input_layer_value_files", "num_threads", "num_runs"),
    *("min_secs", "max_secs", "warmup_runs", "warmup_min_secs", "output_filepath", "use_xnnpack", "use_gpu"),
    *("use_nnapi", "disable_nnapi_cpu", "report_peak_memory_footprint", "memory_footprint_check_interval_ms"),
}
NODES = 64
AS_NODE = {"XNNPACK": "TfLiteXNNPackDelegate", "GPU": "TfLiteGpuDelegateV2", "NNAPI": "TfLiteNnapiDelegate"}


def say(text: str) -> None:
    print(f"INFO: {text}", flush=True)


def summary(values_us: list[int], *, with_percentiles: bool) -> str:
    """Return the line of ``StatWithPercentiles``, whose percentiles are values that occurred."""
    ordered = sorted(values_us)
    first, last = values_us[0], values_us[-1]
    if len(set(values_us)) == 1:
        line = f"count={len(values_us)} curr={last}" + ("(all same)" if len(values_us) > 1 else "")
    else:
        line = (
            f"count={len(values_us)} first={first} curr={last} min={ordered[0]} max={ordered[-1]} "
            f"avg={np.mean(values_us):.6g} std={int(np.std(values_us))}"
        )
    if not with_percentiles:
        return line
    p5, median, p95 = (ordered[len(ordered) * percent // 100] for percent in (5, 50, 95))
    return f"{line} p5={p5} median={median} p95={p95}"


def delegate(flags: dict[str, str], modes: set[str]) -> None:
    name = next((name for name in AS_NODE if flags.get(f"use_{name.lower()}") == "true"), None)
    if name is None:
        return
    if name == "NNAPI":
        say(f"NNAPI accelerators available: [{'' if 'cpu-only' in modes else 'edge-npu,'}nnapi-reference]")
    if "unsupported" in modes and name != "XNNPACK":
        print(f"WARN: {name} acceleration is unsupported on this platform.", flush=True)
        return
    if "refused" in modes and name != "XNNPACK":
        print(f"ERROR: Failed to apply {name} delegate.", file=sys.stderr)
        print("ERROR: Benchmarking failed.", file=sys.stderr, flush=True)
        sys.exit(1)
    if "nothing" in modes:
        say(
            f"Though {name} delegate is explicitly applied, "
            "the model graph will not be executed by the delegate."
        )
        return
    taken = NODES - 5 if "partly" in modes else NODES
    print(
        f"VERBOSE: Replacing {taken} out of {NODES} node(s) with delegate ({AS_NODE[name]}) node, yielding 1"
    )
    if name == "GPU":
        say("Initialized OpenCL-based API.")
    how = "partially" if "partly" in modes else "completely"
    kernels = " w/ 2 delegate kernels" if "partly" in modes else ""
    say(
        f"Explicitly applied {name} delegate, "
        f"and the model graph will be {how} executed by the delegate{kernels}."
    )


def main() -> None:
    modes = set(filter(None, os.environ.get("PRETEND", "").split(",")))
    if "crashes" in modes:
        os.kill(os.getpid(), 11)
    arguments = dict(word.removeprefix("--").split("=", 1) for word in sys.argv[1:])
    known = KNOWN - ({"use_nnapi", "use_gpu"} if "desktop" in modes else set())
    flags = {name: value for name, value in arguments.items() if name in known}
    say("STARTING!")
    strangers = [f"--{name}={value}" for name, value in arguments.items() if name not in known]
    if strangers:
        print(f"WARN: Unconsumed cmdline flags: {' '.join(strangers)}", flush=True)

    from ai_edge_litert.interpreter import Interpreter

    begun = time.perf_counter_ns()
    model = Interpreter(model_path=flags["graph"], num_threads=int(flags.get("num_threads", 1)))
    say(f"Loaded model {flags['graph']}")
    delegate(flags, modes)
    model.allocate_tensors()
    init_us = (time.perf_counter_ns() - begun) // 1000
    taken, given = model.get_input_details()[0], model.get_output_details()[0]
    _, _, file = flags["input_layer_value_files"].partition(":")
    assert flags["input_layer_shape"] == ",".join(map(str, taken["shape"]))
    model.set_tensor(taken["index"], np.fromfile(file, taken["dtype"]).reshape(taken["shape"]))

    def runs(least: int, least_s: float) -> list[int]:
        say(f"Running benchmark for at least {least} iterations and at least {least_s:g} seconds")
        values, until = [], time.perf_counter() + least_s
        while len(values) < least or time.perf_counter() < until:
            start = time.perf_counter_ns()
            model.invoke()
            values.append((time.perf_counter_ns() - start) // 1000)
        say(summary(values, with_percentiles="old" not in modes) + "\n")
        return values

    warm = runs(int(flags.get("warmup_runs", 1)), float(flags.get("warmup_min_secs", 0.5)))
    short = 1 if "stops-early" in modes else int(flags["num_runs"])
    found = runs(short, 0.0 if "stops-early" in modes else float(flags["min_secs"]))
    say(
        f"Inference timings in us: Init: {init_us}, First inference: {warm[0]}, "
        f"Warmup (avg): {np.mean(warm):.6g}, Inference (avg): {np.mean(found):.6g}"
    )
    say("Memory footprint delta from the start of the tool (MB): init=4.2 overall=9.8")
    if flags.get("report_peak_memory_footprint") == "true":
        say("Overall peak memory footprint (MB) via periodic monitoring: 31.5")
    if "output_filepath" in flags and "no-output" not in modes:
        output = model.get_tensor(given["index"])
        Path(flags["output_filepath"]).write_bytes(
            (output[:, ::-1] if "wrong" in modes else output).tobytes()
        )


if __name__ == "__main__":
    main()
