"""Costly things of a whole test run, made by one of the processes that run tests side by side."""

from __future__ import annotations

import fcntl
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], T]) -> T:
    """Return what ``make`` returns for an empty folder; only the first process of a run calls it.

    Others wait for it, and get a copy of the value and the same folder, which nobody may change.
    """
    own = factory.getbasetemp()
    # Beside each other's folders, where there are several of us.
    root = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    kept = root / f"{name}.pickle"
    with (root / f"{name}.lock").open("w") as lock:
        # The system lets go of it when the process ends, however it ends.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            folder = root / name
            folder.mkdir()
            beside = kept.with_suffix(".new")
            beside.write_bytes(pickle.dumps(make(folder)))
            beside.rename(kept)
        value: T = pickle.loads(kept.read_bytes())  # noqa: S301 - we wrote it
    return value
