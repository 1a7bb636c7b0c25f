"""What an Android phone is and how warm it is: asked by fixed scripts, read from what it prints."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from hangtag_benchmarks.measurements import RemoteDevice

_PROPERTIES = {
    "maker": "ro.product.manufacturer",
    "model": "ro.product.model",
    "soc_maker": "ro.soc.manufacturer",
    "soc": "ro.soc.model",
    "board": "ro.board.platform",
    "android": "ro.build.version.release",
    "abi": "ro.product.cpu.abi",
}

FACTS_SCRIPT = "; ".join(
    [
        *(f'echo "{key}=$(getprop {name})"' for key, name in _PROPERTIES.items()),
        (
            "for c in /sys/devices/system/cpu/cpu[0-9]*/cpufreq; do "
            'echo "governor=$(cat $c/scaling_governor 2>/dev/null)"; '
            'echo "khz=$(cat $c/cpuinfo_max_freq 2>/dev/null)"; done'
        ),
        "dumpsys SurfaceFlinger 2>/dev/null | grep -m1 GLES:",
    ]
)
"""Prints what does not change; the GPU is the one that draws the screen."""

STATE_SCRIPT = (
    "for z in /sys/class/thermal/thermal_zone*; do "
    'echo "zone=$(cat $z/type 2>/dev/null) $(cat $z/temp 2>/dev/null)"; done; '
    "dumpsys thermalservice 2>/dev/null"
)
"""Prints what does; most phones tell their zones to root alone, and the service to everyone."""

_CPU_ZONE = re.compile(r"cpu|soc|^(?:big|mid|little)$", re.IGNORECASE)
_GLES = re.compile(r"GLES: (?P<vendor>[^,]*), (?P<name>[^,]*)")
_STATUS = re.compile(r"Thermal Status: (?P<status>\d)")
_HAL = re.compile(r"Temperature\{mValue=(?P<value>-?[\d.]+), mType=(?P<type>-?\d+)")
_HAL_CPU = "0"
_NOW = "Current temperatures from HAL"


@dataclass(frozen=True, slots=True)
class PhoneState:
    """How a phone is now; None where it does not tell."""

    temperature_c: float | None
    throttling: int | None


@dataclass(frozen=True, slots=True)
class PhoneFacts:
    """What a phone is; None where it does not tell."""

    name: str
    soc: str | None
    system: str
    frequency_governor: str | None
    most_frequency_mhz: float | None
    gpu: str | None

    def device(self, state: PhoneState) -> RemoteDevice:
        """Return the phone as rows have it."""
        return RemoteDevice(
            name=self.name,
            soc=self.soc,
            system=self.system,
            frequency_governor=self.frequency_governor,
            most_frequency_mhz=self.most_frequency_mhz,
            temperature_c=state.temperature_c,
            throttling=state.throttling,
        )


def read_facts(said: str) -> PhoneFacts:
    """Read what :data:`FACTS_SCRIPT` printed."""
    told: dict[str, list[str]] = {}
    for line in said.splitlines():
        key, _, value = line.strip().partition("=")
        if value.strip():
            told.setdefault(key, []).append(_printable(value))
    first = {key: values[0] for key, values in told.items()}
    khz = [int(value) for value in told.get("khz", []) if value.isdigit()]
    gles = _GLES.search(said)
    return PhoneFacts(
        name=_joined(first, "maker", "model") or "an Android device",
        soc=_joined(first, "soc_maker", "soc") or first.get("board"),
        system=f"Android {first.get('android', 'of unknown version')} ({first.get('abi', 'unknown ABI')})",
        frequency_governor=", ".join(dict.fromkeys(told.get("governor", []))) or None,
        most_frequency_mhz=max(khz) / 1000 if khz else None,
        gpu=None if gles is None else _printable(gles["name"]) or None,
    )


def read_state(said: str) -> PhoneState:
    """Read what :data:`STATE_SCRIPT` printed: the hottest of the processor's sensors, and the status."""
    zones = [line.removeprefix("zone=").rpartition(" ") for line in said.splitlines() if line[:5] == "zone="]
    hottest = [
        _celsius(int(value))
        for kind, _, value in zones
        if _CPU_ZONE.search(kind) and value.lstrip("-").isdigit()
    ]
    if not hottest:
        # What was measured last stands behind what is kept of earlier.
        now = said[max(said.find(_NOW), 0) :]
        hottest = [float(found["value"]) for found in _HAL.finditer(now) if found["type"] == _HAL_CPU]
    believable = [value for value in hottest if 0 < value < 150]
    status = _STATUS.search(said)
    return PhoneState(max(believable, default=None), None if status is None else int(status["status"]))


def _celsius(value: int) -> float:
    """Return degrees: the kernel's are thousandths, and some vendors' tenths or whole ones."""
    return value / 1000 if abs(value) >= 1000 else value / 10 if abs(value) >= 150 else float(value)


def _joined(values: Mapping[str, str], maker: str, name: str) -> str:
    """Return "maker name", without the maker where the name begins with it."""
    known = [values[key] for key in (maker, name) if key in values]
    return known[-1] if len(known) == 2 and known[1].lower().startswith(known[0].lower()) else " ".join(known)


def _printable(text: str) -> str:
    return "".join(char for char in text.strip() if char.isprintable())
