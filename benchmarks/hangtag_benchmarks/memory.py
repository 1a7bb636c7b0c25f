"""The most memory this process has held."""

from __future__ import annotations

import platform
from pathlib import Path

_STATUS = Path("/proc/self/status")


def peak_memory_mb(status: Path = _STATUS) -> float | None:
    """Return the peak resident memory of this process in megabytes (2**20 bytes), or None where unknown.

    Linux is asked for VmHWM. ``ru_maxrss`` would not do there: a child process starts with its parent's
    peak, and a large parent would show in every row.
    """
    try:
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except (OSError, ValueError, IndexError):
        pass
    return _peak_on_mac_mb()


def _peak_on_mac_mb() -> float | None:
    if platform.system() != "Darwin":
        return None
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
