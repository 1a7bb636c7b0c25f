"""A new run against a board's kept one: slower is a defect, and so, often, is suspiciously faster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hangtag.errors import BenchmarkError
from hangtag_benchmarks.comparing.comparable import refusals
from hangtag_benchmarks.comparing.compare import Comparison, RowComparison, compare
from hangtag_benchmarks.comparing.compare_report import accuracy_lines, difference_lines, model_lines
from hangtag_benchmarks.plans import Plan
from hangtag_benchmarks.records import Result, Row
from hangtag_benchmarks.reports.naming import row_names
from hangtag_benchmarks.reports.result_json import read_result
from hangtag_benchmarks.reports.tables import printable
from hangtag_benchmarks.statistics import Ratio
from hangtag_benchmarks.targets import Target

MOST_OFF = 1.10
"""How many times as slow, or as fast, as the reference a row may be. The same model on the same board differs
by some percent from day to day, as pages of memory, the kernel and the room's temperature happen to be."""

NAMES = ("the reference", "this run")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line, and whether it makes the check fail."""

    line: str
    failed: bool


def read_reference(path: Path, *, cpu: str, plan: Plan) -> Result:
    """Read a reference and make sure, before anything is measured, that a run could be checked against it.

    Args:
        path: a ``benchmark.json``.
        cpu: this machine's, as results name it.
        plan: of the run to be.

    Raises:
        BenchmarkError: it cannot be read, is a result that nothing can be compared with, is another board's,
            or was measured in another way.
    """
    reference = read_result(path)
    reasons = list(refusals(reference, "it"))
    if reasons:
        raise BenchmarkError(printable(f"{path} is no reference: {'; '.join(reasons)}"))
    if reference.environment.cpu != cpu:
        raise BenchmarkError(
            printable(f"{path} is a reference for {reference.environment.cpu!r}; this machine is {cpu!r}")
        )
    if reference.plan.block != plan.block:
        raise BenchmarkError(f"{path} was measured in blocks of other lengths; measure the reference again")
    return reference


def check_targets(reference: Result, targets: Sequence[Target]) -> None:
    """Raise before anything is measured where nothing could be checked.

    Raises:
        BenchmarkError: no row to be is in the reference.
    """
    kept = [(row.engine, row.threads, name) for row in reference.rows for name in _names(row)]
    if not any((one.engine, one.threads, name) in kept for one in targets for name in _names(one)):
        titles = ", ".join(row_names(reference))
        raise BenchmarkError(f"the reference has none of these rows; it has {printable(titles)}")


def _names(row: Row | Target) -> tuple[str, str]:
    return row.model.sha256, row.model.short_name


def check(reference: Result, result: Result) -> list[Finding]:
    """Compare a new run with the reference, row by row and kind by kind."""
    try:
        found = compare(reference, result, names=NAMES)
    except BenchmarkError as error:
        return [Finding(f"cannot be checked: {error}", failed=True)]
    return list(_findings(reference, found))


def _findings(reference: Result, found: Comparison) -> Iterator[Finding]:
    titles = {id(row): title for row, title in zip(reference.rows, row_names(reference), strict=True)}
    judged_rows = [(one, titles[id(one.pair.first)]) for one in found.rows]
    judgements = [finding for one, title in judged_rows for finding in _of_row(one, title)]
    yield from judgements
    for one, title in judged_rows:
        for line in (*model_lines(one, title), *accuracy_lines(one, title, NAMES)):
            yield Finding(line, failed=False)
    for alone in found.only_first:
        why = "not measured" if alone.missing is None else alone.missing.reason
        yield Finding(f"{titles[id(alone.row)]}: not checked in this run, {why}", failed=False)
    for alone in found.only_second:
        name = f"{alone.row.model.short_name} ({alone.row.engine})"
        yield Finding(f"{name}: not checked, the reference has no such row", failed=False)
    if any(finding.failed for finding in judgements):
        # What may explain it.
        yield from (Finding(line, failed=False) for line in difference_lines(found, NAMES))


def _of_row(one: RowComparison, title: str) -> Iterator[Finding]:
    pair = one.pair
    hardware = [(row.accelerator, row.device and row.device.name) for row in (pair.first, pair.second)]
    if hardware[0] != hardware[1]:
        yield Finding(f"{title}: cannot be checked, it ran on another device", failed=True)
    elif not one.ratios:
        yield Finding(f"{title}: cannot be checked, it is not ranked or was timed otherwise", failed=True)
    else:
        for kind, ratio in one.ratios.items():
            yield judged(ratio, title + (" from frame to label" if kind == "end_to_end" else ""))


def judged(ratio: Ratio, title: str) -> Finding:
    """Judge one latency by its interval: it fails where all of the interval is further off than allowed.

    Args:
        ratio: the new latency over the reference's.
        title: what to call it.
    """
    interval = ratio.interval
    if interval is None:
        return Finding(f"{title}: cannot be checked with so few rounds ({ratio.pairs})", failed=True)
    shown = f"{ratio.value:.3f}x its latency, 95 % CI {interval.low:.3f} to {interval.high:.3f}"
    if interval.low > MOST_OFF:
        return Finding(f"{title}: SLOWER than the reference: {shown}; {MOST_OFF:.2f} is allowed", failed=True)
    if interval.high < 1 / MOST_OFF:
        return Finding(
            f"{title}: SUSPICIOUSLY FASTER than the reference: {shown}; {1 / MOST_OFF:.2f} is allowed: is "
            "work left out, or the reference old?",
            failed=True,
        )
    return Finding(f"{title}: as the reference: {shown}", failed=False)
