"""Energy from recorded counters and from what a Raspberry Pi 5's power chip said."""

from __future__ import annotations

import stat
import time
from pathlib import Path

import pytest

from hangtag_benchmarks.machine import energy
from hangtag_benchmarks.machine.energy import RaplMeter, energy_source, packages, rail_joules, watts_of_rails

_RAILS = (
    ("3V7_WL_SW", 0, 0.1, 8, 3.7),
    ("3V3_SYS", 1, 0.1, 9, 3.3),
    ("1V8_SYS", 2, 0.2, 10, 1.8),
    ("DDR_VDD2", 3, 0.2, 11, 1.1),
    ("DDR_VDDQ", 4, 0.1, 12, 0.6),
    ("1V1_SYS", 5, 0.2, 13, 1.1),
    ("0V8_SW", 6, 0.4, 14, 0.8),
    ("VDD_CORE", 7, 6.0, 15, 0.85),
    ("3V3_DAC", 17, 0.0, 20, 3.3),
    ("3V3_ADC", 18, 0.0, 21, 3.3),
    ("0V8_AON", 16, 0.0, 19, 0.8),
    ("HDMI", 22, 0.02, 23, 5.0),
)
"""Names and channels of the rails of a Raspberry Pi 5's power chip, with amperes and volts as four busy cores
might draw them: made up, in the layout that the program prints."""

UNDER_LOAD = "".join(
    [
        *(
            f"{name + '_A':>13} current({channel})={amperes:.8f}A\n"
            for name, channel, amperes, _, _ in _RAILS
        ),
        *(f"{name + '_V':>13} volt({channel})={volts:.8f}V\n" for name, _, _, channel, volts in _RAILS),
        "      EXT5V_V volt(24)=5.09000000V\n       BATT_V volt(25)=0.00000000V\n",
    ]
)

_LIMIT_UJ = 262_143_328_850


def _zone(root: Path, name: str, kind: str, counter_uj: int) -> Path:
    zone = root / name
    zone.mkdir(parents=True, exist_ok=True)
    (zone / "name").write_text(kind + "\n")
    (zone / "energy_uj").write_text(f"{counter_uj}\n")
    (zone / "max_energy_range_uj").write_text(f"{_LIMIT_UJ}\n")
    return zone


def test_packages_are_added_up_and_nothing_twice(tmp_path: Path) -> None:
    zones = [
        _zone(tmp_path, "intel-rapl:0", "package-0", 5_000_000),
        _zone(tmp_path, "intel-rapl:1", "package-1", 7_000_000),
        _zone(tmp_path, "intel-rapl:2", "psys", 50_000_000),
        _zone(tmp_path, "intel-rapl:0:0", "core", 1_000_000),
        _zone(tmp_path, "intel-rapl:0:1", "dram", 1_000_000),
        _zone(tmp_path, "intel-rapl-mmio:0", "package-0", 5_000_000),
    ]
    meter = RaplMeter(tmp_path)
    for zone in zones:
        (zone / "energy_uj").write_text(f"{int((zone / 'energy_uj').read_text()) + 2_500_000}\n")
    assert meter.joules() == pytest.approx(5.0)
    assert [zone.name for zone in packages(tmp_path)] == ["intel-rapl:0", "intel-rapl:1"]


def test_a_counter_that_begins_again_goes_on(tmp_path: Path) -> None:
    zone = _zone(tmp_path, "intel-rapl:0", "package-0", _LIMIT_UJ - 1_000_000)
    meter = RaplMeter(tmp_path)
    (zone / "energy_uj").write_text("3000000\n")
    assert meter.joules() == pytest.approx(4.0)


@pytest.mark.parametrize("lost", ["energy_uj", "max_energy_range_uj"])
def test_what_cannot_be_read_is_unknown_and_never_negative(tmp_path: Path, lost: str) -> None:
    zone = _zone(tmp_path, "intel-rapl:0", "package-0", 9_000_000)
    meter = RaplMeter(tmp_path)
    (zone / "energy_uj").write_text("3\n")
    (zone / lost).unlink()
    assert meter.joules() is None


def test_one_package_that_may_not_be_read_makes_the_sum_unknown(tmp_path: Path) -> None:
    _zone(tmp_path, "intel-rapl:0", "package-0", 1)
    (_zone(tmp_path, "intel-rapl:1", "package-1", 1) / "energy_uj").unlink()
    assert RaplMeter(tmp_path).joules() is None


def test_no_counters_are_unknown(tmp_path: Path) -> None:
    assert RaplMeter(tmp_path / "powercap").joules() is None


def test_the_rails_of_a_pi_5_under_load() -> None:
    # By hand: 6 A x 0.85 V of the cores is 5.1 W of it. The 5 V that come in have no current.
    assert watts_of_rails(UNDER_LOAD) == pytest.approx(7.08, abs=0.001)


@pytest.mark.parametrize(
    ("said", "watts"),
    [
        pytest.param("", None, id="nothing"),
        pytest.param('error=1 error_msg="Command not registered"', None, id="a Pi 4"),
        pytest.param("     EXT5V_V volt(24)=5.09V\n", None, id="no current"),
        pytest.param(
            "VDD_CORE_A current(7)=2.0A\nVDD_CORE_V volt(15)=0.9V\nX_A current(1)=nanA", 1.8, id="nan"
        ),
        pytest.param("VDD_CORE_A current(7)=0A\nVDD_CORE_V volt(15)=0.9V", 0.0, id="at rest"),
    ],
)
def test_rails_that_say_less(said: str, watts: float | None) -> None:
    assert watts_of_rails(said) == (None if watts is None else pytest.approx(watts))


def test_energy_of_timed_runs_comes_from_the_power_of_more_of_them() -> None:
    runs, readings = [0], iter((9.0, 4.0, 5.0, 6.0, *[5.0] * 100))

    def invoke() -> None:
        runs[0] += 1
        time.sleep(0.001)

    joules = rail_joules(invoke, (10.0, 20.0, 30.0), read_watts=readings.__next__, seconds=0.2, every_s=0.03)
    # The first reading only asks whether there is a chip. 5 W for 60 ms.
    assert joules == pytest.approx(0.3, abs=0.02)
    assert runs[0] > 50


def test_without_a_power_chip_nothing_is_run() -> None:
    assert rail_joules(lambda: pytest.fail("it ran"), (10.0,), read_watts=lambda: None) is None
    assert rail_joules(lambda: pytest.fail("it ran"), (), read_watts=lambda: 5.0) is None


def test_a_pi_5_has_a_row_with_energy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "vcgencmd"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{UNDER_LOAD}END\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    joules = rail_joules(lambda: time.sleep(0.001), (4.0,) * 250, seconds=0.3, every_s=0.05)
    assert joules == pytest.approx(7.08, abs=0.001)
    assert energy_source(tmp_path) == "the board's power chip, all rails that have a current"


def test_how_to_make_energy_readable_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    zone = _zone(tmp_path / "rapl", "intel-rapl:0", "package-0", 1)
    assert energy_source(tmp_path / "rapl") == "RAPL, 1 whole processor package"
    (zone / "energy_uj").unlink()
    assert "sudo chmod a+r" in energy_source(tmp_path / "rapl")
    for board, word in (("Raspberry Pi 5 Model B Rev 1.0", "raspi-utils"), ("AMD EPYC", "neither RAPL")):
        monkeypatch.setattr(energy, "cpu_model", lambda board=board: board)
        assert word in energy_source(tmp_path / "none")
    program = tmp_path / "vcgencmd"
    program.write_text("#!/bin/sh\necho 'VCHI initialization failed'\nexit 255\n")
    program.chmod(0o755)
    monkeypatch.setattr(energy, "cpu_model", lambda: "Raspberry Pi Compute Module 5 Rev 1.0")
    assert "usermod -aG video" in energy_source(tmp_path / "none")
