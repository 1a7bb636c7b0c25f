"""Results of benchmarks that nobody ran, for tests of what reads them.

made_result(made_row("int8", 2.0), made_row("float32", 4.0, accuracy=0.9), quick=True)
"""

from __future__ import annotations

import dataclasses
import functools
import zlib
from typing import Any, cast

import numpy as np

from hangtag.contract import InputSpec, ModelContract
from hangtag.metrics import wilson_interval
from hangtag_benchmarks.machine.records import Conditions, Environment
from hangtag_benchmarks.measurements import STAGES, Accuracy, Measurement, OutputCheck, Timings
from hangtag_benchmarks.plans import ModelIdentity, Plan
from hangtag_benchmarks.records import Missing, Result, Row
from hangtag_benchmarks.rows import Measured, build_row
from hangtag_benchmarks.targets import Accelerator, Runner, Target
from hangtag_benchmarks.verdicts import verdicts

CALM = Conditions(0.1, 2400.0, 48.5, throttled=0, others_load=0.02, stolen=0.0)
ENVIRONMENT = Environment(
    cpu="Cortex-A76",
    usable_cores=4,
    memory_mb=8062.0,
    platform="Linux 6.6 aarch64",
    versions={"hangtag": "0.6.0", "ai-edge-litert": "2.1.0", "numpy": "2.2.0", "opencv": "4.12.0"},
    frequency_governor="ondemand",
    most_frequency_mhz=2400.0,
    power_source=None,
    thread_variables={},
    before=CALM,
    after=CALM,
)
DATASET_SHA256 = "d" * 64


def tiny_contract(**changes: Any) -> ModelContract:
    """Return the contract of a model that is quickly made."""
    spec = InputSpec(width_px=24, height_px=24)
    return dataclasses.replace(
        ModelContract(name="tiny", labels=("disc", "square", "stripe"), input=spec), **changes
    )


def made_model(name: str = "int8", **changes: Any) -> ModelIdentity:
    """Return the identity of ``NAME.tflite``: each name has a digest of its own."""
    values: dict[str, Any] = {
        "file_name": f"{name}.tflite",
        "size_bytes": 4_000_000,
        "sha256": name.encode().hex().ljust(64, "0")[:64],
        "contract_sha256": "c" * 64,
        "name": "clothing",
        "input_dtype": "uint8",
        "input_wh": (224, 224),
    }
    return ModelIdentity(**{**values, **changes})


def made_accuracy(top1: float, photos: int = 400, **changes: Any) -> Accuracy:
    """Return an accuracy on the test split."""
    right = round(top1 * photos)
    values: dict[str, Any] = {"split": "test", "dataset_sha256": DATASET_SHA256, **changes}
    return Accuracy(photos=photos, right=right, top1_interval=wilson_interval(right, photos), **values)


def made_row(
    model: str | ModelIdentity = "int8",
    p50_ms: float | None = 4.0,
    *,
    engine: str = "litert",
    threads: int | None = 1,
    end_to_end_ms: float | None = None,
    accuracy: float | Accuracy | None = None,
    accelerator: Accelerator | None = None,
    rounds: int = 8,
    runs: int = 40,
    scatter: float = 0.02,
    seed: int = 0,
    **changes: Any,
) -> Row:
    """Return a row as if it had been measured.

    Args:
        model: its file's name without the ending, or its identity.
        p50_ms: the median of bare invocations, exactly; None is an engine that cannot be timed so.
        engine: a name, of the engines' table or not.
        threads: CPU threads.
        end_to_end_ms: the median from frame to label; by default 1 ms more than ``p50_ms``.
        accuracy: top-1 on 400 photos, 0 to 1, or the whole of it.
        accelerator: what it ran on.
        rounds: blocks.
        runs: of each block.
        scatter: of the runs, and half as much again of the blocks, as a share of the median.
        seed: of the scatter, which differs between models, engines and threads too.
        changes: fields of the row, as ``peak_memory_mb=80.0``.
    """
    identity = made_model(model) if isinstance(model, str) else model
    drawn = _seed(identity, engine, threads, seed)
    whole = end_to_end_ms if end_to_end_ms is not None or p50_ms is None else p50_ms + 1.0
    row = build_row(
        Measured(
            target=Target(
                identity,
                engine,
                threads,
                cast("Runner", None),  # nothing is run any more
            ),
            rounds=list(range(rounds)),
            measurements=_measurements(p50_ms, whole, rounds, runs, scatter, drawn),
            accelerator=accelerator,
            accuracy=made_accuracy(accuracy) if isinstance(accuracy, float) else accuracy,
        )
    )
    return dataclasses.replace(row, **changes)


def _seed(model: ModelIdentity, engine: str, threads: int | None, seed: int) -> int:
    return zlib.crc32(f"{model.sha256} {engine} {threads} {seed}".encode())


def made_missing(model: str = "int8", **changes: Any) -> Missing:
    """Return a row of a GPU that is not there."""
    values: dict[str, Any] = {
        "file_name": f"{model}.tflite",
        "model": made_model(model),
        "engine": "litert-gpu",
        "threads": None,
        "reason": "no adapter was found; it takes a graphics adapter with a Vulkan driver",
        "failed": False,
    }
    return Missing(**{**values, **changes})


def made_result(*rows: Row, quick: bool = False, **changes: Any) -> Result:
    """Return a calm, complete benchmark of these rows with its verdicts; ``changes`` are its fields."""
    found = rows or (made_row("int8", 2.0, accuracy=0.9), made_row("float32", 4.0, accuracy=0.91))
    values: dict[str, Any] = {
        "created_utc": "2026-11-21T23:24:00+00:00",
        "frames": "4 noise frames of 640x480 in turn",
        "plan": Plan(quick=quick),
        "rounds": max(len(row.blocks) for row in found),
        "complete": True,
        "environment": ENVIRONMENT,
        "rows": found,
        "missing": (),
        "verdicts": tuple(verdicts(found)),
        "disturbances": (),
        "notes": (),
    }
    return Result(**{**values, **changes})


@functools.cache
def _latencies(
    p50_ms: float | None, rounds: int, runs: int, scatter: float, seed: int
) -> tuple[tuple[float, ...], ...]:
    """Return latencies by block whose pooled median is as wanted: skewed, as real ones are."""
    if p50_ms is None:
        return ((),) * rounds
    rng = np.random.default_rng(seed)
    blocks = np.exp(rng.normal(0, scatter / 2, (rounds, 1)) + rng.gamma(2.0, scatter / 2, (rounds, runs)))
    return tuple(tuple(block) for block in (blocks * p50_ms / np.median(blocks)).tolist())


def _measurements(
    p50_ms: float | None, whole_ms: float | None, rounds: int, runs: int, scatter: float, seed: int
) -> list[Measurement]:
    invoke = _latencies(p50_ms, rounds, runs, scatter, seed)
    whole = _latencies(whole_ms, rounds, runs, scatter, seed + 1)
    return [
        Measurement(
            import_ms=100.0 + number,
            load_ms=20.0 + number / 10,
            first_run_ms=8.0,
            warmup_runs=50,
            timings=Timings(
                invoke_ms=invoke[number],
                end_to_end_ms=whole[number],
                stages_ms={name: (0.1 * place, 0.11 * place) for place, name in enumerate(STAGES, 1)},
            ),
            imports_memory_mb=60.0,
            peak_memory_mb=80.0,
            steady_memory_mb=75.0,
            energy_j=None,
            check=OutputCheck("golden cases", 3, 0, 0.0, 0.01),
            versions={"ai-edge-litert": "2.1.0"},
        )
        for number in range(rounds)
    ]
