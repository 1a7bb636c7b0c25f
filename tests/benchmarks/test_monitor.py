"""What counts as a disturbance, and from which size on."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import pytest

from hangtag.raspberry_pi.firmware import past_reasons, throttle_flags, throttle_reasons
from hangtag_benchmarks.machine.cpu_times import CpuTimes
from hangtag_benchmarks.machine.disturbances import Watched, disturbances, minor_disturbances
from hangtag_benchmarks.machine.monitor import CLOCK_EVERY_S, Monitor
from hangtag_benchmarks.machine.records import Conditions

CALM = Conditions(
    0.1, 2400.0, 55.0, throttled=0, others_load=0.01, stolen=0.0, heat_events=3, cooling_steps=0
)
UNDER_VOLTAGE_ONCE, THROTTLED_NOW_AND_BEFORE = 0x10000, 0x40004


def _run(*changes: dict[str, Any], blocks: int = 20, what: str = "int8") -> list[Watched]:
    """Return blocks that are calm but for the first ones."""
    made = [dataclasses.replace(CALM, **change) for change in changes]
    made += [CALM] * (blocks - len(made))
    return [Watched(what, one) for one in made]


def test_a_quiet_run_is_not_disturbed() -> None:
    watched = _run()
    assert list(disturbances(CALM, watched)) == []
    assert list(minor_disturbances(CALM, watched)) == []


def test_a_system_that_tells_nothing_is_not_disturbed() -> None:
    nothing = Conditions(None, None, None)
    assert list(disturbances(nothing, [Watched("int8", nothing)] * 3)) == []


@pytest.mark.parametrize(
    ("change", "blocks_s", "word"),
    [
        pytest.param(
            {"others_load": 1.0}, 2, "other programs kept up to 1.0 cores busy", id="a busy neighbour"
        ),
        pytest.param(
            {"others_load": 0.3}, 20, "during 20 of 20 blocks", id="one that computes a little, always"
        ),
        pytest.param({"stolen": 0.04}, 2, "hypervisor gave up to 4%", id="theft"),
        pytest.param({"throttled": THROTTLED_NOW_AND_BEFORE}, 1, "throttled", id="throttled once"),
        pytest.param({"throttled": UNDER_VOLTAGE_ONCE}, 1, "under-voltage", id="under-voltage between looks"),
        pytest.param({"cooling_steps": 2}, 1, "the kernel slowed the processor", id="cooled by the kernel"),
    ],
)
def test_what_disturbs_is_said(change: dict[str, Any], blocks_s: int, word: str) -> None:
    found = list(disturbances(CALM, _run(*[change] * blocks_s)))
    assert len(found) == 1
    assert word in found[0]


@pytest.mark.parametrize("change", [{"others_load": 1.0}, {"stolen": 0.5}])
def test_one_block_of_twenty_is_a_note(change: dict[str, Any]) -> None:
    watched = _run(change)
    assert list(disturbances(CALM, watched)) == []
    assert "too few to matter" in next(minor_disturbances(CALM, watched))


def test_below_the_limits_nothing_is_said() -> None:
    watched = _run(*[{"others_load": 0.2, "stolen": 0.01, "cpu_frequency_mhz": 2300.0}] * 20)
    assert list(disturbances(CALM, watched)) == []
    assert list(minor_disturbances(CALM, watched)) == []


def test_a_clock_that_falls_is_a_disturbance() -> None:
    watched = [*_run(blocks=10), *_run(*[{"cpu_frequency_mhz": 1500.0}] * 10, blocks=10)]
    assert list(disturbances(CALM, watched)) == ["the clock fell from 2400 to 1500 MHz in 10 of 20 blocks"]


def test_a_clock_that_rises_from_rest_is_none() -> None:
    resting = dataclasses.replace(CALM, cpu_frequency_mhz=600.0)
    assert list(disturbances(resting, _run())) == []


def test_rows_with_other_numbers_of_threads_have_other_clocks() -> None:
    turbo = _run(*[{"cpu_frequency_mhz": 4700.0}] * 10, blocks=10, what="1 thread")
    all_cores = _run(*[{"cpu_frequency_mhz": 4200.0}] * 10, blocks=10, what="8 threads")
    mixed = [one for pair in zip(turbo, all_cores, strict=True) for one in pair]
    assert list(disturbances(CALM, mixed)) == []


def test_what_the_firmware_remembers_of_before_is_a_note() -> None:
    before = dataclasses.replace(CALM, throttled=UNDER_VOLTAGE_ONCE)
    watched = _run(*[{"throttled": UNDER_VOLTAGE_ONCE}] * 20)
    assert list(disturbances(before, watched)) == []
    assert list(minor_disturbances(before, watched)) == [
        "the firmware has reported since the machine's start, before this run: under-voltage"
    ]


def test_an_intel_processor_that_slowed_down_for_heat() -> None:
    watched = [*_run(blocks=2), *_run({"heat_events": 8}, blocks=1)]
    assert list(disturbances(CALM, watched)) == ["the processor slowed down for heat 5 times"]
    assert list(disturbances(watched[-1].conditions, watched[-1:])) == []


def test_where_heat_is_measured_it_disturbs_nothing_but_a_bad_supply_does() -> None:
    hot = {"cpu_frequency_mhz": 1500.0, "throttled": 0xE, "heat_events": 9, "cooling_steps": 3}
    watched = [*_run(blocks=10), *_run(*[hot] * 10, blocks=10)]
    assert list(disturbances(CALM, watched, heat=False)) == []
    bad_supply = _run({"throttled": 0x50005})
    assert list(disturbances(CALM, bad_supply, heat=False)) == ["the firmware reported: under-voltage"]


def test_a_large_machine_has_room_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = _run(*[{"others_load": 1.5}] * 20)
    for cores, is_disturbed in ((2, True), (8, True), (64, False)):
        monkeypatch.setattr("hangtag_benchmarks.machine.disturbances.usable_cores", lambda cores=cores: cores)
        assert bool(list(disturbances(CALM, watched))) is is_disturbed


def _times(*values: CpuTimes) -> Callable[[], CpuTimes]:
    return iter(values).__next__


def test_load_and_theft_are_those_of_the_block() -> None:
    # Two cores for ten seconds: 9 s of ours, 2 s of others, 1 s stolen.
    monitor = Monitor(
        lambda: CALM,
        _times(CpuTimes(100.0, 50.0, 5.0, 20.0), CpuTimes(120.0, 61.0, 6.0, 29.0)),
        seconds=iter((0.0, 10.0)).__next__,
    )
    with monitor.during("int8"):
        pass
    seen = monitor.watched[0].conditions
    assert seen.others_load == pytest.approx(0.2)
    assert seen.stolen == pytest.approx(1 / 12)
    assert monitor.before == CALM


def test_a_tick_that_is_stolen_from_a_machine_at_rest_is_no_theft() -> None:
    monitor = Monitor(
        lambda: CALM,
        _times(CpuTimes(100.0, 50.0, 5.0, 20.0), CpuTimes(120.0, 50.02, 5.01, 20.01)),
        seconds=iter((0.0, 10.0)).__next__,
    )
    with monitor.during("a phone's row"):
        pass
    assert monitor.watched[0].conditions.stolen is None


def test_the_clock_is_looked_at_while_the_block_runs() -> None:
    """A core that rests again when it has ended has a clock that says nothing."""
    working = [2400.0]
    monitor = Monitor(
        lambda: dataclasses.replace(CALM, cpu_frequency_mhz=600.0), frequency=lambda: working[0]
    )
    with monitor.during("int8"):
        time.sleep(2.5 * CLOCK_EVERY_S)
    working[0] = 600.0
    with monitor.during("too short for a look"):
        pass
    clocks = [one.conditions.cpu_frequency_mhz for one in monitor.watched]
    assert clocks == [2400.0, 600.0]


def test_a_block_that_is_stopped_is_not_watched() -> None:
    monitor = Monitor(lambda: CALM)
    with pytest.raises(KeyboardInterrupt), monitor.during("int8"):
        raise KeyboardInterrupt
    assert monitor.watched == []


@pytest.mark.parametrize(
    ("said", "flags", "now", "past"),
    [
        ("throttled=0x0", 0, [], []),
        ("throttled=0x50005\n", 0x50005, ["under-voltage", "throttled"], ["under-voltage", "throttled"]),
        (
            "throttled=0xe0008",
            0xE0008,
            ["soft temperature limit"],
            ["frequency capped", "throttled", "soft temperature limit"],
        ),
    ],
)
def test_the_firmware_s_flags(said: str, flags: int, now: list[str], past: list[str]) -> None:
    assert throttle_flags(said) == flags
    assert throttle_reasons(flags) == now
    assert past_reasons(flags) == past


@pytest.mark.parametrize(
    "said", ["", "VCHI initialization failed", 'error=1 error_msg="Command not registered"']
)
def test_what_is_no_answer_of_the_firmware_is_unknown(said: str) -> None:
    assert throttle_flags(said) is None
