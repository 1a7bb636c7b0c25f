"""Frames as they arrive from a camera. It needs NumPy alone: a peer's environment reads this file, too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def arriving(pictures: Sequence[Any]) -> Callable[[int], Any]:
    """Return a camera that writes picture ``number`` (and so on in turn) into its buffer and hands it over.

    Two buffers take turns, as in a loop that captures the next frame while one is classified.

    Args:
        pictures: NumPy arrays of one shape and dtype.
    """
    buffers = [pictures[0].copy(), pictures[0].copy()]

    def frame(number: int) -> Any:
        buffer = buffers[number % 2]
        buffer[...] = pictures[number % len(pictures)]
        return buffer

    return frame
