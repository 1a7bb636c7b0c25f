"""What the cores were busy with: our own work, that of others, and what a hypervisor took."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

_STAT = Path("/proc/stat")


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """Seconds since the machine was started, of all cores that may be used together.

    ``busy_s`` is what was not idle, ``stolen_s`` what programs here wanted and a hypervisor gave to other
    machines. ``ours_s`` are those of this process and of its children that have ended, with their own
    children that they waited for.
    """

    total_s: float
    busy_s: float
    stolen_s: float
    ours_s: float


def cpu_times(stat: Path = _STAT, cores: Collection[int] | None = None) -> CpuTimes | None:
    """Read what the cores did; None where the system does not tell.

    In a container this is what the whole machine does, which is what competes. Where a process may use some
    cores alone (``taskset``, a container's cpuset), only those are counted: what others do elsewhere is no
    load here.

    Args:
        stat: the kernel's counters; their fields are described in proc(5): user, nice, system, idle, iowait,
            irq, softirq, steal. What guests use is part of user.
        cores: numbers of the cores to count; None are those that this process may use.
    """
    try:
        lines = [line.split() for line in stat.read_text(encoding="ascii").splitlines()]
        by_core = {
            int(fields[0][3:]): [int(field) for field in fields[1:9]]
            for fields in lines
            if fields and fields[0][:3] == "cpu" and fields[0] != "cpu"
        }
    except (OSError, ValueError):
        return None
    counted = [by_core[core] for core in (_usable() if cores is None else cores) if core in by_core]
    if not counted or any(len(ticks) < 8 for ticks in counted):
        return None
    second = os.sysconf("SC_CLK_TCK")
    user, nice, system, idle, iowait, irq, softirq, steal = (
        sum(column) / second for column in zip(*counted, strict=True)
    )
    busy = user + nice + system + irq + softirq
    return CpuTimes(busy + idle + iowait + steal, busy, steal, sum(os.times()[:4]))


def _usable() -> Collection[int]:
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return range(os.cpu_count() or 1)
