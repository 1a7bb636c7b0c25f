"""A folder that never holds more of ours than a number of bytes: the oldest makes room for the newest."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import stat
import time
from collections import deque
from pathlib import Path
from typing import NamedTuple

from hangtag.errors import OutputError

_log = logging.getLogger(__name__)

FLOOR_BYTES = 100_000_000
"""What is left free on a disk at least, or :data:`FLOOR_SHARE` of it where that is less."""

FLOOR_SHARE = 0.05

_SCAN_EVERY_S = 1.0

_SCRAP = re.compile(r"\.(?P<stem>.+)\.[a-z0-9_]{8}\.part(?P<suffix>(?:\.\w+)?)", re.DOTALL)
"""What :func:`hangtag.files.whole_file` calls a file that is being written."""


class _Item(NamedTuple):
    """Sorts by age: names do."""

    name: str
    path: Path
    size_bytes: int


class Quota:
    """Keeps what a folder holds of ours under a number of bytes. Not thread-safe.

    Ours are files and folders right in it whose whole name matches ``pattern``, and unfinished ones that a
    killed program left of such files. Nothing else is counted or touched, and links are never followed. Names
    must sort by age. What is there from earlier runs counts.

    Args:
        folder: need not be there yet.
        most_bytes: how much it may hold, by the sizes of files.
        pattern: strict enough that no one else's files match.

    Raises:
        ValueError: ``most_bytes`` is below 1.
    """

    def __init__(self, folder: Path, most_bytes: int, pattern: str | re.Pattern[str]) -> None:
        if most_bytes < 1:
            raise ValueError(f"most_bytes is {most_bytes}; wanted 1 or more")
        self._folder, self._most_bytes = folder, most_bytes
        self._pattern = re.compile(pattern)
        self._oldest_first: deque[_Item] = deque()
        self._used_bytes = 0
        self._scanned_s: float | None = None
        self._full = False

    def usage_bytes(self) -> int:
        """Return what the folder holds of ours just now.

        Raises:
            OutputError: it cannot be read.
        """
        self._scan()
        return self._used_bytes

    def names(self) -> list[str]:
        """Return the names of what the folder holds of ours, the oldest first.

        What is still being written, or was left unfinished, stands under the name that it would have.

        Raises:
            OutputError: it cannot be read.
        """
        self._scan()
        return [item.name for item in self._oldest_first]

    def make_room(self, more_bytes: int, keep: Path | None = None) -> None:
        """Remove the oldest until ``more_bytes`` more fit.

        Where the disk is nearly full (see :data:`FLOOR_BYTES`), what is there is replaced, not added to.

        Args:
            more_bytes: what will be written next.
            keep: one that is still being written: it is counted, and never removed.

        Raises:
            OutputError: it will not fit, the disk is nearly full, or something cannot be read or removed.
        """
        if more_bytes > self._most_bytes:
            raise OutputError(
                f"{_megabytes(more_bytes)} are more than the quota of {_megabytes(self._most_bytes)} "
                f"for {self._folder}: raise it"
            )
        if self._scanned_s is None or (
            self._lacks(more_bytes) and time.monotonic() - self._scanned_s >= _SCAN_EVERY_S
        ):
            self._scan()
        while self._lacks(more_bytes):
            if self._removed_oldest(keep):
                continue
            self._scan()  # less than announced may have been written
            if self._lacks(more_bytes) and not self._removed_oldest(keep):
                raise OutputError(
                    f"{_megabytes(more_bytes)} do not fit into {self._folder}, whose quota is "
                    f"{_megabytes(self._most_bytes)}: raise it"
                )
        self._leave_floor(more_bytes, keep)
        # Counted as written from here on; the next look at the folder, which may hold thousands of files and
        # is not looked into every time, corrects it.
        self._used_bytes += more_bytes

    def _lacks(self, more_bytes: int) -> bool:
        return self._used_bytes + more_bytes > self._most_bytes

    def _leave_floor(self, more_bytes: int, keep: Path | None) -> None:
        """See to it that writing does not bring the disk's free space under its floor.

        Raises:
            OutputError: there is too little, and nothing of ours to replace.
        """
        freed_bytes = 0
        while (lacking := self._lacking_bytes(more_bytes)) > 0 and freed_bytes < more_bytes:
            removed = self._removed_oldest(keep)
            if not removed:
                self._scan()
                removed = self._removed_oldest(keep)
            if not removed:
                raise OutputError(
                    f"the disk of {self._folder} is nearly full ({_megabytes(lacking)} too little free): "
                    "nothing more is written to it; free some space"
                )
            freed_bytes += removed
            if not self._full:
                self._full = True
                _log.warning("the disk of %s is nearly full: old recordings make room", self._folder)
        # It is over when there is plenty again, so that it is not said at every file.
        self._full = self._full and lacking > -FLOOR_BYTES

    def _lacking_bytes(self, more_bytes: int) -> int:
        """Return how much more should be free before so much is written."""
        try:
            total_bytes, free_bytes = _disk_bytes(self._folder)
        except OSError as error:
            raise self._unreadable(error) from None
        return min(FLOOR_BYTES, round(FLOOR_SHARE * total_bytes)) + more_bytes - free_bytes

    def _removed_oldest(self, keep: Path | None) -> int:
        """Remove the oldest that is known; return its size (of an empty one: 1), 0 where there is none."""
        while self._oldest_first:
            item = self._oldest_first.popleft()
            if keep is None or item.path.name != keep.name:
                _remove(item.path)
                self._used_bytes -= item.size_bytes
                return max(1, item.size_bytes)
        return 0

    def _scan(self) -> None:
        items: list[_Item] = []
        try:
            with contextlib.suppress(FileNotFoundError), os.scandir(self._folder) as entries:
                items = sorted(item for entry in entries if (item := self._item(entry)) is not None)
        except OSError as error:
            raise self._unreadable(error) from None
        self._oldest_first = deque(items)
        self._used_bytes = sum(item.size_bytes for item in items)
        self._scanned_s = time.monotonic()

    def _item(self, entry: os.DirEntry[str]) -> _Item | None:
        scrap = _SCRAP.fullmatch(entry.name)
        name = scrap["stem"] + scrap["suffix"] if scrap else entry.name
        if self._pattern.fullmatch(name) is None:
            return None
        try:
            found = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            return None
        if stat.S_ISDIR(found.st_mode):
            return _Item(name, Path(entry.path), _size_bytes(Path(entry.path)))
        return _Item(name, Path(entry.path), found.st_size) if stat.S_ISREG(found.st_mode) else None

    def _unreadable(self, error: OSError) -> OutputError:
        return OutputError(f"cannot look into {self._folder}: {error.strerror or error}")


def _disk_bytes(folder: Path) -> tuple[int, int]:
    """Return how large the disk is that a folder is on, or would be, and how much of it is free.

    Raises:
        OSError: they cannot be read.
    """
    *below, root = (folder, *folder.absolute().parents)
    for there in below:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            disk = shutil.disk_usage(there)
            return disk.total, disk.free
    disk = shutil.disk_usage(root)
    return disk.total, disk.free


def _size_bytes(folder: Path) -> int:
    """Return the size of all files below a folder; what vanishes meanwhile does not count."""
    total = 0
    for below, _, files in os.walk(folder):
        for file in files:
            with contextlib.suppress(FileNotFoundError):
                total += Path(below, file).lstat().st_size
    return total


def _remove(path: Path) -> None:
    try:
        # A link stays what it is: it is not followed, and it is none of ours.
        if stat.S_ISDIR(path.lstat().st_mode):
            shutil.rmtree(path)
        else:
            path.unlink()
    except FileNotFoundError:
        pass
    except OSError as error:
        raise OutputError(f"cannot remove {path} to make room: {error.strerror or error}") from None


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1_000_000:.3g} MB"
