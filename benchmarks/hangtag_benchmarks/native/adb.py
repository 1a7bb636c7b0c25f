"""Commands to an Android device through ``adb``, the debug bridge.

A command line for the device goes through its shell, whatever this side does; so nothing of a user's goes
into one unquoted, and files get names of ours.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hangtag.errors import BenchmarkError

HOW = "install it (apt install adb, or Android's platform tools) and switch on USB debugging on the phone"

_SERIAL = re.compile(r"[A-Za-z0-9\[][A-Za-z0-9._:%\[\]-]{0,127}")
_LOST = "the phone was lost while it was at work"
_ENDED = "hangtag-ended="
"""Printed with the command's status: adb itself passes it on from devices since Android 7 alone."""


def is_serial(text: str) -> bool:
    """Return whether a device could be called so: a serial number, or an address with a port."""
    return _SERIAL.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Adb:
    """One device.

    Args:
        serial: as ``adb devices`` lists it.
        program: adb itself.
    """

    serial: str
    program: str = "adb"

    def __post_init__(self) -> None:
        if not is_serial(self.serial):
            raise ValueError(f"got {self.serial!r}; wanted a serial number as adb devices lists it")

    def missing(self) -> str | None:
        """Return why the device cannot be spoken to and what to do, None where it can."""
        if shutil.which(self.program) is None:
            return f"adb is not installed; {HOW}"
        try:
            said = self._run("get-state", timeout_s=30).decode(errors="replace").strip()
        except BenchmarkError as error:
            return str(error)
        return None if said == "device" else f"the phone is in the state {said!r}; wanted 'device'"

    def shell(self, script: str, *, timeout_s: float = 60) -> tuple[int, str]:
        """Run a script in the device's shell; return its status and all that it printed.

        Raises:
            BenchmarkError: the device is gone, or it does not end.
        """
        whole = f"( {script} ) 2>&1; echo {_ENDED}$?"
        said = self._run("shell", whole, timeout_s=timeout_s).decode(errors="replace").replace("\r\n", "\n")
        text, marker, status = said.rpartition(_ENDED)
        if not marker or not status.strip().isdigit():
            raise BenchmarkError(_LOST)
        return int(status), text

    def push(self, source: Path, target: str) -> None:
        """Copy a file to the device.

        Raises:
            BenchmarkError: it cannot be copied.
        """
        self._run("push", str(source.absolute()), target, timeout_s=300)

    def read(self, source: str) -> bytes:
        """Return a file of the device; nothing where there is none.

        Raises:
            BenchmarkError: the device is gone.
        """
        return self._run("exec-out", f"cat {shlex.quote(source)} 2>/dev/null", timeout_s=60, status=False)

    def _run(self, *arguments: str, timeout_s: float, status: bool = True) -> bytes:
        try:
            done = subprocess.run(
                [self.program, "-s", self.serial, *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=timeout_s,
                check=False,
            )
        except OSError as error:
            raise BenchmarkError(f"cannot start adb ({error.strerror}); {HOW}") from None
        except subprocess.TimeoutExpired:
            raise BenchmarkError(f"the phone did not answer adb within {timeout_s:g} s") from None
        if done.returncode != 0 and status and _ENDED.encode() not in done.stdout:
            raise BenchmarkError(self._refusal(done.stderr or done.stdout))
        return done.stdout

    def _refusal(self, said: bytes) -> str:
        """Return adb's own words, without the serial number: reports are published."""
        lines = [line.strip() for line in said.decode(errors="replace").splitlines() if line.strip()]
        if not lines:
            return _LOST
        # Advice follows, and before it may stand that its server was started.
        errors = [line for line in lines if line.startswith(("error: ", "adb: "))]
        first = (errors or lines[-1:])[0].replace(self.serial, "SERIAL")
        hint = "; allow debugging on the phone's screen" if "unauthorized" in first else ""
        hint = "; adb devices lists what is connected" if "not found" in first else hint
        return f"adb says: {first.removeprefix('adb: ').removeprefix('error: ').rstrip('.')}{hint}"


def command_line(words: Sequence[str]) -> str:
    """Return a command for the device's shell, every word of it quoted."""
    return shlex.join(words)
