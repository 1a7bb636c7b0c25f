"""Live sources: late frames are dropped, never queued."""

from __future__ import annotations

import abc
import threading
import time
from collections.abc import Iterator

from hangtag.sources.base import Frame, Source
from hangtag.sources.slot import Slot


class LiveSource(Source):
    """A source that goes on whether it is read or not; iterating over it gives the newest frame, always.

    A camera's driver queues frames; whoever reads them slower than they come sees the past. A thread reads
    the device as fast as it delivers and keeps one frame.
    """

    live = True
    checked = True

    read_timeout_s: float = 3.0
    """Longest that opening it or reading one frame should block."""

    every_frame: bool = False
    """Whoever reads it wants each frame, however old they grow: none may be left out on the way either."""

    @abc.abstractmethod
    def delivered(self) -> Iterator[Frame]:
        """Yield frames as the device delivers them, blocking in between; for a thread of its own.

        Raises:
            SourceError: the device stopped delivering.
        """

    def __iter__(self) -> Iterator[Frame]:
        """Yield the newest frame that was not taken yet, waiting where there is none.

        Raises:
            SourceError: the device stopped delivering.
        """
        slot: Slot[Frame] = Slot(every=self.every_frame)
        reader = threading.Thread(target=_fill, args=(self, slot), name="hangtag-capture", daemon=True)
        reader.start()
        try:
            while not slot.ended:
                # A timeout keeps Ctrl-C responsive on every platform.
                frame = slot.take(timeout_s=0.5)
                if frame is not None:
                    yield frame
        finally:
            slot.stop()
            reader.join(timeout=self.read_timeout_s + 1)
            self.left_to_reader = reader.is_alive()


def _fill(source: LiveSource, slot: Slot[Frame]) -> None:
    try:
        for frame in source.delivered():
            if not slot.put(frame):
                return
    # Whatever ends the reading thread is raised again in the thread that waits for its frames.
    except BaseException as error:  # noqa: BLE001
        slot.end(error)
    else:
        slot.end()
    finally:
        if source.left_to_reader:
            source.close()


class Thinning:
    """Which frames of a source to keep for a rate of at most ``fps``; all of them where it is None.

    The first frame is kept, and later ones when they are due, so that a source of 30 frames a second thinned
    to 20 gives 20, not 15.
    """

    def __init__(self, fps: float | None) -> None:
        self._interval_s = 1 / fps if fps else 0.0
        self._due_s: float | None = None

    def keeps(self, now_s: float | None = None) -> bool:
        """Return whether a frame of this moment (of ``time.monotonic()``) is due."""
        now = time.monotonic() if now_s is None else now_s
        if self._due_s is None:
            self._due_s = now
        # A quarter of the interval early is on time: cameras are not exact.
        if now < self._due_s - self._interval_s / 4:
            return False
        self._due_s = max(self._due_s + self._interval_s, now - self._interval_s)
        return True
