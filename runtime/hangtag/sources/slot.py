"""Hands frames (or their bytes) from the thread that captures to the one that waits for them."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Slot(Generic[_T]):
    """Holds the newest frame alone, or a few frames of which none is lost.

    Args:
        every: keep every frame, and let :meth:`put` wait where ``room`` of them are waiting; else a frame
            that was not taken in time gives way to the next one.
        room: how many frames may wait.
    """

    def __init__(self, *, every: bool = False, room: int = 2) -> None:
        self._frames: deque[_T] = deque()
        self.every = every
        self._room = room if every else 1
        self._changed = threading.Condition()
        self._ended = False
        self._stopped = False
        self._error: BaseException | None = None

    def put(self, frame: _T) -> bool:
        """Leave a frame; False where nobody will take it any more."""
        with self._changed:
            while self.every and len(self._frames) >= self._room and not self._stopped:
                self._changed.wait()
            if self._stopped:
                return False
            if len(self._frames) >= self._room:
                self._frames.popleft()
            self._frames.append(frame)
            self._changed.notify_all()
            return True

    def take(self, timeout_s: float) -> _T | None:
        """Wait for a frame that was not taken yet; None after ``timeout_s`` seconds, or where none will come.

        Raises:
            BaseException: what ended the capture, after its last frame was taken.
        """
        with self._changed:
            if not self._frames and not self._ended and not self._stopped:
                self._changed.wait(timeout_s)
            if self._frames:
                frame = self._frames.popleft()
                self._changed.notify_all()
                return frame
            if self._error is not None:
                error, self._error = self._error, None
                raise error
            return None

    def end(self, error: BaseException | None = None) -> None:
        """No more frames will come; ``error`` is raised in the thread that waits for them."""
        with self._changed:
            self._error = error
            self._ended = True
            self._changed.notify_all()

    def stop(self) -> None:
        """No more frames are wanted: both sides wake up."""
        with self._changed:
            self._stopped = True
            self._frames.clear()
            self._changed.notify_all()

    @property
    def ended(self) -> bool:
        """True when no frame waits and none will come, and what ended the capture was raised."""
        with self._changed:
            return (self._ended and not self._frames and self._error is None) or self._stopped
