"""The memory that this process holds, and the most it has held."""

from __future__ import annotations

import platform
from pathlib import Path

_STATUS = Path("/proc/self/status")


def peak_memory_mb(status: Path = _STATUS) -> float | None:
    """Return the peak resident memory of this process in megabytes (10**6 bytes), or None where unknown.

    Linux is asked for VmHWM. ``ru_maxrss`` would not do there: a child process starts with its parent's
    peak, and a large parent would show in every row.
    """
    peak_mb = _told_mb(status, "VmHWM:")
    return _peak_on_mac_mb() if peak_mb is None else peak_mb


def resident_mb(status: Path = _STATUS) -> float | None:
    """Return the resident memory of this process in megabytes (10**6 bytes), or None where unknown."""
    return _told_mb(status, "VmRSS:")


def _told_mb(status: Path, key: str) -> float | None:
    try:
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith(key):
                return int(line.split()[1]) * 1024 / 1e6
    except (OSError, ValueError, IndexError):
        pass
    return None


def _peak_on_mac_mb() -> float | None:
    if platform.system() != "Darwin":
        return None
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
