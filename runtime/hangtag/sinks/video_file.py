"""One clip that browsers play: VP8 in WebM, which OpenCV's wheels can write."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import cv2
import numpy as np

from hangtag.errors import OutputError
from hangtag.files import whole_file
from hangtag.native_output import without_lines
from hangtag.opencv import without_warnings
from hangtag.preprocess import Image

_TAG_NOTE = b"OpenCV: FFMPEG: tag 0x30385056/'VP80' is not supported"
"""WebM names its codecs by words, not by four-letter tags: OpenCV says so and writes the right file."""

_TORN_NOTE = b"[matroska,webm @"
"""What FFmpeg says of a file that ends in the middle of a frame."""


class VideoFile:
    """A clip that appears under its name when it is closed, whole.

    Args:
        path: where it will stand.
        fps: frames a second.
        size_wh: width and height of its first picture; others are fitted.
        live: pictures belong to moments: each is repeated until the next one's, and what comes faster than
            ``fps`` is left out. Else each is one frame of the clip.

    Raises:
        OutputError: the file cannot be written.
    """

    def __init__(self, path: Path, fps: float, size_wh: tuple[int, int], *, live: bool = False) -> None:
        self.fps, self.frames = fps, 0
        self.encoding_s = 0.0
        """Time spent encoding so far."""
        self._path, self._live = path, live
        # VP8 wants even sides.
        self._size_wh = (max(2, size_wh[0] // 2 * 2), max(2, size_wh[1] // 2 * 2))
        self._begun_s: float | None = None
        self._last: Image | None = None
        self._files = contextlib.ExitStack()
        self.temporary = self._files.enter_context(whole_file(path))
        self._writer = self._opened()

    def _opened(self) -> cv2.VideoWriter:
        fourcc = cv2.VideoWriter.fourcc(*"VP80")
        with without_lines(_TAG_NOTE):
            writer = cv2.VideoWriter(str(self.temporary), cv2.CAP_FFMPEG, fourcc, self.fps, self._size_wh)
        if not writer.isOpened():
            self._discard()
            raise OutputError(f"this OpenCV cannot write VP8 video, so {self._path} cannot be recorded")
        return writer

    def takes(self, time_s: float) -> bool:
        """Return whether a picture of this moment has a place: it need not be drawn where it has none."""
        return self._place(time_s) >= self.frames

    def _place(self, time_s: float) -> int:
        if not self._live or self._begun_s is None:
            return self.frames
        return round((time_s - self._begun_s) * self.fps)

    def write(self, image_bgr: Image, time_s: float) -> None:
        """Append a picture, where it has a place."""
        if self._begun_s is None:
            self._begun_s = time_s
        if not self.takes(time_s):
            return
        if (image_bgr.shape[1], image_bgr.shape[0]) != self._size_wh:
            fitted = cv2.resize(image_bgr, self._size_wh, interpolation=cv2.INTER_AREA)
            image_bgr = np.asarray(fitted, np.uint8)
        begun = time.perf_counter()
        for _ in range(self._place(time_s) - self.frames):
            self._append(self._last if self._last is not None else image_bgr)
        self._append(image_bgr)
        self.encoding_s += time.perf_counter() - begun
        self._last = image_bgr

    def _append(self, image_bgr: Image) -> None:
        with without_warnings():  # one at every frame that a full disk does not take; close() says it once
            self._writer.write(image_bgr)
        self.frames += 1

    def size_bytes(self) -> int:
        """Return how large the file is so far.

        Raises:
            OutputError: it is gone.
        """
        try:
            return self.temporary.stat().st_size
        except OSError as error:
            raise OutputError(f"cannot write {self._path}: {error.strerror or error}") from None

    def close(self) -> None:
        """Finish the clip and give it its name; without a picture nothing is left behind.

        Raises:
            OutputError: it cannot be finished, or lacks frames at its end; what there is of it is kept.
        """
        self._writer.release()
        if not self.frames:
            self._discard()
            return
        # The writer reports no error, so a full disk shows only in what it left.
        readable = _readable_frames(self.temporary)
        if not readable:
            self._discard()
            raise OutputError(f"cannot write {self._path}: the clip cannot be read back; is the disk full?")
        self._files.close()
        if readable < self.frames:
            raise OutputError(
                f"{self._path} holds only the first {readable} of {self.frames} frames; is the disk full?"
            )

    def _discard(self) -> None:
        with contextlib.suppress(OSError):
            self.temporary.unlink()
        with contextlib.suppress(OutputError):  # the file was just removed on purpose
            self._files.close()


def _readable_frames(path: Path) -> int:
    """Return how many frames a clip has, 0 where not even the first can be decoded."""
    with without_lines(_TORN_NOTE):
        if not cv2.VideoCapture(str(path), cv2.CAP_FFMPEG).read()[0]:
            return 0
        # Frames as they stand in the file: decoding thousands would take longer than an end may.
        packets = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_FORMAT, -1])
        count = 0
        while packets.grab():
            count += 1
    return count
