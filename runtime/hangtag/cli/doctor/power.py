"""Power and heat: what slows the processor down, or once did since the start."""

from __future__ import annotations

from collections.abc import Iterator

from hangtag import device
from hangtag.cli.findings import Finding
from hangtag.raspberry_pi import firmware
from hangtag.raspberry_pi.board import Board, board
from hangtag.system import System

_HOT_C = 80
_GOVERNOR = "/sys/devices/system/cpu/cpufreq/policy0/scaling_governor"
_UNDER_VOLTAGE = 1
"""The lowest of the firmware's flags; the others are of heat, or follow from it."""


def power_findings(system: System) -> Iterator[Finding]:
    """Yield temperature and governor; of a Raspberry Pi what its firmware reports."""
    pi = board(system)
    if pi is not None:
        yield from _firmware(system, pi)
    temperature = device.cpu_temperature_c(system.path("/sys/class/thermal"), system.path("/sys/class/hwmon"))
    if temperature is not None:
        hot = temperature >= _HOT_C
        fix = "cool it: from about 80 degrees a Pi slows itself down" if hot else ""
        yield Finding("note" if hot else "ok", f"CPU temperature: {temperature:.0f} degrees Celsius", fix)
    governor = system.text(_GOVERNOR)
    if pi is not None and governor:
        slow = governor == "powersave"
        yield Finding(
            "note" if slow else "ok",
            f"frequency governor: {governor}" + (", which is the slowest" if slow else ""),
            f"echo ondemand | sudo tee {_GOVERNOR.replace('policy0', 'policy*')}" if slow else "",
        )


def _firmware(system: System, pi: Board) -> Iterator[Finding]:
    if system.has_program(firmware.PROGRAM) is None:
        yield Finding(
            "note",
            f"{firmware.PROGRAM} is not installed: whether power or heat hold the board back is not known",
            f"sudo apt install -y {firmware.PACKAGE}",
        )
        return
    flags = firmware.throttled(system)
    if flags is None:
        fix = "sudo usermod -aG video $USER, then log in again"
        yield Finding("note", f"{firmware.PROGRAM} get_throttled does not answer (not yours to ask?)", fix)
        return
    yield _now(flags, pi)
    past = firmware.throttle_reasons(firmware.past_flags(flags) & ~flags)
    if past:
        what = f"since its start the board has also reported: {', '.join(past)}"
        yield Finding("note", what, _advice(firmware.past_flags(flags) & ~flags, pi))


def _now(flags: int, pi: Board) -> Finding:
    reasons = firmware.throttle_reasons(flags)
    if not reasons:
        return Finding("ok", f"power: nothing holds the board back now (throttled=0x{flags:x})")
    # Too little voltage ruins cards and cameras; heat only makes it slow.
    state = "wrong" if flags & _UNDER_VOLTAGE else "note"
    return Finding(
        state, f"the board reports: {', '.join(reasons)} (throttled=0x{flags:x})", _advice(flags, pi)
    )


def _advice(flags: int, pi: Board) -> str:
    if flags & _UNDER_VOLTAGE:
        return (
            f"take a power supply that gives {pi.supply}, with a short cable; then sudo reboot, "
            f"and {firmware.PROGRAM} get_throttled says throttled=0x0"
        )
    return "cool it: a heat sink or a fan; then sudo reboot"
