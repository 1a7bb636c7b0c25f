"""What the processor used, where the machine tells: RAPL on x86, the power chip on a Raspberry Pi 5."""

from __future__ import annotations

import re
from pathlib import Path

from hangtag_benchmarks.vcgencmd import ask

_RAPL = Path("/sys/class/powercap")
_PMIC_LINE = re.compile(r"(?P<rail>\w+?)_(?P<kind>[AV])\s+\w+\(\d+\)=(?P<value>[\d.]+)[AV]")


class EnergyMeter:
    """Energy from its making on.

    RAPL counts all processor packages (``intel-rapl:N``), which AMD's processors have under the same name;
    reading it takes root's rights on most systems since 2020 (CVE-2020-8694).

    Args:
        rapl: the folder of the counters.
    """

    def __init__(self, rapl: Path = _RAPL) -> None:
        self._packages = sorted(rapl.glob("intel-rapl:[0-9]*")) if rapl.is_dir() else []
        self._packages = [path for path in self._packages if path.name.count(":") == 1]
        self._before = [_number(path / "energy_uj") for path in self._packages]

    def joules(self) -> float | None:
        """Return what all packages used since the meter was made; None where nobody tells."""
        if not self._packages or None in self._before:
            return None
        total_uj = 0
        for path, before in zip(self._packages, self._before, strict=True):
            now = _number(path / "energy_uj")
            if now is None or before is None:
                return None
            # The counter begins again at a limit that it names.
            total_uj += now - before if now >= before else now - before + (_number(path / _LIMIT) or 0)
        return total_uj / 1e6


_LIMIT = "max_energy_range_uj"


def pmic_watts(said: str) -> float | None:
    """Return the power of all rails together from what ``vcgencmd pmic_read_adc`` said; None where none is.

    A Raspberry Pi 5's power chip measures current and voltage of each rail; what USB devices draw and what
    its regulators lose is not among them.
    """
    rails: dict[str, dict[str, float]] = {}
    for found in _PMIC_LINE.finditer(said):
        rails.setdefault(found["rail"], {})[found["kind"]] = float(found["value"])
    powers = [values["A"] * values["V"] for values in rails.values() if {"A", "V"} <= values.keys()]
    return sum(powers) if powers else None


def read_pmic_watts() -> float | None:
    """Ask a Raspberry Pi 5's power chip; None elsewhere."""
    return pmic_watts(ask("pmic_read_adc") or "")


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
