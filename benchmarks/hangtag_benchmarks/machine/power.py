"""What feeds the machine."""

from __future__ import annotations

from pathlib import Path

from hangtag_benchmarks.machine.clocks import text

_SUPPLIES = Path("/sys/class/power_supply")


def power_source(supplies: Path = _SUPPLIES) -> str | None:
    """Return ``mains`` or ``battery``; None where the machine does not know, as most boards do not.

    A mouse's battery (``scope`` Device) feeds no processor. A laptop may have several sockets; one that is
    plugged in is enough.
    """
    online, states = False, []
    for supply in supplies.glob("*"):
        if text(supply / "scope") == "Device":
            continue
        if text(supply / "type") == "Battery":
            states.append(text(supply / "status"))
        else:
            online = online or (text(supply / "online") or "0") not in {"0", ""}
    if online:
        return "mains"
    if "Discharging" in states:
        return "battery"
    # What charges, or is full and does not go down, is plugged in.
    return "mains" if {"Charging", "Full", "Not charging"} & set(states) else None
