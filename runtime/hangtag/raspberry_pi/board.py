"""Which Raspberry Pi this is, by the name that its firmware gives it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hangtag.system import System

_MODEL = "/proc/device-tree/model"
_NAME = re.compile(r"Raspberry Pi (?:Compute Module )?(?P<kind>Zero 2|Zero|\d+)?")
_FAMILIES = {"400": "4", "500": "5"}
"""Keyboards with a board of another name inside."""
_CPUS = {"5": "Cortex-A76", "4": "Cortex-A72", "3": "Cortex-A53", "Zero 2": "Cortex-A53"}
_ONLY_32_BITS = frozenset({"1", "Zero"})
_SUPPLIES = {"5": "5 V and 5 A", "4": "5.1 V and 3 A"}


@dataclass(frozen=True, slots=True)
class Board:
    """A board.

    Args:
        name: with its revision, as it says (``Raspberry Pi 4 Model B Rev 1.4``).
        family: ``5``, ``4``, ``3``, ``2``, ``1``, ``Zero 2`` or ``Zero``, which boards built alike share.
    """

    name: str
    family: str

    @property
    def cpu(self) -> str | None:
        """Its processor cores, of the boards that Hangtag is made for."""
        return _CPUS.get(self.family)

    @property
    def can_64_bits(self) -> bool:
        """Whether a 64-bit system runs on it."""
        if self.family == "2":  # its later revision has the Pi 3's processor
            return "Rev 1.2" in self.name
        return self.family not in _ONLY_32_BITS

    @property
    def has_clock(self) -> bool:
        """Whether it has a clock that goes on without power (where a battery is connected to it)."""
        return self.family == "5"

    @property
    def supply(self) -> str:
        """What its power supply must give."""
        return _SUPPLIES.get(self.family, "5.1 V and 2.5 A")


def board(system: System) -> Board | None:
    """Return which Raspberry Pi this is; None where it is none."""
    name = system.text(_MODEL) or ""
    found = _NAME.match(name)
    if found is None:
        return None
    kind = found["kind"] or "1"
    return Board(name, _FAMILIES.get(kind, kind))
