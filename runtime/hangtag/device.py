"""What can be found out about the machine, without naming it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
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


def memory_mb() -> tuple[float, float] | None:
    """Return total and available memory in megabytes, or None where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    values = {line.partition(":")[0]: int(line.split()[1]) / 1024 for line in lines if len(line.split()) > 1}
    return values["MemTotal"], values["MemAvailable"]


def cpu_temperature_c() -> float | None:
    """Return the temperature of the first thermal zone in degrees Celsius, or None where there is none."""
    try:
        return int(Path("/sys/class/thermal/thermal_zone0/temp").read_text(encoding="ascii")) / 1000
    except (OSError, ValueError):
        return None


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


def has_screen() -> bool:
    """Return False on a Linux without a display server to open windows on."""
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
