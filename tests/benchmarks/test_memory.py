"""Peak memory is this process's own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hangtag_benchmarks.machine.memory import peak_memory_mb, resident_mb

_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")


@_LINUX
def test_it_grows_with_what_is_held_and_stays() -> None:
    # In a process of its own: this one's peak may be that of a training that was tested before.
    program = (
        "from hangtag_benchmarks.machine.memory import peak_memory_mb as peak\n"
        "print(peak())\nblock = bytearray(b'x' * 64 * 2**20)\nprint(peak())\ndel block\nprint(peak())"
    )
    child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    before, during, after = map(float, child.stdout.split())
    assert during >= before + 60
    assert after == pytest.approx(during, abs=8)


@_LINUX
def test_a_large_parent_does_not_show() -> None:
    block = bytearray(b"x" * 400 * 2**20)
    program = "from hangtag_benchmarks.machine.memory import peak_memory_mb; print(peak_memory_mb())"
    child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert len(block) > 0
    assert float(child.stdout) < 200


@_LINUX
@pytest.mark.parametrize("content", [None, "", "Name: x\n", "VmHWM:\n", "VmHWM: many kB\n"])
def test_a_system_that_does_not_tell_is_unknown(tmp_path: Path, content: str | None) -> None:
    status = tmp_path / "status"
    if content is not None:
        status.write_text(content)
    assert peak_memory_mb(status) is None


def test_what_is_held_now_is_told_apart(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text("VmHWM:\t    4096 kB\nVmRSS:\t    1024 kB\n")
    assert (peak_memory_mb(status), resident_mb(status)) == (4.194304, 1.048576)


def test_kilobytes_become_megabytes(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text("VmPeak:\t  999999 kB\nVmHWM:\t    2048 kB\nVmRSS:\t 1 kB\n")
    assert peak_memory_mb(status) == 2.097152
