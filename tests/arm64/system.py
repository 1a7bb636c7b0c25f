"""The prepared system, to run programs in."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from arm64.memory import PeakWithoutTranslations
from arm64.tools import INSTALL_QEMU, QEMU_NAMES, has_qemu

VARIABLE = "HANGTAG_ARM_SYSTEM"
"""Names the folder of a prepared system to tests."""

PREPARE = "make test-arm64"
"""What prepares a system and runs all that needs one."""

_WITNESS = Path(__file__).resolve().parent / "witness"


@dataclass(frozen=True, slots=True)
class Testimony:
    """What one Python process says of itself at its end.

    Args:
        command: how it was started.
        packages: top-level packages that it loaded, without Python's own.
        peak_mb: the most memory that it held, in 10**6 bytes, the emulator's included; of the process that
            was started itself without code that was translated (:mod:`arm64.memory`).
    """

    command: tuple[str, ...]
    packages: frozenset[str]
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended: its exit status, what it printed, and what its Python processes say."""

    status: int
    output: str
    errors: str
    testimonies: tuple[Testimony, ...] = ()


@dataclass(frozen=True, slots=True)
class ArmSystem:
    """A folder that ``python -m arm64`` filled."""

    folder: Path

    @property
    def python(self) -> Path:
        """Its Python."""
        return self.folder / "env" / "bin" / "python"

    @property
    def hangtag(self) -> Path:
        """The program that the wheel installed."""
        return self.folder / "env" / "bin" / "hangtag"

    def fault(self) -> str | None:
        """Return in one line why it cannot be used, or None where it can."""
        if not self.hangtag.is_file():
            return f"{self.folder} holds no emulated ARM system; make it with: {PREPARE}"
        return None


def why_none() -> str | None:
    """Return why this machine has no emulated ARM system and how to get one, or None where one is named."""
    if platform.machine() == "aarch64":
        return "this machine is ARM itself: there is nothing to compare"
    if not os.environ.get(VARIABLE):
        return f"no emulated ARM system; make one, and run this in it, with: {PREPARE}"
    if not has_qemu():
        return f"{QEMU_NAMES[0]} is not installed: {INSTALL_QEMU}"
    return None


def named_system() -> ArmSystem:
    """Return the system that the environment names."""
    return ArmSystem(Path(os.environ[VARIABLE]).absolute())


def run_watched(
    command: Sequence[str | Path],
    notes: Path,
    variables: Mapping[str, str],
    *,
    timeout_s: float = 1800,
) -> Ran:
    """Run a command in a folder of its own and gather what its Python processes say.

    Args:
        command: the program with its arguments.
        notes: a new folder: the working folder, and that of all that is written.
        variables: of the environment, besides those of this process that are not Python's or ours.
        timeout_s: the longest that it may take.

    Raises:
        subprocess.TimeoutExpired: it took longer.
    """
    said = notes / "witness"
    said.mkdir(parents=True)
    own = {"PYTHONPATH": str(_WITNESS), "HANGTAG_WITNESS": str(said), "HANGTAG_CACHE": str(notes / "cache")}
    with subprocess.Popen(
        [str(part) for part in command],
        env=plain_environment() | own | dict(variables),
        cwd=notes,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        peak = PeakWithoutTranslations(process.pid)
        try:
            with peak.watching():
                output, errors = process.communicate(timeout=timeout_s)
        finally:
            process.kill()
    testimonies = tuple(_read(path, process.pid, peak) for path in sorted(said.glob("*.json")))
    return Ran(process.returncode, output, errors, testimonies)


def plain_environment() -> dict[str, str]:
    """Return this process's environment without what would turn a Python, or Hangtag, aside."""
    ours = ("PYTHON", "HANGTAG_", "QEMU_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def _read(path: Path, started: int, peak: PeakWithoutTranslations) -> Testimony:
    said = json.loads(path.read_text(encoding="utf-8"))
    peak_kib: int = said["peak_kib"]
    peak_mb = peak.mb(peak_kib) if path.stem == str(started) else peak_kib * 1024 / 1e6
    return Testimony(tuple(said["command"]), frozenset(said["packages"]), peak_mb)
