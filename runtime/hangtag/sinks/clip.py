"""An annotated clip that browsers play: VP8 in WebM, which OpenCV's wheels can write."""

from __future__ import annotations

import contextlib
from pathlib import Path

import cv2
import numpy as np

from hangtag.errors import OutputError
from hangtag.files import whole_file
from hangtag.native_output import without_lines
from hangtag.preprocess import Image
from hangtag.result import Result
from hangtag.sinks import overlay
from hangtag.sinks.base import Sink

_DEFAULT_FPS = 10.0

_TAG_NOTE = b"OpenCV: FFMPEG: tag 0x30385056/'VP80' is not supported"
"""WebM names its codecs by words, not by four-letter tags: OpenCV says so and writes the right file."""


class Clip(Sink):
    """Writes every annotated frame to one clip, which appears under its name when it is closed.

    The clip's size is that of the first frame; later frames of another size (folders of photos) are fitted.
    Of a live source not every frame is looked at: each is repeated until the next one's time, so that the
    clip lasts as long as what it shows.

    Raises:
        OutputError: the file cannot be written.
    """

    name = "clip"

    def __init__(self, path: Path, fps: float | None = None, *, live: bool = False) -> None:
        self._fps = fps or _DEFAULT_FPS
        self._live = live
        self._last: Image | None = None
        self._written = 0
        self._begun_s = 0.0
        self._path = path
        self._files = contextlib.ExitStack()
        self._temporary = self._files.enter_context(whole_file(path))
        self._writer: cv2.VideoWriter | None = None
        self._size_wh = (0, 0)

    def write(self, result: Result) -> None:
        """Append one frame."""
        image = overlay.draw(result)
        size_wh = (image.shape[1], image.shape[0])
        if self._writer is None:
            self._writer = self._opened(size_wh)
        if size_wh != self._size_wh:
            image = cv2.resize(image, self._size_wh, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        self._fill_until(result.frame.time_s)
        self._writer.write(image)
        self._last = np.asarray(image, np.uint8)
        self._written += 1

    def _fill_until(self, time_s: float) -> None:
        """Repeat the last frame of a live source up to the time of the next one."""
        if self._last is None or self._writer is None:
            self._begun_s = time_s
            return
        due = round((time_s - self._begun_s) * self._fps) if self._live else 0
        while self._written < due:
            self._writer.write(self._last)
            self._written += 1

    def _opened(self, size_wh: tuple[int, int]) -> cv2.VideoWriter:
        # VP8 wants even sides.
        self._size_wh = (max(2, size_wh[0] // 2 * 2), max(2, size_wh[1] // 2 * 2))
        fourcc = cv2.VideoWriter.fourcc(*"VP80")
        with without_lines(_TAG_NOTE):
            writer = cv2.VideoWriter(str(self._temporary), cv2.CAP_FFMPEG, fourcc, self._fps, self._size_wh)
        if not writer.isOpened():
            raise OutputError(f"this OpenCV cannot write VP8 video, so {self._path} cannot be recorded")
        return writer

    def close(self) -> None:
        """Finish the clip and give it its name; without a frame nothing is left behind."""
        if self._writer is None:
            self._temporary.unlink(missing_ok=True)
            with contextlib.suppress(OutputError):  # the empty file was just removed on purpose
                self._files.close()
            return
        self._writer.release()
        # The writer reports no error, so a full disk shows only in what it left.
        if not cv2.VideoCapture(str(self._temporary), cv2.CAP_FFMPEG).read()[0]:
            self._temporary.unlink(missing_ok=True)
            with contextlib.suppress(OutputError):
                self._files.close()
            raise OutputError(f"cannot write {self._path}: the clip cannot be read back; is the disk full?")
        self._files.close()
