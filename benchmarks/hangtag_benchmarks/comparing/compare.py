"""Two results row by row: two machines, two dates, two versions of a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hangtag.errors import BenchmarkError
from hangtag_benchmarks.comparing.comparable import Pair, disagreements, disturbances, paired, refusals
from hangtag_benchmarks.machine.records import Environment
from hangtag_benchmarks.records import Missing, Result, Row
from hangtag_benchmarks.reports.tables import printable
from hangtag_benchmarks.statistics import Ratio, unpaired_ratio

NAMES = ("A", "B")
"""What the two results are called where nobody says otherwise."""

KINDS = ("invoke", "end_to_end")


@dataclass(frozen=True, slots=True)
class Difference:
    """Something besides the models that may explain why latencies differ; None is not known."""

    what: str
    first: str | None
    second: str | None


@dataclass(frozen=True, slots=True)
class RowComparison:
    """A pair of rows.

    ``ratios`` are the second's latency over the first's, by kind (``invoke``, ``end_to_end``), of what both
    measured; empty where one of them is no device of its own.
    """

    pair: Pair
    ratios: Mapping[str, Ratio]


@dataclass(frozen=True, slots=True)
class Alone:
    """A row that only one of the results has; ``missing`` is the other's reason where it gives one."""

    row: Row
    missing: Missing | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that can be said of two results; ``disturbances`` are of both, by result."""

    rows: tuple[RowComparison, ...]
    only_first: tuple[Alone, ...]
    only_second: tuple[Alone, ...]
    differences: tuple[Difference, ...]
    disturbances: tuple[tuple[str, ...], tuple[str, ...]]


def compare(
    first: Result, second: Result, *, names: tuple[str, str] = NAMES, even_if_disturbed: bool = False
) -> Comparison:
    """Compare two results.

    Args:
        first: what ratios are divided by.
        second: the other one.
        names: what messages call them.
        even_if_disturbed: compare although other work disturbed one of them.

    Raises:
        BenchmarkError: they are not comparable; every reason is named.
    """
    pairs = paired(first.rows, second.rows)
    reasons = [
        *refusals(first, names[0], even_if_disturbed=even_if_disturbed),
        *refusals(second, names[1], even_if_disturbed=even_if_disturbed),
        *disagreements(first, second, pairs, names),
    ]
    if reasons:
        raise BenchmarkError(printable("not comparable: " + "; ".join(reasons)))
    ours, theirs = [pair.first for pair in pairs], [pair.second for pair in pairs]
    return Comparison(
        rows=tuple(RowComparison(pair, ratios(pair)) for pair in pairs),
        only_first=tuple(_alone(first.rows, ours, second.missing)),
        only_second=tuple(_alone(second.rows, theirs, first.missing)),
        differences=tuple(differences(first.environment, second.environment, pairs)),
        disturbances=(tuple(disturbances(first)), tuple(disturbances(second))),
    )


def ratios(pair: Pair) -> dict[str, Ratio]:
    """Return the second row's latency over the first's, of block medians, by kind."""
    if not (pair.first.ranked and pair.second.ranked):
        return {}
    medians = {kind: (_medians(pair.first, kind), _medians(pair.second, kind)) for kind in KINDS}
    return {
        kind: unpaired_ratio(second, first) for kind, (first, second) in medians.items() if first and second
    }


def _medians(row: Row, kind: str) -> list[float]:
    # One of 0 was told rounded, and has no ratio.
    return [value for block in row.blocks if (value := getattr(block, f"{kind}_p50_ms"))]


def _alone(rows: Sequence[Row], seen: Sequence[Row], missing: Sequence[Missing]) -> Iterator[Alone]:
    reasons = {(one.file_name, one.engine, one.threads): one for one in missing}
    for row in rows:
        if not any(row is one for one in seen):
            yield Alone(row, reasons.get((row.model.file_name, row.engine, row.threads)))


def differences(first: Environment, second: Environment, pairs: Sequence[Pair]) -> Iterator[Difference]:
    """Return in what the machines, or their states, differ as far as it matters for latency."""
    yield from _differing("", _of_machine(first), _of_machine(second))
    for engine, pair in {pair.first.engine: pair for pair in pairs}.items():
        versions = [pair.first.versions, pair.second.versions]
        # What the machines' lists say already is not said again.
        own = [name for name in dict.fromkeys([*versions[0], *versions[1]]) if name not in first.versions]
        ours, theirs = ({name: one[name] for name in own if name in one} for one in versions)
        hardware = _hardware(pair.first), _hardware(pair.second)
        yield from _differing(f"{engine}: ", ours | hardware[0], theirs | hardware[1])


def _differing(prefix: str, first: Mapping[str, str], second: Mapping[str, str]) -> Iterator[Difference]:
    for what in dict.fromkeys([*first, *second]):
        one, other = first.get(what), second.get(what)
        if one != other:
            yield Difference(f"{prefix}{what}", one, other)


def _of_machine(machine: Environment) -> dict[str, str]:
    most = machine.most_frequency_mhz
    facts = {
        "CPU": machine.cpu,
        "usable cores": str(machine.usable_cores),
        "cores": "; ".join(machine.core_groups),
        "highest clock": "" if most is None else f"{most:.0f} MHz",
        "frequency governor": machine.frequency_governor or "",
        "power source": machine.power_source or "",
        "system": machine.platform,
        **machine.versions,
        **machine.thread_variables,
    }
    return {what: value for what, value in facts.items() if value}


def _hardware(row: Row) -> dict[str, str]:
    facts = {"accelerator": row.accelerator}
    if row.device is not None:
        facts["device"] = f"{row.device.name}, {row.device.system}"
        facts["the device's governor"] = row.device.frequency_governor
    return {what: value for what, value in facts.items() if value}
