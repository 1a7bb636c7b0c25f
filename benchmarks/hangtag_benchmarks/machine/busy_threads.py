"""How many threads worked at a time: whether an engine keeps to the number that it was told."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

_TASKS = Path("/proc/self/task")

_TOO_MANY = 0.15
"""A share beyond the number of threads that were asked for which is mentioned."""


class BusyThreads:
    """The threads of this process from the object's making on.

    CPU time over wall time would not do: on a machine that has other work, two threads that take turns on
    one core look like one. So what a thread waited for a core counts as well.

    Args:
        tasks: the kernel's folder of a process's threads (proc(5): ``schedstat``).
    """

    def __init__(self, tasks: Path = _TASKS) -> None:
        self._tasks = tasks
        self._before, self._begun_ns = _wanted_ns(tasks), time.perf_counter_ns()

    def count(self) -> float | None:
        """Return how many threads ran or would have run, on average; None where the system does not tell.

        Threads that have ended meanwhile are left out.
        """
        elapsed_ns = time.perf_counter_ns() - self._begun_ns
        found = _wanted_ns(self._tasks)
        if not found or elapsed_ns <= 0:
            return None
        return sum(now - self._before.get(thread, 0) for thread, now in found.items()) / elapsed_ns


def thread_notes(count: float | None, *, asked_for: int | None) -> Iterator[str]:
    """Say what a row must of its threads, which is nothing where they were no more than asked for.

    Args:
        count: see :meth:`BusyThreads.count`.
        asked_for: None where the engine cannot be told.
    """
    if count is None:
        return
    if asked_for is None:
        yield f"it cannot be told how many threads to take; it kept {count:.1f} busy"
    elif count > asked_for * (1 + _TOO_MANY):
        yield f"it kept {count:.1f} threads busy; asked for: {asked_for}"


def _wanted_ns(tasks: Path) -> dict[str, int]:
    """Return by thread how long it ran and waited for a core, in nanoseconds."""
    found = {}
    for folder in tasks.glob("*"):
        told = _read(folder / "schedstat").split()
        if len(told) >= 2:
            found[folder.name] = int(told[0]) + int(told[1])
    return found


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""  # the thread has ended, or the kernel counts no such thing
