"""How fast the cores may run, how fast they do, and what holds them back."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

_CPUS = Path("/sys/devices/system/cpu")
_CPUINFO = Path("/proc/cpuinfo")
_COOLING = re.compile("cpufreq|^Processor$", re.IGNORECASE)
"""Kinds of the kernel's cooling devices that slow a processor down; others are fans and graphics."""


@dataclass(frozen=True, slots=True)
class CoreGroup:
    """Cores that are alike: one cluster of a big.LITTLE board, or all of a desktop's.

    ``limit_mhz`` is what someone has set below ``most_mhz``, None where nobody has.
    """

    cores: int
    most_mhz: float | None
    limit_mhz: float | None
    governor: str | None

    def line(self) -> str:
        """Return it in words."""
        most = "" if self.most_mhz is None else f" of at most {self.most_mhz:.0f} MHz"
        limit = "" if self.limit_mhz is None else f", limited to {self.limit_mhz:.0f} MHz"
        governor = "" if self.governor is None else f", governor {self.governor}"
        return f"{self.cores} core{'s' if self.cores > 1 else ''}{most}{limit}{governor}"


def core_groups(cpus: Path = _CPUS) -> tuple[CoreGroup, ...]:
    """Return the kinds of cores, in the order of their numbers; empty where the system does not tell."""
    counts: dict[tuple[float | None, float | None, str | None], int] = {}
    for policy in _policies(cpus):
        most, limit = mhz(policy / "cpuinfo_max_freq"), mhz(policy / "scaling_max_freq")
        is_limited = most is not None and limit is not None and limit < most
        kind = (most, limit if is_limited else None, text(policy / "scaling_governor"))
        counts[kind] = counts.get(kind, 0) + len(_cores(policy))
    return tuple(CoreGroup(count, *kind) for kind, count in counts.items())


def frequency_mhz(
    cpus: Path = _CPUS, cpuinfo: Path = _CPUINFO, cores: Collection[int] | None = None
) -> float | None:
    """Return the highest frequency of any core that may be used: the one that works; None where unknown.

    The others may rest, and the kernel moves work from one to another.
    """
    usable = _usable() if cores is None else cores
    told = [
        mhz(policy / "scaling_cur_freq")
        for policy in _policies(cpus)
        if not usable or not _cores(policy).isdisjoint(usable)
    ]
    known = [value for value in told if value is not None]
    if not known:
        lines = (text(cpuinfo) or "").splitlines()
        known = [float(line.partition(":")[2]) for line in lines if line.startswith("cpu MHz")]
    return max(known, default=None)


def heat_events(cpus: Path = _CPUS) -> int | None:
    """Return how often Intel's processors have slowed down for heat since the start; None on others."""
    counts = [text(file) for file in cpus.glob("cpu[0-9]*/thermal_throttle/*_throttle_count")]
    known = [int(count) for count in counts if count is not None and count.isdigit()]
    return sum(known) if known else None


def cooling_steps(thermal: Path = Path("/sys/class/thermal")) -> int | None:
    """Return by how many steps the kernel slows the processor down at this moment, to cool it.

    Boards without a firmware that does so have this; None where the kernel cannot.
    """
    states = [
        text(device / "cur_state")
        for device in thermal.glob("cooling_device*")
        if _COOLING.search(text(device / "type") or "")
    ]
    known = [int(state) for state in states if state is not None and state.isdigit()]
    return max(known, default=None)


def mhz(file: Path) -> float | None:
    """Return a frequency that a file holds in kilohertz."""
    khz = text(file)
    return int(khz) / 1000 if khz is not None and khz.isdigit() else None


def text(file: Path) -> str | None:
    """Return what a file of the system holds; None where it cannot be read."""
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def _policies(cpus: Path) -> list[Path]:
    found = (cpus / "cpufreq").glob("policy*")
    return sorted(found, key=lambda policy: int(policy.name.removeprefix("policy") or 0))


def _cores(policy: Path) -> set[int]:
    return {int(core) for core in (text(policy / "related_cpus") or "").split() if core.isdigit()}


def _usable() -> Collection[int]:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
