"""A benchmark that is stopped keeps what it has, says so, and leaves no process behind."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tiny_models import whole_model

from hangtag.contract import InputSpec, ModelContract


@dataclasses.dataclass
class Running:
    """A benchmark in a process group of its own, as a shell starts it, and its first lines."""

    process: subprocess.Popen[str]
    folder: Path
    said: list[str]

    def wait_for(self, start: str) -> None:
        """Read what it says until a line begins so."""
        assert self.process.stderr is not None
        while not self.said or not self.said[-1].startswith(start):
            line = self.process.stderr.readline()
            assert line, f"it ended with {self.process.wait()}: {self.said}"
            self.said.append(line)

    def end(self) -> tuple[int, str, str]:
        """Wait for its end; return exit code, standard output and the rest of standard error."""
        stdout, stderr = self.process.communicate(timeout=60)
        return self.process.returncode, stdout, stderr


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """Starts a benchmark of a tiny model that would take many minutes."""
    model, folder = tmp_path / "tiny.tflite", tmp_path / "report"
    model.write_bytes(
        whole_model(ModelContract(labels=("a", "b", "c"), input=InputSpec(width_px=8, height_px=8)))
    )
    command = [sys.executable, "-m", "hangtag", "benchmark", str(model), "--quick", "--device", "cpu"]
    process = subprocess.Popen(
        [*command, "--rounds", "999", "--report", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    yield Running(process, folder, [])
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _is_empty(group: int) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups")
@pytest.mark.parametrize(
    "interrupt",
    [
        # A terminal's Ctrl-C reaches the measuring process, too; a service manager's signal may not.
        lambda process: os.killpg(process.pid, signal.SIGINT),
        lambda process: os.kill(process.pid, signal.SIGINT),
        lambda process: os.kill(process.pid, signal.SIGTERM),
    ],
    ids=["terminal", "SIGINT", "SIGTERM"],
)
def test_ctrl_c_saves_what_was_measured_marked_as_incomplete(
    interrupt: Callable[[subprocess.Popen[str]], None], running: Running
) -> None:
    running.wait_for("round 2 ")
    interrupt(running.process)
    code, stdout, stderr = running.end()
    assert code == 1
    assert "stopped: what was measured so far is kept" in stderr
    assert stderr.splitlines()[-1].startswith("Error: it was stopped")
    assert "Traceback" not in stderr
    assert stdout.startswith("INCOMPLETE")
    saved = json.loads((running.folder / "benchmark.json").read_text())
    assert (saved["complete"], saved["rounds"]) == (False, 1)
    assert [len(row["blocks"]) for row in saved["rows"]] == [1]
    assert "INCOMPLETE" in (running.folder / "benchmark.md").read_text()
    assert _is_empty(running.process.pid)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups")
def test_ctrl_c_before_anything_was_measured_is_one_line_and_no_report(running: Running) -> None:
    running.wait_for("round 1 ")
    os.killpg(running.process.pid, signal.SIGINT)
    code, stdout, stderr = running.end()
    assert (code, stdout) == (1, "")
    assert stderr.splitlines()[-1] == "Error: it was stopped before anything was measured"
    assert not list(running.folder.iterdir())
    assert _is_empty(running.process.pid)
