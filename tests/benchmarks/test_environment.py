"""The machine's facts, from recorded folders of /sys: a board, a laptop, a virtual machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from hangtag_benchmarks.machine.clocks import cooling_steps, core_groups, frequency_mhz, heat_events
from hangtag_benchmarks.machine.environment import busy_note, conditions, environment
from hangtag_benchmarks.machine.power import power_source
from hangtag_benchmarks.machine.records import Conditions


def _tree(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n")
    return root


def _policy(
    first: int, cores: str, most: int, now: int, limit: int = 0, governor: str = "ondemand"
) -> dict[str, str]:
    folder = f"cpufreq/policy{first}"
    return {
        f"{folder}/related_cpus": cores,
        f"{folder}/cpuinfo_max_freq": str(most),
        f"{folder}/scaling_max_freq": str(limit or most),
        f"{folder}/scaling_cur_freq": str(now),
        f"{folder}/scaling_governor": governor,
    }


PI_5 = _policy(0, "0 1 2 3", 2400000, 1500000)
RK3588 = {
    **_policy(0, "0 1 2 3", 1800000, 408000, governor="schedutil"),
    **_policy(4, "4 5", 2400000, 2208000, governor="schedutil"),
    **_policy(6, "6 7", 2400000, 408000, governor="schedutil"),
}
LAPTOP = {
    key: value
    for core in range(12)
    for key, value in _policy(core, str(core), 4700000, 800000 + core, 2000000, "powersave").items()
}
CPUINFO = "processor\t: 0\ncpu MHz\t\t: 2596.140\n\nprocessor\t: 1\ncpu MHz\t\t: 2800.5\n"


@pytest.mark.parametrize(
    ("files", "lines"),
    [
        pytest.param(PI_5, ["4 cores of at most 2400 MHz, governor ondemand"], id="Raspberry Pi 5"),
        pytest.param(
            RK3588,
            [
                "4 cores of at most 1800 MHz, governor schedutil",
                "4 cores of at most 2400 MHz, governor schedutil",
            ],
            id="big.LITTLE",
        ),
        pytest.param(
            LAPTOP, ["12 cores of at most 4700 MHz, limited to 2000 MHz, governor powersave"], id="a limit"
        ),
        pytest.param({}, [], id="a virtual machine"),
    ],
)
def test_cores_that_are_alike_are_a_group(tmp_path: Path, files: dict[str, str], lines: list[str]) -> None:
    assert [group.line() for group in core_groups(_tree(tmp_path, files))] == lines


@pytest.mark.parametrize(
    ("files", "usable", "wanted_mhz"),
    [
        pytest.param(PI_5, {0, 1, 2, 3}, 1500.0, id="Raspberry Pi 5"),
        pytest.param(RK3588, set(range(8)), 2208.0, id="the core that works"),
        pytest.param(RK3588, {0, 1}, 408.0, id="only cores that may be used"),
        pytest.param(RK3588, set(), 2208.0, id="a system that does not say which"),
        pytest.param({}, {0, 1}, 2800.5, id="no cpufreq: /proc/cpuinfo"),
    ],
)
def test_the_clock_is_that_of_the_core_that_works(
    tmp_path: Path, files: dict[str, str], usable: set[int], wanted_mhz: float
) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(CPUINFO)
    assert frequency_mhz(_tree(tmp_path, files), cpuinfo, usable) == wanted_mhz


def test_no_clock_is_unknown(tmp_path: Path) -> None:
    assert frequency_mhz(tmp_path, tmp_path / "cpuinfo", {0}) is None


def test_heat_events_of_all_cores_are_added_up(tmp_path: Path) -> None:
    counts = {
        "cpu0/thermal_throttle/core_throttle_count": "3",
        "cpu1/thermal_throttle/core_throttle_count": "4",
    }
    assert heat_events(_tree(tmp_path / "intel", counts)) == 7
    assert heat_events(tmp_path / "amd") is None


def test_only_what_slows_the_processor_down_is_a_cooling_step(tmp_path: Path) -> None:
    devices = {"pwm-fan": "4", "thermal-cpufreq-0": "2", "thermal-cpufreq-4": "0", "thermal-devfreq-0": "5"}
    files = {}
    for number, (kind, state) in enumerate(devices.items()):
        files[f"cooling_device{number}/type"], files[f"cooling_device{number}/cur_state"] = kind, state
    assert cooling_steps(_tree(tmp_path / "board", files)) == 2
    assert cooling_steps(tmp_path / "none") is None


def _supply(name: str, kind: str, **more: str) -> dict[str, str]:
    return {f"{name}/type": kind, **{f"{name}/{key}": value for key, value in more.items()}}


BATTERY, MOUSE = (
    _supply("BAT0", "Battery", status="Discharging"),
    _supply("hidpp_battery_0", "Battery", status="Discharging", scope="Device"),
)


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        pytest.param({**BATTERY, **_supply("AC", "Mains", online="0")}, "battery", id="laptop unplugged"),
        pytest.param(
            {**_supply("BAT0", "Battery", status="Not charging"), **_supply("AC", "Mains", online="1")},
            "mains",
            id="laptop plugged in",
        ),
        pytest.param(
            {**BATTERY, **_supply("ucsi1", "USB", online="1"), **_supply("ucsi2", "USB", online="0")},
            "mains",
            id="one socket of two, too weak to charge",
        ),
        pytest.param(_supply("battery", "Battery", status="Full"), "mains", id="full"),
        pytest.param(MOUSE, None, id="a mouse feeds nothing"),
        pytest.param({**MOUSE, **_supply("AC", "Mains", online="1")}, "mains", id="desktop with a mouse"),
        pytest.param({}, None, id="a board"),
    ],
)
def test_the_power_source(tmp_path: Path, files: dict[str, str], wanted: str | None) -> None:
    assert power_source(_tree(tmp_path, files)) == wanted


def test_this_machine_is_described_without_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    import platform

    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    now = conditions()
    machine = environment(now, now)
    assert machine.usable_cores >= 1
    assert machine.thread_variables["OMP_NUM_THREADS"] == "3"
    assert {"hangtag", "numpy", "opencv", "ai-edge-litert"} <= machine.versions.keys()
    assert machine.energy
    assert len(platform.node()) < 3 or platform.node() not in repr(machine)


@pytest.mark.parametrize(("load", "busy"), [(None, False), (0.2, False), (1.5, True)])
def test_a_machine_that_is_busy_from_the_start_is_noted(load: float | None, busy: bool) -> None:
    assert (busy_note(Conditions(load, None, None)) is not None) is busy
