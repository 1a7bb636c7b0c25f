"""Live sources: late frames are dropped, never queued."""

from __future__ import annotations

import abc
import threading
from collections.abc import Iterator

from hangtag.sources.base import Frame, Source


class LiveSource(Source):
    """A source that goes on whether it is read or not; reading it gives the newest frame, always.

    A camera's driver queues frames; whoever reads them slower than they come sees the past. A thread reads
    the device as fast as it delivers and keeps one frame.
    """

    live = True

    read_timeout_s: float = 5.0
    """Longest that reading one frame may block."""

    @abc.abstractmethod
    def delivered(self) -> Iterator[Frame]:
        """Yield frames as the device delivers them; runs in a thread of its own.

        Raises:
            SourceError: the device stopped delivering.
        """

    def __iter__(self) -> Iterator[Frame]:
        """Yield the newest frame that was not taken yet, waiting where there is none.

        Raises:
            SourceError: the device stopped delivering.
        """
        slot = _Slot()
        reader = threading.Thread(target=slot.fill_from, args=(self,), name="hangtag-capture", daemon=True)
        reader.start()
        try:
            while (frame := slot.take()) is not None:
                yield frame
        finally:
            slot.stop()
            # The device must not be released while the thread is inside a read of it.
            reader.join(timeout=self.read_timeout_s + 1)


class _Slot:
    """Holds one frame, passed from the reading thread to the classifying one."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self._ended = False
        self._stopped = False
        self._error: BaseException | None = None

    def fill_from(self, source: LiveSource) -> None:
        try:
            for frame in source.delivered():
                with self._changed:
                    self._frame = frame
                    self._changed.notify()
                    if self._stopped:
                        return
        # Whatever ends the reading thread is raised again in the thread that waits for its frames.
        except BaseException as error:  # noqa: BLE001
            self._error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify()

    def take(self) -> Frame | None:
        """Wait for a frame not taken yet; None when the source has ended."""
        with self._changed:
            while self._frame is None and not self._ended:
                # A timeout keeps Ctrl-C responsive on every platform.
                self._changed.wait(timeout=0.5)
            frame, self._frame = self._frame, None
        if frame is None and self._error is not None:
            raise self._error
        return frame

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
