"""Who kept the cores busy: on recorded counters, and on this machine with work of our own and of others."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hangtag_benchmarks.machine.cpu_times import CpuTimes, cpu_times
from hangtag_benchmarks.machine.monitor import Monitor
from hangtag_benchmarks.machine.records import Conditions

RECORDED = """\
cpu  6702760 2374983 918978 4198355 16600 7 4909 10190 30 0
cpu0 3173886 1122553 448439 2356483 3646 3 1099 5042 20 0
cpu1 3528874 1252430 470538 1841871 12953 4 3809 5147 10 0
intr 1 2 3
ctxt 123
"""
"""Of a virtual machine with two cores."""

_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")


def _stat(tmp_path: Path, content: str) -> Path:
    path = tmp_path / "stat"
    path.write_text(content)
    return path


def test_what_is_not_idle_is_busy_and_theft_is_apart(tmp_path: Path) -> None:
    found = cpu_times(_stat(tmp_path, RECORDED), cores=[0])
    assert found is not None
    tick_s = 1 / os.sysconf("SC_CLK_TCK")
    busy = 3173886 + 1122553 + 448439 + 3 + 1099
    assert found.busy_s == pytest.approx(busy * tick_s)
    assert found.stolen_s == pytest.approx(5042 * tick_s)
    assert found.total_s == pytest.approx((busy + 2356483 + 3646 + 5042) * tick_s)


def test_only_the_cores_that_may_be_used_count(tmp_path: Path) -> None:
    path = _stat(tmp_path, RECORDED)
    one, other, both = (cpu_times(path, cores) for cores in ([0], [1], [0, 1]))
    assert one is not None
    assert other is not None
    assert both is not None
    assert both.busy_s == pytest.approx(one.busy_s + other.busy_s)
    assert both.total_s == pytest.approx(one.total_s + other.total_s)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("", id="empty"),
        pytest.param("cpu  1 2 3\ncpu0 1 2 3\n", id="an old kernel"),
        pytest.param("cpu  1 2 3 4 5 6 7 8\n", id="no single cores"),
        pytest.param("cpu0 a b c d e f g h\n", id="no numbers"),
    ],
)
def test_a_system_that_does_not_tell_is_unknown(tmp_path: Path, content: str) -> None:
    assert cpu_times(_stat(tmp_path, content), cores=[0]) is None


def test_no_such_file_is_unknown(tmp_path: Path) -> None:
    assert cpu_times(tmp_path / "stat") is None


_BUSY = "import time\nend = time.{clock}() + {seconds}\nwhile time.{clock}() < end: pass"


@contextmanager
def _neighbour() -> Iterator[None]:
    """A process that computes and is no child of ours: its parent is, and does not wait for it."""
    program = (
        "import subprocess, sys\n"
        "busy = subprocess.Popen([sys.executable, '-c', 'while True: pass'], stdout=subprocess.DEVNULL)\n"
        "print(busy.pid, flush=True)\nsys.stdin.read()\nbusy.kill()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        yield
        parent.communicate("")


def _watched(program: str) -> tuple[float, float]:
    """Return the load by others while a child ran, and how much of the time was ours."""
    monitor = Monitor(lambda: Conditions(None, None, None))
    before, started = cpu_times(), time.monotonic()
    with monitor.during("a block"):
        subprocess.run([sys.executable, "-c", program], check=True)
    after, wall_s = cpu_times(), time.monotonic() - started
    load = monitor.watched[0].conditions.others_load
    assert load is not None
    assert before is not None
    assert after is not None
    return load, (after.ours_s - before.ours_s) / wall_s


@contextmanager
def _one_core() -> Iterator[None]:
    usable = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(usable)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, usable)


@_LINUX
def test_a_block_of_our_own_is_no_load_by_others() -> None:
    """On one core that is never idle meanwhile, so that it holds whatever else this machine does."""
    with _one_core():
        load, ours = _watched(_BUSY.format(clock="perf_counter", seconds=1.5))
    assert ours > 0.25
    assert load == pytest.approx(1 - ours, abs=0.1)


@_LINUX
def test_short_helpers_of_ours_are_no_load_by_others() -> None:
    before = cpu_times()
    for _ in range(5):
        subprocess.run([sys.executable, "-c", _BUSY.format(clock="process_time", seconds=0.05)], check=True)
    after = cpu_times()
    assert before is not None
    assert after is not None
    assert after.ours_s - before.ours_s > 0.2


@_LINUX
def test_a_busy_neighbour_is_seen() -> None:
    with _neighbour():
        load, ours = _watched("import time; time.sleep(1.5)")
    assert ours < 0.2
    # It has a core for itself, unless a third program computes: then that is seen too.
    assert load > 0.5


def test_the_counters_are_this_process_s_too() -> None:
    before = os.times()
    end = time.perf_counter() + 0.2
    while time.perf_counter() < end:
        pass
    after = os.times()
    assert after[0] + after[1] > before[0] + before[1]


def test_counters_that_stand_still_say_nothing() -> None:
    """As in some sandboxes: all is 0, and so would be the load."""
    monitor = Monitor(lambda: Conditions(None, None, None), times=lambda: CpuTimes(0.0, 0.0, 0.0, 1.0))
    with monitor.during("a block"):
        pass
    assert monitor.watched[0].conditions.others_load is None
    assert monitor.watched[0].conditions.stolen is None
