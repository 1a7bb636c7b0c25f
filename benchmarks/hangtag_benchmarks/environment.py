"""What the numbers depend on besides the model: the machine and what it was doing."""

from __future__ import annotations

import os
from pathlib import Path

import cv2

from hangtag import __version__
from hangtag.device import (
    cpu_model,
    cpu_temperature_c,
    memory_mb,
    platform_line,
    usable_cores,
    version_of,
)
from hangtag_benchmarks.records import Conditions, Environment
from hangtag_benchmarks.vcgencmd import throttled

BUSY_LOAD_AVERAGE = 0.5
"""Above this many waiting or running processes a machine is called busy."""

_PACKAGES = ("ai-edge-litert", "numpy")
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")
_CPUFREQ = Path("/sys/devices/system/cpu/cpu0/cpufreq")


def conditions() -> Conditions:
    """Look at what changes while one measures."""
    return Conditions(_load_average_1min(), _cpu_frequency_mhz(), cpu_temperature_c(), throttled())


def environment(before: Conditions, after: Conditions) -> Environment:
    """Describe the machine, with its conditions before and after measuring."""
    memory = memory_mb()
    versions = {name: version_of(name) for name in _PACKAGES}
    return Environment(
        cpu=cpu_model(),
        usable_cores=usable_cores(),
        memory_mb=None if memory is None else memory[0],
        platform=platform_line(),
        versions={
            "hangtag": __version__,
            **{name: version for name, version in versions.items() if version is not None},
            "opencv": cv2.__version__,
        },
        frequency_governor=_read(_CPUFREQ / "scaling_governor"),
        most_frequency_mhz=_mhz(_CPUFREQ / "cpuinfo_max_freq"),
        power_source=power_source(),
        thread_variables={name: os.environ[name] for name in _THREAD_VARIABLES if name in os.environ},
        before=before,
        after=after,
    )


def busy_note(before: Conditions) -> str | None:
    """Return a warning where the machine had other work to do before the benchmark began."""
    load = before.load_average_1min
    if load is None or load <= BUSY_LOAD_AVERAGE:
        return None
    return (
        f"the machine was busy from the start (load average {load:.1f}): "
        "the numbers may be too high and scatter"
    )


def _load_average_1min() -> float | None:
    try:
        return os.getloadavg()[0]
    except (OSError, AttributeError):
        return None


def _cpu_frequency_mhz() -> float | None:
    """Return the first core's frequency now."""
    told = _mhz(_CPUFREQ / "scaling_cur_freq")
    if told is not None:
        return told
    for line in (_read(Path("/proc/cpuinfo")) or "").splitlines():
        if line.startswith("cpu MHz"):
            return float(line.partition(":")[2])
    return None


def power_source(supplies: Path = Path("/sys/class/power_supply")) -> str | None:
    """Return ``mains`` or ``battery``; None where the machine does not know, as most boards do not."""
    kinds = {}
    for supply in sorted(supplies.glob("*")):
        kinds[_read(supply / "type")] = _read(supply / "online") or _read(supply / "status")
    if kinds.get("Mains") == "1" or kinds.get("USB") == "1":
        return "mains"
    return "battery" if kinds.get("Battery") == "Discharging" else None


def _mhz(path: Path) -> float | None:
    khz = _read(path)
    return int(khz) / 1000 if khz is not None and khz.isdigit() else None


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None
