"""Which of two rows is faster, or that no difference can be seen."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from hangtag_benchmarks.records import Block, Row, Verdict
from hangtag_benchmarks.statistics import Ratio, paired_ratio

MOST_ROWS_FOR_ALL_PAIRS = 4
"""Of more rows each is compared with the fastest alone: of ten rows nobody reads 45 verdicts."""


def verdicts(rows: Sequence[Row]) -> Iterator[Verdict]:
    """Compare ranked rows pair by pair, the slower first; all pairs of a few, else each with the fastest.

    Which is the fastest is told by the same numbers: of equal rows it is the luckiest one. So intervals of
    verdicts against it are as wide as those of all pairs would be that were to hold together with 95 %.
    """
    ranked, at_once = _ranked(rows), hold_together(rows)
    if at_once == 1:
        pairs = list(itertools.combinations(ranked, 2))
    else:
        best = fastest(rows)
        pairs = [(best, index) for index in ranked if best is not None and index != best]
    for first, second in pairs:
        verdict = _verdict(rows, first, second, at_once)
        if verdict is not None:
            yield verdict


def hold_together(rows: Sequence[Row]) -> int:
    """Return of how many pairs the intervals hold together with 95 %: 1 where each holds for itself."""
    ranked = len(_ranked(rows))
    return 1 if ranked <= MOST_ROWS_FOR_ALL_PAIRS else ranked * (ranked - 1) // 2


def _ranked(rows: Sequence[Row]) -> list[int]:
    return [index for index, row in enumerate(rows) if row.ranked]


def fastest(rows: Sequence[Row]) -> int | None:
    """Return the place of the ranked row with the smallest median, of bare invocations where any has it."""
    for kind in ("invoke", "end_to_end"):
        medians = {
            index: getattr(row, kind).summary.p50_ms
            for index, row in enumerate(rows)
            if row.ranked and getattr(row, kind) is not None
        }
        if medians:
            return min(medians, key=lambda index: float(medians[index]))
    return None


def as_fast(rows: Sequence[Row], found: Sequence[Verdict]) -> frozenset[int]:
    """Return the places of the rows that were compared with the fastest without a difference to be seen."""
    best = fastest(rows)
    return frozenset(
        other
        for verdict in found
        for one, other in ((verdict.first, verdict.second), (verdict.second, verdict.first))
        if one == best and verdict.ratio.interval is not None and not verdict.ratio.is_different
    )


def _verdict(rows: Sequence[Row], first: int, second: int, at_once: int) -> Verdict | None:
    for kind in ("invoke", "end_to_end"):
        above, below = _in_common(rows[first].blocks, rows[second].blocks, kind)
        if above:
            ratio = paired_ratio(above, below, at_once=at_once)
            if ratio.value < 1:
                return Verdict(second, first, kind, paired_ratio(below, above, at_once=at_once))
            return Verdict(first, second, kind, ratio)
    return None


def _in_common(above: Sequence[Block], below: Sequence[Block], kind: str) -> tuple[list[float], list[float]]:
    """Return the medians of the rounds that both have; one of 0 was told rounded, and has no ratio."""
    one, other = (
        {block.round: getattr(block, f"{kind}_p50_ms") for block in blocks} for blocks in (above, below)
    )
    rounds = [number for number in one if one[number] and other.get(number)]
    return [one[number] for number in rounds], [other[number] for number in rounds]


def sentence(ratio: Ratio, slower: str, faster: str, what: str = "") -> str:
    """Return a verdict in words; ``ratio`` is the slower's latency over the faster's.

    Args:
        ratio: with its interval.
        slower: what it names first.
        faster: what it is divided by.
        what: what was compared, where it is not the invocation, as "from frame to label".
    """
    where = f" {what}" if what else ""
    if ratio.interval is None:
        return f"{faster} against {slower}{where}: too few rounds ({ratio.pairs}) to tell a difference"
    digits = 3 if ratio.value < 1.1 else 2 if ratio.value < 10 else 1  # 2.07, and 1.012 rather than 1.01
    shown = f"95 % CI {ratio.interval.low:.{digits}f} to {ratio.interval.high:.{digits}f}"
    if not ratio.is_different:
        return f"{faster} against {slower}{where}: no difference can be seen (ratio {shown})"
    return f"{faster} is {ratio.value:.{digits}f}x faster than {slower}{where}, {shown}"
