"""How many threads work at a time is seen on a busy machine, too."""

from __future__ import annotations

import hashlib
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from hangtag_benchmarks.machine.busy_threads import BusyThreads, thread_notes

needs_schedstat = pytest.mark.skipif(
    not Path("/proc/self/task").is_dir() or not any(Path("/proc/self/task").glob("*/schedstat")),
    reason="needs Linux with /proc/self/task/*/schedstat",
)
BLOCK = bytes(20_000_000)


class Turns:
    """Lets threads work one after another, round and round."""

    def __init__(self, threads: int) -> None:
        self._may = [threading.Semaphore(number == 0) for number in range(threads)]

    @contextmanager
    def turn(self, number: int) -> Iterator[None]:
        self._may[number].acquire()
        yield
        self._may[(number + 1) % len(self._may)].release()


def _work(number: int, turns: Turns | None) -> None:
    """Keep a core busy for a while; hashing lets other threads run meanwhile."""
    until = time.perf_counter() + 0.8
    while time.perf_counter() < until:
        with nullcontext() if turns is None else turns.turn(number):
            hashlib.sha256(BLOCK)


def _counted(threads: int, turns: Turns | None = None) -> float:
    workers = [threading.Thread(target=_work, args=(number, turns)) for number in range(threads)]
    for worker in workers:
        worker.start()
    busy = BusyThreads()
    time.sleep(0.4)  # what has ended is not counted
    count = busy.count()
    for worker in workers:
        worker.join()
    assert count is not None
    return count


@needs_schedstat
@pytest.mark.parametrize(("threads", "low", "high"), [(1, 0.8, 1.1), (2, 1.6, 2.2)])
def test_threads_that_run_or_wait_for_a_core_are_counted(threads: int, low: float, high: float) -> None:
    assert low < _counted(threads) < high


@needs_schedstat
def test_threads_that_take_turns_are_one() -> None:
    assert _counted(2, Turns(2)) < 1.3


@needs_schedstat
def test_sleeping_is_no_work() -> None:
    busy = BusyThreads()
    time.sleep(0.2)
    count = busy.count()
    assert count is not None
    assert count < 0.3


def test_where_the_system_does_not_tell_nothing_is_said(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    assert BusyThreads(tmp_path).count() is None
    assert BusyThreads(tmp_path / "none").count() is None
    assert sys.platform != "linux" or BusyThreads().count() is not None


@pytest.mark.parametrize(
    ("count", "asked_for", "expected"),
    [
        (None, 1, []),
        (1.1, 1, []),
        (1.9, 2, []),
        (1.9, 1, ["it kept 1.9 threads busy; asked for: 1"]),
        (1.9, None, ["it cannot be told how many threads to take; it kept 1.9 busy"]),
        (None, None, []),
    ],
)
def test_a_row_says_what_was_not_asked_for(
    count: float | None, asked_for: int | None, expected: list[str]
) -> None:
    assert list(thread_notes(count, asked_for=asked_for)) == expected
