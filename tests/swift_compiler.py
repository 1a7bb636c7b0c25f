"""The Swift compiler that tests use, where there is one."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

_NEEDED = "needs Swift, and there is no {name} on the PATH: apt-get install swiftlang (Debian 13 or newer)"


@dataclass(frozen=True, slots=True)
class SwiftCompiler:
    """The command that compiles programs."""

    command: str

    def compile(self, sources: Iterable[Path], program: Path) -> None:
        """Compile files into one program, without a warning."""
        done = subprocess.run(
            [self.command, "-O", "-warnings-as-errors", *map(str, sources), "-o", str(program)],
            capture_output=True,
            text=True,
            check=False,
            cwd=program.parent,
        )
        assert done.returncode == 0, done.stderr


def find_swift() -> SwiftCompiler:
    """Return the compiler of the PATH; skip the test, loudly, where there is none."""
    return SwiftCompiler(swift_tool("swiftc"))


def swift_tool(name: str) -> str:
    """Return a program of the Swift toolchain; skip the test, loudly, where there is none."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(_NEEDED.format(name=name))
    return found
