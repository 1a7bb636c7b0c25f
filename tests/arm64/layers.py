"""Folders that are kept from one time to the next, as long as they are whole and of the same kind."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from arm64.tools import fail

_LOCK = "hangtag-arm-system.lock"
"""In every folder that is ours: nothing is removed from one without it."""

_MARK = "made-from.json"
"""Written last into a layer: one that holds it is whole."""


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Have a folder to oneself: a new one, an empty one, or one that was claimed before.

    Raises:
        SystemExit: it holds something else.
    """
    lock = folder / _LOCK
    if folder.exists() and not lock.is_file() and (not folder.is_dir() or any(folder.iterdir())):
        fail(f"{folder} holds something else than an emulated ARM system: remove it, or name another one")
    folder.mkdir(parents=True, exist_ok=True)
    with lock.open("w", encoding="utf-8") as file:
        # The system lets go of it when the process ends, however it ends.
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def layer(folder: Path, made_from: dict[str, Any], make: Callable[[Path], None]) -> bool:
    """Make a folder anew, unless it is whole and was made from the same.

    Args:
        folder: of the layer alone.
        made_from: all that makes a difference, as plain JSON values.
        make: fills the empty folder.

    Returns:
        False where what was there is taken.
    """
    mark = folder / _MARK
    wanted = json.dumps(made_from, indent=1, sort_keys=True)
    if mark.is_file() and mark.read_text(encoding="utf-8") == wanted:
        return False
    # The mark goes first: if removing is interrupted, what is left must not pass for whole.
    mark.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    make(folder)
    mark.write_text(wanted, encoding="utf-8")
    return True


def forget(folder: Path) -> None:
    """Have a layer made anew next time."""
    (folder / _MARK).unlink(missing_ok=True)
