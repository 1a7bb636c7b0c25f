"""Frames that come as bytes through a pipe: on standard input, or from a child process.

What comes is read at once by a thread of its own, so that each frame's time is that of its arrival and the
program at the other end is not held up; only what is classified is decoded.
"""

from __future__ import annotations

import abc
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from hangtag.errors import PhotoError, SourceError
from hangtag.sources.base import Frame
from hangtag.sources.frame_bytes import FrameBytes, RawFrames, frame_bytes
from hangtag.sources.live import LiveSource, Thinning
from hangtag.sources.slot import Slot

_log = logging.getLogger(__name__)

_PIECE_BYTES = 1 << 18
_LOOK_AGAIN_S = 0.25
_NO_FRAME_BYTES = 64_000_000
"""After so many bytes without one frame, it is not what it was said to be."""


@dataclass(frozen=True, slots=True)
class _Arrival:
    data: bytes
    number: int
    captured_s: float
    wall_s: float


class ByteSource(LiveSource):
    """A live source whose frames are read from a pipe. Its age begins when the last byte of a frame is there.

    Args:
        shown: what to call it.
        frames: how its bytes become frames.
        fps: the most frames a second to deliver; others are not decoded.
    """

    def __init__(self, shown: str, frames: FrameBytes, fps: float | None) -> None:
        self.shown = shown
        self.fps = fps
        self._frames = frames
        self._thinning = Thinning(fps)
        self._arrived: Slot[_Arrival] = Slot()
        self._reader: threading.Thread | None = None
        self._progress_s = time.monotonic()
        self._count = 0
        self._begun = threading.Event()
        """There was a frame, or the end."""

    def delivered(self) -> Iterator[Frame]:
        """Yield frames until the pipe is closed at its other end.

        Raises:
            SourceError: it broke, or held no frame.
        """
        self._arrived.every = self.every_frame
        self._start_reading()
        first_s: float | None = None
        broken = 0
        while not self._arrived.ended:
            arrival = self._arrived.take(timeout_s=_LOOK_AGAIN_S)
            if arrival is None:
                self._check_silence(time.monotonic() - self._progress_s)
                continue
            try:
                image = self._frames.picture(arrival.data)
            except PhotoError as error:
                if not broken:
                    _log.warning("%s: broken frames are left out, the first: %s", self.shown, error)
                broken += 1
                continue
            first_s = arrival.captured_s if first_s is None else first_s
            # Broken frames have no number, or they would count as frames that nobody took.
            yield Frame(
                image,
                arrival.number - broken,
                arrival.captured_s - first_s,
                arrival.captured_s,
                wall_s=arrival.wall_s,
            )

    @abc.abstractmethod
    def _descriptor(self) -> int:
        """Return what to read from."""

    @abc.abstractmethod
    def _ending(self, frames: int) -> SourceError | None:
        """Return what the end of the pipe after so many frames means; None for a good end."""

    def _check_silence(self, silent_s: float) -> None:
        """Raise an error where nothing may come for so long."""

    def _start_reading(self) -> None:
        if self._reader is None:
            self._progress_s = time.monotonic()
            self._reader = threading.Thread(target=self._read, name="hangtag-bytes", daemon=True)
            self._reader.start()

    def _read(self) -> None:
        try:
            self._arrived.end(self._read_to_end(self._descriptor()))
        # Whatever ends the reading is raised again in the thread that waits for its frames.
        except BaseException as error:  # noqa: BLE001
            self._arrived.end(error)
        finally:
            self._begun.set()

    def _read_to_end(self, descriptor: int) -> SourceError | None:
        received = 0
        # Not through a file object: a thread that is blocked in one keeps Python from ending.
        while piece := os.read(descriptor, _PIECE_BYTES):
            self._progress_s, wall_s = time.monotonic(), time.time()
            received += len(piece)
            for data in self._frames.split(piece):
                if not self._thinning.keeps(self._progress_s):
                    continue
                if not self._arrived.put(_Arrival(data, self._count, self._progress_s, wall_s)):
                    return None
                self._count += 1
                self._begun.set()
            if not self._count and received > _NO_FRAME_BYTES:
                raise SourceError(f"{self.shown} holds no frame in its first {received >> 20} MiB")
        return self._ending(self._count)

    def close(self) -> None:
        """Take no more frames."""
        self._arrived.stop()


class StdinSource(ByteSource):
    """Frames on standard input: JPEG one after another, or raw; it ends when the input does.

    Args:
        size_wh: width and height in pixels of raw frames; a JPEG says its own.
        fps: the most frames a second to deliver.
        pixel_format: ``jpeg`` (or None), or of raw frames without gaps between rows ``bgr24``, ``rgb24``,
            ``grey`` or ``yuv420p``, as FFmpeg calls them.

    Raises:
        SourceError: an unknown format, raw frames without a size, or nothing is piped in.
    """

    def __init__(
        self,
        size_wh: tuple[int, int] | None = None,
        fps: float | None = None,
        pixel_format: str | None = None,
    ) -> None:
        frames = frame_bytes(pixel_format, size_wh)
        super().__init__("standard input", frames, fps)
        size = {"size_wh"} if isinstance(frames, RawFrames) else set()
        self.takes = frozenset({"fps", "pixel_format", *size})
        try:
            self._input = 0 if sys.__stdin__ is None else sys.__stdin__.fileno()
            is_terminal = os.isatty(self._input)
            os.fstat(self._input)
        except (OSError, ValueError):
            raise SourceError("there is no standard input to read frames from") from None
        if is_terminal:
            raise SourceError(
                "standard input is a terminal; pipe frames into it: "
                "ffmpeg -i clip.mp4 -f mjpeg - | hangtag camera --source -"
            )
        if sys.platform == "win32":
            import msvcrt

            msvcrt.setmode(self._input, os.O_BINARY)

    def _descriptor(self) -> int:
        return self._input

    def _ending(self, frames: int) -> SourceError | None:
        if frames:
            return None
        return SourceError(f"standard input ended and held no whole frame; wanted {self._frames.wanted}")
