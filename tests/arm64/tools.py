"""Other people's programs, and how preparing ends where one fails."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from typing import NoReturn

QEMU_NAMES = ("qemu-aarch64-static", "qemu-aarch64")

INSTALL_QEMU = "sudo apt install qemu-user-static"


def run(command: Sequence[str]) -> None:
    """Run a program and wait for it.

    Raises:
        SystemExit: it failed.
    """
    if not succeeds(command):
        fail(f"{' '.join(command[:3])} … failed; its messages stand above")


def succeeds(command: Sequence[str]) -> bool:
    """Run a program, wait for it, and return whether it succeeded.

    All that it reports goes to standard error: preparing has no output of its own.
    """
    return subprocess.run(command, check=False, stdout=sys.stderr).returncode == 0


def answer(command: Sequence[str]) -> str:
    """Run a program and return what it prints.

    Raises:
        SystemExit: it failed.
    """
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        fail(f"{' '.join(command[:3])} … failed; its messages stand above")
    return done.stdout


def check_machine() -> None:
    """Raise where a program is missing that preparing needs.

    Raises:
        SystemExit: one is; the message says how to get it.
    """
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            fail(f"{tool} is missing: an emulated ARM system can be made on Debian and its kin alone")
    if not has_qemu():
        fail(f"{QEMU_NAMES[0]} is missing: {INSTALL_QEMU}")


def has_qemu() -> bool:
    """Return whether the emulator is installed."""
    return any(shutil.which(name) for name in QEMU_NAMES)


def say(line: str) -> None:
    """Say what happens now."""
    print(line, file=sys.stderr, flush=True)


def fail(message: str) -> NoReturn:
    """End with one line.

    Raises:
        SystemExit: always.
    """
    raise SystemExit(message)
