"""The newest frame of a live source: late frames are dropped, never queued."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from hangtag.sources.base import Frame, Source


def frames_worth_having(source: Source) -> Iterator[Frame]:
    """Yield every frame of a source that waits, and always the newest one of a live source.

    A camera's driver queues frames; whoever reads them slower than they come classifies the past. A thread
    reads a live source as fast as it delivers and keeps one frame.

    Raises:
        SourceError: the source stopped delivering.
    """
    return _newest(source) if source.live else iter(source)


def _newest(source: Source) -> Iterator[Frame]:
    slot = _Slot()
    reader = threading.Thread(target=slot.fill_from, args=(source,), name="hangtag-capture", daemon=True)
    reader.start()
    try:
        while (frame := slot.take()) is not None:
            yield frame
    finally:
        slot.stop()
        reader.join(timeout=2.0)


class _Slot:
    """Holds one frame, passed from the reading thread to the classifying one."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self._ended = False
        self._stopped = False
        self._error: BaseException | None = None

    def fill_from(self, source: Source) -> None:
        try:
            for frame in source:
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
