"""Reads a value now and then while something else runs."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def sampled(read: Callable[[], float | None], every_s: float) -> Iterator[list[float]]:
    """Give a list that fills with what ``read`` returns, every so many seconds until the block ends.

    A reading of None is none. Nothing is read at once: what is looked for comes with the work.
    """
    values: list[float] = []
    over = threading.Event()

    def sample() -> None:
        while not over.wait(every_s):
            value = read()
            if value is not None:
                values.append(value)

    thread = threading.Thread(target=sample, name="sampling", daemon=True)
    thread.start()
    try:
        yield values
    finally:
        over.set()
        thread.join()
