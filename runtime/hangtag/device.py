"""What can be found out about the machine, without naming it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import sys
from collections.abc import Mapping
from pathlib import Path


def cpu_model() -> str:
    """Return the processor's name as the system tells it, or its architecture where it does not."""
    for path, key in (("/proc/device-tree/model", None), ("/proc/cpuinfo", "model name")):
        try:
            text = Path(path).read_text(encoding="utf-8", errors="replace").strip("\x00\n ")
        except OSError:
            continue
        if key is None:
            return text
        for line in text.splitlines():
            if line.startswith(key):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def usable_cores() -> int:
    """Return how many CPU cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_MEMINFO = Path("/proc/meminfo")


def memory_mb(meminfo: Path = _MEMINFO) -> tuple[float, float] | None:
    """Return total and available memory in megabytes (10**6 bytes); None where unknown."""
    kibibytes = _kibibytes(meminfo)
    if kibibytes is None:
        return None
    return kibibytes["MemTotal"] * 1024 / 1e6, kibibytes["MemAvailable"] * 1024 / 1e6


def swap_mb(meminfo: Path = _MEMINFO) -> float | None:
    """Return how much swap there is, in megabytes (10**6 bytes); None where unknown."""
    kibibytes = _kibibytes(meminfo)
    return None if kibibytes is None else kibibytes.get("SwapTotal", 0) * 1024 / 1e6


def _kibibytes(meminfo: Path) -> dict[str, int] | None:
    try:
        lines = meminfo.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return {line.partition(":")[0]: int(line.split()[1]) for line in lines if len(line.split()) > 1}


_THERMAL, _HWMON = Path("/sys/class/thermal"), Path("/sys/class/hwmon")

_CPU_ZONES = (re.compile("x86_pkg_temp"), re.compile("cpu|core|cluster", re.IGNORECASE), re.compile("soc"))
"""Types of thermal zones that are the processor's, the surest first: a Pi's ``cpu-thermal``, an RK3588's
``bigcore0-thermal``. Others are a mainboard (``acpitz``, often one and the same number), radio or battery."""

_CPU_CHIPS = ("coretemp", "k10temp", "zenpower", "cpu_thermal")
"""Names of hardware monitors in processors; AMD's have no thermal zone."""


def cpu_temperature_c(thermal: Path = _THERMAL, hwmon: Path = _HWMON) -> float | None:
    """Return the processor's temperature in degrees Celsius, its hottest sensor's; None where none tells."""
    zones = [(_text(zone / "type"), zone / "temp") for zone in sorted(thermal.glob("thermal_zone*"))]
    chips = [chip for chip in hwmon.glob("hwmon*") if _text(chip / "name") in _CPU_CHIPS]
    for files in (
        *([file for kind, file in zones if pattern.search(kind)] for pattern in _CPU_ZONES),
        [chip / "temp1_input" for chip in chips],
        # A board with one sensor has it in its processor, whatever it is called.
        [file for kind, file in zones if len(zones) == 1 and kind != "acpitz"],
    ):
        found = [value for value in map(_celsius, files) if value is not None]
        if found:
            return max(found)
    return None


def _celsius(file: Path) -> float | None:
    try:
        value = int(_text(file)) / 1000
    except ValueError:
        return None
    # A sensor that is asleep says -274 or 0; one that is broken 255.
    return value if value and -50 < value < 150 else None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def version_of(package: str) -> str | None:
    """Return an installed distribution's version, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def platform_line() -> str:
    """Return operating system, architecture and Python version."""
    return f"{platform.system()} {platform.release()}, {platform.machine()}, Python {sys.version.split()[0]}"


_NO_CAMERA = ("bcm2835-codec", "bcm2835-isp", "rpi-hevc-dec", "rpivid", "pispbe")
"""Beginnings of the names of a Raspberry Pi's video devices that are codecs and image processors."""


def cameras(system: Path = Path("/sys/class/video4linux"), devices: Path = Path("/dev")) -> dict[Path, str]:
    """Return V4L2 devices by path with the names their drivers give, without those that are codecs."""
    found = {}
    for path in sorted(devices.glob("video*")):
        try:
            name = (system / path.name / "name").read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            name = "unnamed"
        if not name.startswith(_NO_CAMERA):
            found[path] = name
    return found


def has_screen(environment: Mapping[str, str] | None = None) -> bool:
    """Return False on a Linux without a display server to open windows on.

    Args:
        environment: the variables that name one; None for this process's.
    """
    named = os.environ if environment is None else environment
    return sys.platform != "linux" or bool(named.get("DISPLAY") or named.get("WAYLAND_DISPLAY"))
