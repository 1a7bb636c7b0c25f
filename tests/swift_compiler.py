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
    """The command that compiles; everything must compile without a warning."""

    command: str

    def compile(self, sources: Iterable[Path], program: Path) -> None:
        """Compile files into one program."""
        self._run(["-O", *map(str, sources), "-o", str(program)], program.parent)

    def module(self, name: str, sources: Iterable[Path], folder: Path) -> None:
        """Make a module that other sources can import, of files that may import the modules in ``folder``."""
        what = ["-emit-module", "-enable-testing", "-parse-as-library", "-module-name", name]
        where = ["-I", str(folder), "-emit-module-path", str(folder / f"{name}.swiftmodule")]
        self._run([*what, *where, *map(str, sources)], folder)

    def type_check(self, sources: Iterable[Path], folder: Path) -> None:
        """Check files that may import the modules in ``folder``."""
        self._run(["-typecheck", "-I", str(folder), *map(str, sources)], folder)

    def _run(self, arguments: list[str], folder: Path) -> None:
        done = subprocess.run(
            [self.command, "-warnings-as-errors", *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=folder,
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
