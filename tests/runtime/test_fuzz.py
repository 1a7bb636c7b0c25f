"""A short fuzz run over models; the long one is ``python tests/fuzz_models.py --count 100000``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_COMMAND = Path(__file__).parents[1] / "fuzz_models.py"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that can fork")
def test_mutated_models_end_in_one_line_or_work() -> None:
    done = subprocess.run(
        [sys.executable, str(_COMMAND), "--count", "300", "--seed", "20"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    counts = {line.split(maxsplit=1)[1]: int(line.split()[0]) for line in done.stdout.splitlines()[:-1]}
    assert counts["DEFECT"] == 0
    # The run is worth something only where cases get past each of the stations.
    for end in ("refused by our reader", "refused by the engine, in the child process"):
        assert counts[end] > 20
    assert counts["loaded and classified a frame"] > 20
