"""What was freed between things that live on is given back."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

_PROGRAM = """
import numpy as np
from hangtag.heap import give_back
from hangtag_benchmarks.machine.memory import resident_mb

del_me = np.ones(30_000_000, np.uint8)
del del_me  # from now on glibc takes blocks of this size from its heap
frames = [np.ones(900_000 + 1000 * n, np.uint8) for n in range(200)]
kept = frames[::10]
del frames
before = resident_mb()
assert give_back()
print(before - resident_mb())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc: others have no malloc_trim")
def test_free_memory_goes_back_to_the_system() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True)
    assert float(done.stdout) > 100
