"""A soak: on a made board that becomes too hot, and for some seconds on this machine."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from hangtag.errors import BenchmarkError
from hangtag.metrics import Interval
from hangtag_benchmarks import frames
from hangtag_benchmarks.commands import benchmark
from hangtag_benchmarks.engines.registry import KINDS
from hangtag_benchmarks.identity import identify
from hangtag_benchmarks.machine.cpu_times import CpuTimes
from hangtag_benchmarks.machine.monitor import Monitor
from hangtag_benchmarks.machine.records import Conditions
from hangtag_benchmarks.measurements import OutputCheck
from hangtag_benchmarks.plans import Job
from hangtag_benchmarks.records import Result
from hangtag_benchmarks.reports.report import to_markdown, to_text
from hangtag_benchmarks.reports.result_json import read_result, to_json
from hangtag_benchmarks.reports.soak_report import soak_table
from hangtag_benchmarks.soak.records import SoakMinute
from hangtag_benchmarks.soak.soak_run import Runs, run_soak
from hangtag_benchmarks.soak.sustained import RawMinute, figure, parts_at, thinned
from hangtag_benchmarks.targets import Target, WorkerRunner

UNKNOWN = Conditions(None, None, None)
GOOD = OutputCheck("golden cases", 3, 0, 0.0, 0.01)


class HotBoard:
    """A board without a fan: its clock goes down when it is too hot, and its model takes longer then.

    It stands for the process that runs the model, and for the machine that the monitor looks at. Heat flows
    off with a time constant of four minutes, as a Pi's does in its case.
    """

    def __init__(self, warmest_c: float, check: OutputCheck = GOOD, stops: Exception | None = None) -> None:
        self.about: dict[str, Any] = {
            "check": dataclasses.asdict(check),
            "kind": "invoke",
            "versions": {"ai-edge-litert": "2"},
        }
        self.temperature_c, self.clock_mhz, self.seconds = 45.0, 2400.0, 0.0
        self._warmest_c, self._stops, self._minutes = warmest_c, stops, 0
        self._rng = np.random.default_rng(5)
        self.jobs: list[Job] = []

    def go_on(self, slice_s: float, slices: int) -> dict[str, Any]:
        self._minutes += 1
        if self._stops is not None and self._minutes == 7:
            raise self._stops
        mood = self._rng.normal(0, 0.004)
        return {"slices_ms": [self._slice(slice_s, mood) for _ in range(slices)], "cpu_s": slice_s * slices}

    def _slice(self, slice_s: float, mood: float) -> list[float]:
        aim_c = 45 + (self._warmest_c - 45) * (self.clock_mhz / 2400) ** 2
        self.temperature_c += (aim_c - self.temperature_c) * (1 - np.exp(-slice_s / 240))
        self.clock_mhz = 1800.0 if self.temperature_c >= 80 else 2400.0
        self.seconds += slice_s
        runs = 4.0 * (2400 / self.clock_mhz) * np.exp(mood + np.abs(self._rng.normal(0, 0.01, 200)))
        return [float(run) for run in runs]

    def printed(self) -> str:
        return ""

    def look(self) -> Conditions:
        throttled = 0xE0008 if self.clock_mhz < 2400 else 0
        return Conditions(1.0, self.clock_mhz, self.temperature_c, throttled=throttled)

    @contextlib.contextmanager
    def opened(self, job: Job, python: str | None) -> Iterator[Runs]:
        assert python is None
        self.jobs.append(job)
        yield self

    def monitor(self) -> Monitor:
        return Monitor(self.look, lambda: None, seconds=lambda: self.seconds)


def _target(frames_path: Path = Path("frames.npy")) -> Target:
    runner = WorkerRunner(KINDS["litert"], None, 1, frames_path)
    return Target(identify(None), "litert", 1, runner)


def _soaked(board: HotBoard, minutes: int = 30, say: Callable[[str], None] = lambda _: None) -> Result:
    return run_soak([_target()], minutes, say, monitor=board.monitor(), opened=board.opened)


def test_a_board_that_becomes_too_hot_has_two_figures_and_a_minute_where_they_part() -> None:
    said: list[str] = []
    board = HotBoard(warmest_c=95.0)
    result = _soaked(board, say=said.append)
    soak = result.soak
    assert soak is not None
    assert soak.sustained is not None
    throttled = [minute.conditions.throttled != 0 for minute in soak.minutes]
    assert soak.cold.p50_ms == pytest.approx(4.03, rel=0.02)
    assert soak.cold.cpu_frequency_mhz == 2400
    assert (soak.sustained.first_minute, soak.sustained.last_minute) == (21, 30)
    assert soak.sustained.p50_ms > 1.1 * soak.cold.p50_ms
    assert soak.sustained.cpu_temperature_c == pytest.approx(80, abs=1)
    # The clock swings around its limit within minutes: the first of those is where it begins.
    assert soak.parts_at is not None
    assert abs(soak.parts_at - throttled.index(True)) <= 2
    assert result.complete
    assert result.disturbances == ()
    assert len(board.jobs) == 1
    assert any("minute 30 of 30" in line for line in said)


def test_a_board_with_a_fan_does_not_part() -> None:
    result = _soaked(HotBoard(warmest_c=62.0))
    assert result.soak is not None
    assert result.soak.sustained is not None
    assert result.soak.parts_at is None
    assert result.soak.sustained.p50_ms == pytest.approx(result.soak.cold.p50_ms, rel=0.02)
    assert "they do not part" in to_text(result)


def test_a_bad_power_supply_disturbs_a_soak_all_the_same() -> None:
    board = HotBoard(warmest_c=62.0)
    monitor = Monitor(lambda: dataclasses.replace(board.look(), throttled=0x50005), lambda: None)
    monitor.before = board.look()
    result = run_soak([_target()], 5, lambda _: None, monitor=monitor, opened=board.opened)
    assert result.disturbances == ("the firmware reported: under-voltage",)


def test_the_child_s_own_work_is_no_load_by_others() -> None:
    board = HotBoard(warmest_c=62.0)
    # The child works all of each minute, and another program for a tenth of it.
    monitor = Monitor(
        board.look,
        lambda: CpuTimes(4 * board.seconds, 1.1 * board.seconds, 0.0, 0.0),
        seconds=lambda: board.seconds,
    )
    result = run_soak([_target()], 5, lambda _: None, monitor=monitor, opened=board.opened)
    assert result.soak is not None
    assert [minute.conditions.others_load for minute in result.soak.minutes] == pytest.approx([0.1] * 5)


@pytest.mark.parametrize(
    ("stops", "failed"), [(KeyboardInterrupt(), 0), (BenchmarkError("the soak ended with status -9"), 1)]
)
def test_what_was_measured_before_the_end_is_kept(stops: Exception, failed: int) -> None:
    result = _soaked(HotBoard(warmest_c=95.0, stops=stops))
    assert result.soak is not None
    assert len(result.soak.minutes) == 6
    assert result.soak.planned_minutes == 30
    assert not result.complete
    assert sum(missing.failed for missing in result.missing) == failed
    text = to_text(result)
    assert "INCOMPLETE" in text
    assert "6 of 30 minutes" in text


def test_wrong_outputs_are_not_soaked() -> None:
    result = _soaked(HotBoard(95.0, check=dataclasses.replace(GOOD, failed_cases=1, worst_difference=0.5)))
    assert result.soak is None
    assert result.missing[0].wrong_output
    assert "wrong output" in result.missing[0].reason


def test_a_second_row_would_start_warm_and_is_refused() -> None:
    with pytest.raises(BenchmarkError, match="one row, got 2"):
        run_soak([_target(), _target()], 5, lambda _: None)


def test_a_soak_goes_through_json_and_is_shown_in_full(tmp_path: Path) -> None:
    result = _soaked(HotBoard(warmest_c=95.0), minutes=40)
    path = tmp_path / "benchmark.json"
    path.write_text(json.dumps(to_json(result)))
    read = read_result(path)
    assert read.soak is not None
    assert to_json(read) == to_json(result)
    text, markdown = to_text(result), to_markdown(result)
    for shown in (text, markdown):
        assert "they part at minute" in shown
        assert "held back first at the end of minute" in shown
    assert markdown.count("\n| ") >= 40
    assert len(soak_table(read.soak, 30).rows) == 20
    assert "40 of 40 minutes" in text


def _minutes(medians_ms: Sequence[float], half_width: float = 0.003) -> list[SoakMinute]:
    return [
        SoakMinute(1000, p50, Interval(p50 * (1 - half_width), p50 * (1 + half_width)), 1.2 * p50, UNKNOWN)
        for p50 in medians_ms
    ]


@pytest.mark.parametrize(
    ("medians_ms", "parts"),
    [
        pytest.param([4.0] * 10, None, id="nothing happens"),
        pytest.param([4.0] * 5 + [5.0] * 10, 6, id="a step"),
        pytest.param([4.0, 4.0, 4.1, 4.3, 4.6, 5.0, 5.2, 5.2, 5.3, 5.2, 5.3, 5.2], 5, id="slowly"),
        pytest.param([4.0] * 5 + [5.0] + [4.0] * 5, None, id="one bad minute"),
        pytest.param([4.0] * 9 + [5.0], None, id="the last minute alone"),
        pytest.param([4.0] * 5 + [5.0] * 10 + [4.0] * 5, None, id="it cools again"),
        pytest.param([4.0] * 5 + [5.0] * 9 + [4.1] + [5.0] * 5, 6, id="fast once, in between"),
        pytest.param([5.0] + [4.0] * 10, None, id="a disturbed beginning"),
        pytest.param([4.0] * 5 + [4.1] * 10, None, id="less than a machine's moods"),
        pytest.param([4.0, 4.6, 3.9, 4.7, 4.1, 4.5, 4.0, 4.6, 4.4, 4.7], None, id="it scatters as much"),
        pytest.param([4.0, 5.0, 5.0, 5.0], None, id="too few minutes"),
    ],
)
def test_where_cold_and_sustained_part(medians_ms: list[float], parts: int | None) -> None:
    assert parts_at(_minutes(medians_ms)) == parts


def test_intervals_that_overlap_do_not_part() -> None:
    step = [4.0] * 5 + [4.4] * 10
    assert parts_at(_minutes(step, half_width=0.01)) == 6
    assert parts_at(_minutes(step, half_width=0.06)) is None


def test_the_noise_of_minutes_parts_few() -> None:
    """Medians that scatter by 2 % and keep their mood for some minutes, with nothing behind it."""
    rng = np.random.default_rng(1)
    alarms = 0
    for _ in range(400):
        moods = np.zeros(30)
        for minute in range(1, 30):
            moods[minute] = 0.7 * moods[minute - 1] + 0.7 * 0.02 * rng.normal()
        alarms += parts_at(_minutes((4.0 * np.exp(moods)).tolist())) is not None
    assert alarms <= 0.03 * 400


def test_hours_of_runs_are_thinned_evenly_and_one_minute_is_kept() -> None:
    slices = [[float(value) for value in range(start, start + 5000)] for start in range(0, 60_000, 5000)]
    kept = thinned(slices)
    assert sum(map(len, kept)) <= 3000
    assert np.median(np.concatenate(kept)) == pytest.approx(np.median(np.concatenate(slices)), rel=0.01)
    assert thinned([[1.0, 2.0], [3.0]]) == [[1.0, 2.0], [3.0]]


def test_a_figure_over_minutes_is_that_of_all_their_runs() -> None:
    raw = [
        RawMinute.of([[value, value + 0.1]] * 12, Conditions(None, 2400 - 100 * value, 50 + value))
        for value in (1.0, 2.0, 3.0)
    ]
    found = figure(raw, [minute.finished() for minute in raw], 2, 3)
    assert (found.first_minute, found.last_minute) == (2, 3)
    assert found.p50_ms == pytest.approx(2.55)
    assert found.cpu_frequency_mhz == 2150
    assert found.cpu_temperature_c == 53
    assert found.p50_interval is not None
    assert found.p50_interval.low <= 2.55 <= found.p50_interval.high


def test_some_seconds_of_the_real_thing(tmp_path: Path) -> None:
    frames_path = tmp_path / "frames.npy"
    frames.write_frames(frames_path)
    result = run_soak([_target(frames_path)], 5, lambda _: None, minute_s=0.6)
    soak = result.soak
    assert soak is not None
    assert result.complete
    assert len(soak.minutes) == 5
    assert all(minute.runs > 5 and minute.p50_ms > 0 for minute in soak.minutes)
    assert soak.check.failed_cases == 0
    assert soak.check.cases >= 3
    assert soak.versions["ai-edge-litert"]


@pytest.mark.skipif(sys.platform != "linux", reason="finds the child in Linux's /proc")
def test_a_child_that_is_killed_says_so_and_its_minutes_are_kept(tmp_path: Path) -> None:
    frames_path = tmp_path / "frames.npy"
    frames.write_frames(frames_path)

    def kill_in_the_third(line: str) -> None:
        if line.startswith("minute 2"):
            for child in Path("/proc").glob("[0-9]*"):
                with contextlib.suppress(OSError):
                    parent = (child / "stat").read_text().rpartition(")")[2].split()[1]
                    if int(parent) == os.getpid() and b"soak_child" in (child / "cmdline").read_bytes():
                        os.kill(int(child.name), signal.SIGKILL)

    result = run_soak([_target(frames_path)], 5, kill_in_the_third, minute_s=0.6)
    assert result.soak is not None
    assert len(result.soak.minutes) == 2
    assert not result.complete
    assert "the soak ended with status -9" in result.missing[0].reason


@pytest.mark.parametrize("more", [["--quick"], ["--rounds", "8"], ["--fail-if", "model.p50 > 1ms"]])
def test_what_has_no_meaning_with_a_soak_is_refused(more: list[str]) -> None:
    done = CliRunner().invoke(benchmark, ["--soak", "10", *more])
    assert done.exit_code == 2
    assert "--soak goes without" in done.output
