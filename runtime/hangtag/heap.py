"""Memory that was freed, given back to the system.

Frames are large and live for unequal times; glibc keeps what lies between those that are alive, and a camera
loop would grow by tens of megabytes in an hour without holding any of them.
"""

from __future__ import annotations

import ctypes
import sys


def give_back() -> bool:
    """Ask the C library to give free memory back; False where it has no such call (it is glibc's)."""
    if sys.platform != "linux":
        return False
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return False
    trim(0)
    return True
