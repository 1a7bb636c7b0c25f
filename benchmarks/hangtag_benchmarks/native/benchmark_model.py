"""What TFLite's own ``benchmark_model`` is asked and what it says: flags and lines as its source has them.

It times the bare invocation on a tensor that it is given, prints a summary and keeps the single runs to
itself. A delegate that does not work is no error to it: it goes on with the CPU and says so in its log, which
is why nothing here is believed that the log does not say.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hangtag.errors import BenchmarkError
from hangtag_benchmarks.measurements import ToldLatency
from hangtag_benchmarks.plans import BlockPlan

MODEL_FILE, INPUT_FILE, OUTPUT_FILE = "model.tflite", "input.bin", "output.bin"
"""The names under which it finds and leaves its files in the folder that it is started in."""

_MOST_S = 1500
"""It stops by itself after so long; its own 150 s would cut a slow model's runs short."""

_MEMORY_RUNS = 20
_MEMORY_LOOK_MS = 5


@dataclass(frozen=True, slots=True)
class Delegate:
    """What runs a model inside of it.

    Args:
        name: as its log calls it.
        flags: that choose it.
        node: what its log calls the node that stands for what the delegate took.
        on_cpu: it is the CPU that runs it.
    """

    name: str
    flags: tuple[str, ...]
    node: str
    on_cpu: bool


XNNPACK = Delegate("XNNPACK", ("--use_xnnpack=true",), "TfLiteXNNPackDelegate", on_cpu=True)
GPU = Delegate("GPU", ("--use_gpu=true",), "TfLiteGpuDelegateV2", on_cpu=False)
NNAPI = Delegate(
    "NNAPI", ("--use_nnapi=true", "--disable_nnapi_cpu=true"), "TfLiteNnapiDelegate", on_cpu=False
)


def timing_arguments(
    plan: BlockPlan, shape: Sequence[int], threads: int | None, delegate: Delegate
) -> tuple[str, ...]:
    """Return the arguments of a block: the plan's counts, and a file with the tensor instead of noise."""
    return (
        *_common(shape, threads, delegate),
        f"--num_runs={plan.invoke_runs}",
        f"--min_secs={plan.invoke_s:g}",
        f"--max_secs={_MOST_S}",
        f"--warmup_runs={plan.warmup_runs}",
        f"--warmup_min_secs={plan.warmup_s:g}",
        f"--output_filepath={OUTPUT_FILE}",
    )


def memory_arguments(shape: Sequence[int], threads: int | None, delegate: Delegate) -> tuple[str, ...]:
    """Return the arguments of a run that looks at its memory: a thread does so, and would disturb timings."""
    return (
        *_common(shape, threads, delegate),
        f"--num_runs={_MEMORY_RUNS}",
        "--min_secs=0",
        "--report_peak_memory_footprint=true",
        f"--memory_footprint_check_interval_ms={_MEMORY_LOOK_MS}",
    )


def _common(shape: Sequence[int], threads: int | None, delegate: Delegate) -> tuple[str, ...]:
    return (
        f"--graph={MODEL_FILE}",
        # The name need not be the tensor's, but the size must be given with it.
        "--input_layer=image",
        f"--input_layer_shape={','.join(map(str, shape))}",
        f"--input_layer_value_files=image:{INPUT_FILE}",
        *(() if threads is None else (f"--num_threads={threads}",)),
        *delegate.flags,
    )


@dataclass(frozen=True, slots=True)
class Told:
    """What a run said of itself; times in milliseconds.

    ``invoke`` is None of a binary that prints no percentiles.
    """

    load_ms: float
    first_run_ms: float
    warmup_runs: int
    invoke: ToldLatency | None
    version: str | None


_NUMBER = r"[\d.]+(?:e[+-]?\d+)?"
_TIMINGS = re.compile(
    rf"Inference timings in us: Init: (?P<init>{_NUMBER}), First inference: (?P<first>{_NUMBER}), "
    rf"Warmup \(avg\): {_NUMBER}, Inference \(avg\): (?P<mean>{_NUMBER})"
)
_RUNS = re.compile(r"\bcount=(?P<count>\d+) (?P<rest>.*)")
_FIELD = re.compile(rf"(?P<name>\w+)=(?P<value>{_NUMBER})")
_PEAK = re.compile(rf"Overall peak memory footprint \(MB\) via periodic monitoring: (?P<mb>{_NUMBER})")
_VERSION = re.compile(r"Tensorflow version ?: ?(?P<version>\S+)", re.IGNORECASE)


def told(log: str) -> Told:
    """Read what a run said of itself.

    Raises:
        BenchmarkError: it did not get to its end.
    """
    timings = _TIMINGS.search(log)
    stretches = [(int(found["count"]), _fields(found["rest"])) for found in _RUNS.finditer(log)]
    if timings is None or len(stretches) < 2:
        raise BenchmarkError(f"benchmark_model told no timings: {failure(log)}")
    (warmup_runs, _), (count, numbers) = stretches[0], stretches[-1]
    version = _VERSION.search(log)
    invoke = None
    if "median" in numbers and "p95" in numbers:
        invoke = ToldLatency(
            count=count,
            p50_ms=numbers["median"],
            p95_ms=numbers["p95"],
            # Where all runs took the same time, it prints that alone.
            max_ms=numbers.get("max", numbers["median"]),
            mean_ms=float(timings["mean"]) / 1000,
        )
    return Told(
        load_ms=float(timings["init"]) / 1000,
        first_run_ms=float(timings["first"]) / 1000,
        warmup_runs=warmup_runs,
        invoke=invoke,
        version=None if version is None else version["version"],
    )


def peak_memory_mb(log: str) -> float | None:
    """Return the largest resident memory that a run saw, in megabytes (10**6 bytes); None where untold.

    The program calls 2**20 bytes a MB.
    """
    found = _PEAK.search(log)
    return None if found is None or float(found["mb"]) <= 0 else float(found["mb"]) * 2**20 / 1e6


def _fields(text: str) -> dict[str, float]:
    """Return the numbers of a line, in milliseconds; it prints microseconds."""
    return {found["name"]: float(found["value"]) / 1000 for found in _FIELD.finditer(text)}


def failure(log: str) -> str:
    """Return in one line what the log gives as the reason, or what it ended with."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith(("ERROR: ", "FATAL: "))]
    reasons = [line for line in errors if not line.startswith("Benchmarking failed")]
    if reasons:
        return "; ".join(dict.fromkeys(reasons[-3:]))
    return lines[-1] if lines else "it said nothing"


def delegated(log: str, delegate: Delegate) -> str | None:
    """Return why a delegate does not run the whole model, or None where the log says that it does.

    What :data:`XNNPACK` leaves to plain kernels is the CPU's work all the same.
    """
    of_whole = re.escape(f"Explicitly applied {delegate.name} delegate, and the model graph will be ")
    if re.search(f"{of_whole}completely executed by the delegate", log):
        return None
    nodes = re.search(
        rf"Replacing (?P<some>\d+) out of (?P<all>\d+) node\(s\) with delegate \({delegate.node}\)", log
    )
    if re.search(f"{of_whole}partially executed by the delegate", log):
        shared = "a part" if nodes is None else f"{nodes['some']} of {nodes['all']} operations"
        return f"{delegate.name} runs {shared} of the model and leaves the rest to others"
    if f"Though {delegate.name} delegate is explicitly applied" in log:
        return f"{delegate.name} runs nothing of the model"
    if f"{delegate.name} acceleration is unsupported on this platform" in log:
        return f"{delegate.name} does not work on this device"
    unknown = re.search(r"Unconsumed cmdline flags: (?P<flags>.*)", log)
    if unknown is not None and delegate.flags[0] in unknown["flags"]:
        return f"this benchmark_model knows no {delegate.flags[0].partition('=')[0]}"
    return f"benchmark_model does not say that {delegate.name} runs the model"


_BACKEND = re.compile(r"Initialized (?P<name>\w+)-based API")
_NNAPI_DEVICES = re.compile(r"NNAPI accelerators available: \[(?P<names>[^\]]*)\]")
NNAPI_ON_CPU = "nnapi-reference"
"""NNAPI's accelerator that is the CPU."""


def gpu_backend(log: str) -> str | None:
    """Return ``OpenCL`` or ``OpenGL``, by which it reached the GPU; None where it does not say."""
    found = _BACKEND.search(log)
    return None if found is None else found["name"]


def nnapi_accelerators(log: str) -> tuple[str, ...]:
    """Return the accelerators that NNAPI could choose from, the CPU's among them."""
    found = _NNAPI_DEVICES.search(log)
    return () if found is None else tuple(name.strip() for name in found["names"].split(",") if name.strip())
