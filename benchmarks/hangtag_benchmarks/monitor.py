"""What happened to the machine while it was measured: a run that was disturbed must say so."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hangtag_benchmarks.records import Conditions
from hangtag_benchmarks.vcgencmd import throttle_reasons

MOST_OTHERS = 0.25
"""Cores that other programs may keep busy, on average over a block."""

MOST_STOLEN = 0.02
"""Share of the time that a hypervisor may give to others, over a block."""

MOST_FREQUENCY_DROP = 0.05
"""How far the clock may fall below what it was at the beginning."""

_STAT = Path("/proc/stat")


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """Seconds since the machine was started: of all cores together, and what of them was not idle.

    ``ours`` are those of this process and of its children that have ended.
    """

    total_s: float
    busy_s: float
    stolen_s: float
    ours_s: float


def cpu_times(stat: Path = _STAT) -> CpuTimes | None:
    """Read what all cores did; None where the system does not tell.

    The fields are those of proc(5): user, nice, system, idle, iowait, irq, softirq, steal.
    """
    try:
        fields = stat.read_text(encoding="ascii").split("\n", 1)[0].split()
        ticks = [int(field) for field in fields[1:9]]
    except (OSError, ValueError):
        return None
    if len(ticks) < 8 or fields[0] != "cpu":
        return None
    second = os.sysconf("SC_CLK_TCK")
    user, nice, system, idle, iowait, irq, softirq, steal = (count / second for count in ticks)
    busy = user + nice + system + irq + softirq
    mine = os.times()
    return CpuTimes(busy + idle + iowait + steal, busy, steal, sum(mine[:4]))


class Monitor:
    """Looks at the machine between blocks.

    Args:
        look: gives what can be seen at one moment.
        times: gives what the cores did.
        clock: seconds; injected so that tests need not wait.
    """

    def __init__(
        self,
        look: Callable[[], Conditions],
        times: Callable[[], CpuTimes | None] = cpu_times,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look, self._times, self._clock = look, times, clock
        self._before = times(), clock()
        self.seen: list[Conditions] = [look()]

    def after_block(self) -> None:
        """Note how things are and what went on since the last look."""
        before, before_s = self._before
        now, now_s = self._before = self._times(), self._clock()
        seen = self._look()
        if before is not None and now is not None and now_s > before_s:
            others_s = (now.busy_s - before.busy_s) - (now.ours_s - before.ours_s)
            total_s = now.total_s - before.total_s
            seen = dataclasses.replace(
                seen,
                others_load=max(0.0, others_s / (now_s - before_s)),
                stolen=(now.stolen_s - before.stolen_s) / total_s if total_s > 0 else None,
            )
        self.seen.append(seen)

    def disturbances(self) -> tuple[str, ...]:
        """Return what disturbed the measuring, one line for each kind."""
        return tuple(disturbances(self.seen))


def disturbances(seen: Sequence[Conditions]) -> Iterator[str]:
    """Return what in a series of looks, the first of them before measuring, makes it doubtful."""
    blocks = len(seen) - 1
    others = [one.others_load for one in seen if one.others_load is not None]
    too_busy = [load for load in others if load > MOST_OTHERS]
    if too_busy:
        yield (
            f"other programs kept up to {max(too_busy):.1f} cores busy during {len(too_busy)} of "
            f"{blocks} blocks (limit {MOST_OTHERS:g})"
        )
    stolen = [one.stolen for one in seen if one.stolen is not None and one.stolen > MOST_STOLEN]
    if stolen:
        yield (
            f"the hypervisor gave up to {max(stolen):.0%} of the time to others during {len(stolen)} of "
            f"{blocks} blocks (limit {MOST_STOLEN:.0%})"
        )
    yield from _slower(seen)
    flags = 0
    for one in seen[1:]:
        flags |= one.throttled or 0
    reasons = throttle_reasons(flags)
    if reasons:
        yield f"the firmware held the processor back: {', '.join(reasons)}"


def _slower(seen: Sequence[Conditions]) -> Iterator[str]:
    clocks = [one.cpu_frequency_mhz for one in seen if one.cpu_frequency_mhz is not None]
    if len(clocks) < 3:
        return
    # The first look is before any work: a clock that rises from rest is no disturbance.
    first, lowest = clocks[1], min(clocks[2:])
    if lowest < (1 - MOST_FREQUENCY_DROP) * first:
        yield f"the clock fell from {first:.0f} to {lowest:.0f} MHz"
