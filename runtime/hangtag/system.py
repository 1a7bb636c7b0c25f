"""The machine, as its files, its programs and its Python tell of it: looked at through one object.

What says something about a machine asks a :class:`System`, so that a recorded machine can stand in its place.
"""

from __future__ import annotations

import os
import platform
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hangtag import device


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program said: its exit status, and all that it printed, errors among it."""

    status: int
    text: str


@dataclass(frozen=True, slots=True)
class RunningPython:
    """The Python that runs this: its version, the bits of a pointer, and where it lives."""

    version: tuple[int, int, int]
    bits: int
    prefix: str
    base_prefix: str

    @property
    def is_venv(self) -> bool:
        """Whether it is a virtual environment."""
        return self.prefix != self.base_prefix

    @property
    def short(self) -> str:
        """Major and minor version: ``3.11``."""
        return f"{self.version[0]}.{self.version[1]}"


class System:
    """This machine.

    Args:
        root: the folder that holds the machine's files; paths asked for are absolute, below it.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self.root = root

    def path(self, path: str) -> Path:
        """Return where a file of the machine is."""
        return self.root / path.lstrip("/")

    def text(self, path: str) -> str | None:
        """Return what a file holds, without NULs and white space around it; None where it cannot be read."""
        try:
            return self.path(path).read_text(encoding="utf-8", errors="replace").strip("\0 \t\n")
        except OSError:
            return None

    def has(self, path: str) -> bool:
        """Return whether there is such a file or folder."""
        return self.path(path).exists()

    def names(self, folder: str, pattern: str) -> list[str]:
        """Return the names in a folder that match, in order; none where there is no such folder."""
        return sorted(found.name for found in self.path(folder).glob(pattern))

    def ask(self, *command: str, patience_s: float = 5.0) -> Answer | None:
        """Run a program and return what it says; None where it is missing or does not end in time."""
        program = shutil.which(command[0])
        if program is None:
            return None
        try:
            done = subprocess.run(
                [program, *command[1:]],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=patience_s,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return Answer(done.returncode, done.stdout.decode("utf-8", "replace"))

    def has_program(self, *names: str) -> str | None:
        """Return the first of these programs that is installed."""
        return next((name for name in names if shutil.which(name)), None)

    def machine(self) -> str:
        """Return what kind of machine the kernel says this is (``aarch64``), as ``uname -m``."""
        return platform.machine()

    @property
    def environment(self) -> Mapping[str, str]:
        """Its environment variables."""
        return os.environ

    def python(self) -> RunningPython:
        """Return the Python that runs this."""
        version = sys.version_info
        return RunningPython(
            (version.major, version.minor, version.micro),
            struct.calcsize("P") * 8,
            sys.prefix,
            sys.base_prefix,
        )

    def version_of(self, package: str) -> str | None:
        """Return the version of an installed Python distribution, as this Python sees it, or None."""
        return device.version_of(package)

    def now_s(self) -> float:
        """Return the time of day in seconds since 1970."""
        return time.time()


def succeeded(answer: Answer | None) -> str | None:
    """Return what a program said, stripped; None where there was none, or it failed."""
    return answer.text.strip() if answer is not None and answer.status == 0 else None
