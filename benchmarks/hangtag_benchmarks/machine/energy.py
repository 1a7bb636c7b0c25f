"""What an invocation costs in energy, where the machine tells: by RAPL, or a Raspberry Pi 5's power chip."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from hangtag.device import cpu_model
from hangtag.raspberry_pi.firmware import PROGRAM, ask
from hangtag_benchmarks.machine.sampling import sampled

RAIL_SECONDS = 1.0
"""How long a block goes on, untimed, while a Pi 5's power chip is asked."""

RAIL_EVERY_S = 0.2
"""One reading takes the chip's firmware some 24 ms, while the processor waits."""

_RAPL = Path("/sys/class/powercap")
_RAIL = re.compile(r"(?P<rail>\w+)_(?P<kind>[AV])\s+(?:current|volt)\(\d+\)=(?P<value>\d+\.?\d*)[AV]")
_BOARDS_WITH_RAILS = re.compile(r"Raspberry Pi (5|Compute Module 5)")


class RaplMeter:
    """Energy of all processor packages from its making on.

    AMD's processors are counted under the same names. ``intel-rapl:N`` are packages, and sometimes the whole
    platform (``psys``), which holds them once more, as ``intel-rapl-mmio:N`` do; ``intel-rapl:N:M`` are parts
    of a package. So only zones that call themselves packages count. Reading takes root's rights on most
    systems since 2020 (CVE-2020-8694).

    Args:
        rapl: the folder of the counters.
    """

    def __init__(self, rapl: Path = _RAPL) -> None:
        self.packages = packages(rapl)
        self._before_uj = [_number(path / _COUNTER) for path in self.packages]

    def joules(self) -> float | None:
        """Return what all packages used since the meter was made; None where one of them does not tell."""
        used_uj = [
            _used_uj(path, before_uj) for path, before_uj in zip(self.packages, self._before_uj, strict=True)
        ]
        known = [value for value in used_uj if value is not None]
        return sum(known) / 1e6 if known and len(known) == len(used_uj) else None


def packages(rapl: Path = _RAPL) -> list[Path]:
    """Return the folders of RAPL's counters of packages."""
    return [zone for zone in sorted(rapl.glob("intel-rapl:*")) if _name(zone).startswith("package")]


def watts_of_rails(said: str) -> float | None:
    """Return the power of all rails together from what ``vcgencmd pmic_read_adc`` said; None where none is.

    A Raspberry Pi 5's power chip measures current and voltage of a dozen rails. The 5 V that come in and the
    clock's battery have a voltage alone; what USB devices draw and what its regulators lose, it does not see.
    """
    rails: dict[str, dict[str, float]] = {}
    for found in _RAIL.finditer(said):
        rails.setdefault(found["rail"], {})[found["kind"]] = float(found["value"])
    powers = [values["A"] * values["V"] for values in rails.values() if {"A", "V"} <= values.keys()]
    return sum(powers) if powers else None


def read_rail_watts() -> float | None:
    """Ask a Raspberry Pi 5's power chip; None elsewhere."""
    return watts_of_rails(ask("pmic_read_adc") or "")


def rail_joules(
    invoke: Callable[[], object],
    timed_ms: Sequence[float],
    *,
    read_watts: Callable[[], float | None] = read_rail_watts,
    seconds: float = RAIL_SECONDS,
    every_s: float = RAIL_EVERY_S,
) -> float | None:
    """Return what invocations that were timed before must have used, from the power of more of them.

    The chip has no counter, only a power at each moment, and asking it starts a process: so it is asked
    while further invocations run that nobody times.

    Args:
        invoke: what was timed.
        timed_ms: how long each took.
        read_watts: the power at one moment; injected for tests.
        seconds: how long to go on.
        every_s: between two readings.

    Returns:
        Joules; None where the power cannot be read, or nothing was timed.
    """
    if not timed_ms or read_watts() is None:
        return None
    with sampled(read_watts, every_s) as watts:
        until_s = time.perf_counter() + seconds
        while time.perf_counter() < until_s:
            invoke()
    return sum(watts) / len(watts) * sum(timed_ms) / 1000 if watts else None


def energy_source(rapl: Path = _RAPL) -> str:
    """Return in one line what energies are measured with; or why not, and what to do about it."""
    zones = packages(rapl)
    if zones:
        if None not in (_number(zone / _COUNTER) for zone in zones):
            return f"RAPL, {len(zones)} whole processor package{'s' if len(zones) > 1 else ''}"
        files = f"{_RAPL}/intel-rapl:*/{_COUNTER}"
        return f"not readable: RAPL is root's alone; sudo chmod a+r {files} (until the next start)"
    if read_rail_watts() is not None:
        return "the board's power chip, all rails that have a current"
    if _BOARDS_WITH_RAILS.match(cpu_model()):
        if shutil.which(PROGRAM) is None:
            return f"not readable: {PROGRAM} is not installed; sudo apt install raspi-utils"
        return f"not readable: {PROGRAM} pmic_read_adc failed; sudo usermod -aG video $USER, and log in again"
    return "not readable: neither RAPL (in a virtual machine seldom) nor a Raspberry Pi 5's power chip"


_COUNTER, _LIMIT = "energy_uj", "max_energy_range_uj"


def _used_uj(zone: Path, before_uj: int | None) -> int | None:
    now_uj = _number(zone / _COUNTER)
    if now_uj is None or before_uj is None:
        return None
    if now_uj >= before_uj:
        return now_uj - before_uj
    # The counter begins again at a limit that it names, about once an hour at 70 W.
    limit_uj = _number(zone / _LIMIT)
    return None if limit_uj is None else now_uj - before_uj + limit_uj


def _name(zone: Path) -> str:
    try:
        return (zone / "name").read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
