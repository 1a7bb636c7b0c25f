"""Makes one row of the passes of one model, device and number of threads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hangtag.latency import LatencySummary, summarize
from hangtag_benchmarks.records import Measurement, ModelIdentity, OutputCheck, PassMedians, Row

UNSTEADY = 0.10
"""Passes whose p50 differ by a larger part than this are called unsteady."""

VISIBLE_DIFFERENCE = 0.001
"""Scores that are further off than this, though allowed, are mentioned."""


def build_row(
    model: ModelIdentity,
    device: str,
    threads: int | None,
    measurements: Sequence[Measurement],
    *,
    adapter: str | None = None,
) -> Row:
    """Pool the passes: percentiles over all measurements, one number per pass for what happens once.

    Peak memory is that of the largest pass; the output check that of the worst.
    """
    invoke = _pooled(measurement.timings.invoke_ms for measurement in measurements)
    end_to_end = _pooled(measurement.timings.end_to_end_ms for measurement in measurements)
    passes = tuple(_medians(measurement) for measurement in measurements)
    check = max((measurement.check for measurement in measurements), key=_badness)
    return Row(
        model=model,
        device=device,
        threads=threads,
        adapter=adapter,
        import_ms=tuple(measurement.import_ms for measurement in measurements),
        load_ms=tuple(measurement.load_ms for measurement in measurements),
        first_run_ms=tuple(measurement.first_run_ms for measurement in measurements),
        preprocess=_pooled(measurement.timings.preprocess_ms for measurement in measurements),
        invoke=invoke,
        end_to_end=end_to_end,
        end_to_end_per_invoke=end_to_end.p50_ms / invoke.p50_ms,
        passes=passes,
        imports_memory_mb=_largest(measurement.imports_memory_mb for measurement in measurements),
        peak_memory_mb=_largest(measurement.peak_memory_mb for measurement in measurements),
        check=check,
        notes=tuple(_notes(passes, check)),
    )


def wrong_output(check: OutputCheck) -> str | None:
    """Return in one line how the outputs are wrong, or None where they are not."""
    if check.failed_cases == 0:
        return None
    return (
        f"wrong output: {check.failed_cases} of {check.cases} frames fail against {check.against} (scores "
        f"differ by up to {check.worst_difference:.4f}, allowed {check.tolerance:.4f}; or a tensor does)"
    )


def _pooled(passes: Iterable[Sequence[float]]) -> LatencySummary:
    return summarize([latency for latencies in passes for latency in latencies])


def _medians(measurement: Measurement) -> PassMedians:
    timings = measurement.timings
    return PassMedians(
        preprocess_ms=summarize(timings.preprocess_ms).p50_ms,
        invoke_ms=summarize(timings.invoke_ms).p50_ms,
        end_to_end_ms=summarize(timings.end_to_end_ms).p50_ms,
    )


def _badness(check: OutputCheck) -> tuple[int, float]:
    return check.failed_cases, check.worst_difference


def _largest(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _notes(passes: Sequence[PassMedians], check: OutputCheck) -> Iterable[str]:
    for name, medians in (
        ("invoke", [one.invoke_ms for one in passes]),
        ("end to end", [one.end_to_end_ms for one in passes]),
    ):
        spread = max(medians) / min(medians) - 1 if min(medians) > 0 else 0.0
        if spread > UNSTEADY:
            values = " and ".join(f"{median:.2f}" for median in medians)
            yield f"not steady: {name} p50 of the passes differ by {spread:.0%} ({values} ms)"
    if check.cases == 0:
        yield "outputs unchecked: the model carries no golden cases"
    elif check.worst_difference >= VISIBLE_DIFFERENCE:
        yield f"scores differ from {check.against} by up to {check.worst_difference:.3f}"
