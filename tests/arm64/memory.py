"""The most memory that a running process held, without what the emulator keeps for itself alone.

QEMU translates a program's code and keeps the result, tens of megabytes that no device needs. All of it lies
in one mapping, the only anonymous one that may be executed, and it only grows. So between two looks a process
held, of all else, at most the system's own account of its peak at the second look, less what was translated
at the first: no spike between looks is missed. The emulator's other memory stays counted.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MAPPING = re.compile(r"[0-9a-f]+-[0-9a-f]+ (?P<may>\S{4}) \S+ \S+ (?P<inode>\d+)\s*(?P<name>.*)")

_EVERY_S = 0.25


class PeakWithoutTranslations:
    """Looks at a process from time to time, in a thread."""

    def __init__(self, process_id: int) -> None:
        self._folder = Path("/proc") / str(process_id)
        self._translated_kib = 0
        self._most_kib = 0

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Look for as long as the context lasts."""
        ended = threading.Event()
        thread = threading.Thread(target=self._watch, args=(ended,))
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def mb(self, last_peak_kib: int) -> float:
        """Return the peak in 10**6 bytes, given the system's account of it from the process's last moment."""
        return max(self._most_kib, last_peak_kib - self._translated_kib) * 1024 / 1e6

    def _watch(self, ended: threading.Event) -> None:
        while not ended.wait(_EVERY_S):
            try:
                translated_kib = translations_kib((self._folder / "smaps").read_text(encoding="utf-8"))
                peak_kib = told_peak_kib((self._folder / "status").read_text(encoding="utf-8"))
            except (OSError, ValueError):
                return  # it has ended
            self._most_kib = max(self._most_kib, peak_kib - self._translated_kib)
            self._translated_kib = translated_kib


def told_peak_kib(status: str) -> int:
    """Return the peak that ``/proc/PID/status`` tells.

    Raises:
        ValueError: it tells none, as of a process that has ended.
    """
    found = re.search(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE)
    if found is None:
        raise ValueError("there is no VmHWM")
    return int(found[1])


def translations_kib(smaps: str) -> int:
    """Return how much of ``/proc/PID/smaps`` is code that was translated: anonymous, and may be executed."""
    total_kib, counts = 0, False
    for line in smaps.splitlines():
        mapping = _MAPPING.match(line)
        if mapping is not None:
            counts = "x" in mapping["may"] and mapping["inode"] == "0" and not mapping["name"]
        elif counts and line.startswith("Rss:"):
            total_kib += int(line.split()[1])
    return total_kib
