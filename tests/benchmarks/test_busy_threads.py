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

pytestmark = pytest.mark.alone

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

    def end(self) -> None:
        """Wait for nobody any more: all have been told to stop."""
        for may in self._may:
            may.release()


def _counted(threads: int, turns: Turns | None = None) -> float:
    """Return how many threads were busy while some keep a core busy; hashing lets others run meanwhile."""
    counted = threading.Event()

    def work(number: int) -> None:
        while not counted.is_set():  # what has ended is not counted, and we may be late to count
            with nullcontext() if turns is None else turns.turn(number):
                hashlib.sha256(BLOCK)

    workers = [threading.Thread(target=work, args=[number]) for number in range(threads)]
    for worker in workers:
        worker.start()
    busy = BusyThreads()
    time.sleep(0.4)
    count = busy.count()
    counted.set()
    if turns is not None:
        turns.end()
    for worker in workers:
        worker.join()
    assert count is not None
    return count


@needs_schedstat
@pytest.mark.parametrize("threads", [1, 2])
def test_threads_that_run_or_wait_for_a_core_are_counted(threads: int) -> None:
    # Whoever counts waits for a core, too, after its sleep: on a busy machine that is part of a thread.
    assert threads - 0.3 < _counted(threads) < threads + 0.5


@needs_schedstat
def test_threads_that_take_turns_are_one() -> None:
    assert _counted(2, Turns(2)) < 1.5


@needs_schedstat
def test_sleeping_is_no_work() -> None:
    busy = BusyThreads()
    time.sleep(0.4)
    count = busy.count()
    assert count is not None
    assert count < 0.5


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
