"""A thread that hangs in native code does not turn a good end into a crash, nor delay it."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

_PROGRAM = """
import threading
import numpy as np
from hangtag import Classifier
from hangtag.cli.leaving import leave

def hang(inside):
    classifier = Classifier.bundled()
    image = np.zeros((48, 64, 3), np.uint8)
    while True:
        classifier.scores(image)  # C++ that lets go of the interpreter's lock and takes it again
        inside.set()

for inside in [threading.Event() for _ in range(3)]:
    threading.Thread(target=hang, args=[inside], name={name!r}, daemon=True).start()
    inside.wait()
print("done")
leave({code!r})
"""


@pytest.mark.parametrize(("code", "exit_code"), [(0, 0), (None, 0), (3, 3), ("said why", 1)])
def test_a_hung_thread_is_left_behind(code: str | int | None, exit_code: int) -> None:
    program = _PROGRAM.format(name="hangtag-infer", code=code)
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == exit_code, done.stderr
    assert done.stdout == "done\n"
    assert done.stderr == (f"{code}\n" if isinstance(code, str) else "")
    assert time.monotonic() - begun < 30
