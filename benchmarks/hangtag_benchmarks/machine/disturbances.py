"""Which of what happened to a machine makes its numbers doubtful, and from which size on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hangtag.device import usable_cores
from hangtag.raspberry_pi.firmware import past_flags, past_reasons, throttle_reasons
from hangtag_benchmarks.machine.records import Conditions

MOST_OTHERS = 0.25
"""Cores that other programs may keep busy, on average over a block. A machine at rest uses a hundredth of a
core or less, a desktop with an open browser a tenth; one program that computes uses one."""

MOST_OTHERS_OF_MANY = 1 / 32
"""On large machines this share of the cores may be busy: there is room beside them."""

MOST_STOLEN = 0.02
"""Share of the wanted time that a hypervisor may give to others, over a block: as wide as a benchmark wants
the interval of a median to be."""

MOST_CLOCK_DROP = 0.05
"""How far the clock may fall below that of earlier blocks of the same row: what rows differ by then is
the size of the differences that a benchmark is made to find."""

MOST_BLOCKS = 0.05
"""Share of the blocks that may be disturbed: of so few, all runs together are fewer than those above p95."""


@dataclass(frozen=True, slots=True)
class Watched:
    """Whose block ran, and how things were meanwhile."""

    what: str
    conditions: Conditions


def disturbances(before: Conditions, watched: Sequence[Watched], *, heat: bool = True) -> Iterator[str]:
    """Return what makes a benchmark doubtful, in one line for each kind.

    Args:
        before: how things were before the first block.
        watched: all blocks in their order.
        heat: count slower clocks and throttling too.
    """
    for count, line in _by_blocks(watched, heat=heat):
        if count > MOST_BLOCKS * len(watched):
            yield line
    flags = _flags_since(before, watched)
    reasons = throttle_reasons(flags if heat else flags & 1)
    if reasons:
        yield f"the firmware reported: {', '.join(reasons)}"
    if heat:
        yield from _heat(before, watched)


def minor_disturbances(before: Conditions, watched: Sequence[Watched], *, heat: bool = True) -> Iterator[str]:
    """Return what happened too seldom to matter, and what the firmware remembers of before."""
    for count, line in _by_blocks(watched, heat=heat):
        if 0 < count <= MOST_BLOCKS * len(watched):
            yield f"{line}: too few to matter"
    earlier = past_reasons(before.throttled or 0)
    if earlier:
        yield f"the firmware has reported since the machine's start, before this run: {', '.join(earlier)}"


def _by_blocks(watched: Sequence[Watched], *, heat: bool) -> Iterator[tuple[int, str]]:
    """Return for each kind how many blocks were disturbed, and what to say then."""
    limit = max(MOST_OTHERS, MOST_OTHERS_OF_MANY * usable_cores())
    others = [load for one in watched if (load := one.conditions.others_load or 0.0) > limit]
    stolen = [share for one in watched if (share := one.conditions.stolen or 0.0) > MOST_STOLEN]
    slower = list(_slower(watched)) if heat else []
    of_all = f"of {len(watched)} blocks"
    if others:
        yield (
            len(others),
            (
                f"other programs kept up to {max(others):.1f} cores busy during {len(others)} {of_all} "
                f"(limit {limit:g})"
            ),
        )
    if stolen:
        yield (
            len(stolen),
            (
                f"the hypervisor gave up to {max(stolen):.0%} of the time to others during {len(stolen)} "
                f"{of_all} (limit {MOST_STOLEN:.0%})"
            ),
        )
    if slower:
        best, worst = max(slower, key=lambda drop: drop[0] / drop[1])
        yield len(slower), f"the clock fell from {best:.0f} to {worst:.0f} MHz in {len(slower)} {of_all}"


def _slower(watched: Sequence[Watched]) -> Iterator[tuple[float, float]]:
    """Return the best clock so far and the clock of each block that was too far below it.

    Among blocks of the same row: one busy core is allowed a higher clock than four.
    """
    best: dict[str, float] = {}
    for one in watched:
        clock = one.conditions.cpu_frequency_mhz
        if clock is None:
            continue
        best[one.what] = max(best.get(one.what, 0.0), clock)
        if clock < (1 - MOST_CLOCK_DROP) * best[one.what]:
            yield best[one.what], clock


def _flags_since(before: Conditions, watched: Sequence[Watched]) -> int:
    """Return what the firmware reported at the end of a block, or remembers and did not before."""
    known = past_flags(before.throttled or 0)
    flags = 0
    for one in watched:
        now = one.conditions.throttled or 0
        flags |= now | past_flags(now) & ~known
    return flags


def _heat(before: Conditions, watched: Sequence[Watched]) -> Iterator[str]:
    counts = [one.heat_events for one in (before, *(one.conditions for one in watched))]
    known = [count for count in counts if count is not None]
    if known and known[-1] > known[0]:
        yield f"the processor slowed down for heat {known[-1] - known[0]} times"
    cooled = sum((one.conditions.cooling_steps or 0) > 0 for one in watched)
    if cooled:
        yield f"the kernel slowed the processor for heat, at the end of {cooled} of {len(watched)} blocks"
