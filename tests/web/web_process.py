"""A running ``hangtag web``, and what it says."""

from __future__ import annotations

import re
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

_START_S = 30.0


class WebProcess:
    """One that serves, and what it said before."""

    def __init__(self, process: subprocess.Popen[str], said: str) -> None:
        self.process, self.said = process, said

    @property
    def port(self) -> int:
        """Where it listens, as it says."""
        found = re.search(r"on this machine: https?://localhost:(\d+)/", self.said)
        assert found is not None, self.said
        return int(found.group(1))

    def end(self, number: int = signal.SIGINT) -> tuple[int, str]:
        """Return the exit code, and what was said at the end."""
        self.process.send_signal(number)
        _, rest = self.process.communicate(timeout=10)
        return self.process.returncode, rest


@contextmanager
def running(program: Sequence[str], *options: str, env: Mapping[str, str]) -> Iterator[WebProcess]:
    """Start ``hangtag web`` on a free port, and wait until it serves."""
    process = subprocess.Popen(
        [*program, "web", "--port", "0", *options],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env=dict(env),
    )
    # What does not start must not hang the tests.
    watchdog = threading.Timer(_START_S, process.kill)
    watchdog.start()
    try:
        assert process.stderr is not None
        said = ""
        for line in process.stderr:
            said += line
            if line.startswith("Ctrl-C"):
                break
        watchdog.cancel()
        yield WebProcess(process, said)
    finally:
        watchdog.cancel()
        process.kill()
        process.communicate()
