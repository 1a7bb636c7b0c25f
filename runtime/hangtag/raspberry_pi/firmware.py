"""What a Raspberry Pi's firmware says about power and heat."""

from __future__ import annotations

import re

from hangtag.system import System, succeeded

# https://www.raspberrypi.com/documentation/computers/os.html#get_throttled
_NOW = {0: "under-voltage", 1: "frequency capped", 2: "throttled", 3: "soft temperature limit"}
_SINCE_START = 16
"""The same bits again, this far up, tell what has happened since the start."""


PROGRAM = "vcgencmd"
PACKAGE = "raspi-utils"
"""The package that brings the program."""


def ask(*arguments: str, system: System | None = None) -> str | None:
    """Return what ``vcgencmd`` says; None where there is none, or it fails."""
    return succeeded((system or System()).ask(PROGRAM, *arguments))


def throttled(system: System | None = None) -> int | None:
    """Return the flags of ``get_throttled``; None where there is no such firmware."""
    return throttle_flags(ask("get_throttled", system=system) or "")


def throttle_flags(said: str) -> int | None:
    """Return the flags in what the firmware said, as ``throttled=0x50005``."""
    found = re.fullmatch(r"throttled=0x([0-9a-fA-F]+)", said.strip())
    return int(found[1], 16) if found else None


def throttle_reasons(flags: int) -> list[str]:
    """Return what holds the processor back at this moment, in words; what was before is not counted."""
    return [reason for bit, reason in _NOW.items() if flags >> bit & 1]


def past_flags(flags: int) -> int:
    """Return what has held it back since the machine's start, as if it did at this moment."""
    return flags >> _SINCE_START & 0xF


def past_reasons(flags: int) -> list[str]:
    """Return what has held it back since the machine's start, in words."""
    return throttle_reasons(past_flags(flags))
