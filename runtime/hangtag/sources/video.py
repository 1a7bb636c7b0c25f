"""Video files, every frame of them."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import cv2

from hangtag.errors import SourceError
from hangtag.opencv import without_warnings
from hangtag.sources.base import Frame, Source
from hangtag.sources.live import Thinning
from hangtag.sources.opencv_frames import retrieved

_log = logging.getLogger(__name__)

_MOST_LOST = 50
"""After so many frames in a row that cannot be decoded, a clip has ended."""


class VideoSource(Source):
    """A video file, as fast as it is read.

    Args:
        path: of the file.
        fps: the most frames a second of the clip's time to deliver.
        loop: begin again at its end, without end; numbers and times go on.

    Raises:
        SourceError: it cannot be decoded.
    """

    takes = frozenset({"fps", "loop", "real_time"})

    def __init__(self, path: Path, *, fps: float | None = None, loop: bool = False) -> None:
        self._path, self._loop = path, loop
        self.shown = str(path)
        self._damage_said = False
        self._capture = self._opened()
        self._own_fps = rate(self._capture)
        self._most_fps = fps
        self.fps = fps if fps and self._own_fps and fps < self._own_fps else self._own_fps

    def _opened(self) -> cv2.VideoCapture:
        with without_warnings():
            capture = cv2.VideoCapture(str(self._path), cv2.CAP_FFMPEG)
        if not capture.isOpened():
            raise SourceError(f"cannot read {self._path} as a video")
        return capture

    def __iter__(self) -> Iterator[Frame]:
        thinning = Thinning(self._most_fps if self._own_fps else None)
        kept = grabbed = 0
        while True:
            begun = grabbed
            for lost in self._grabbed():
                grabbed += lost
                time_s = grabbed / self._own_fps if self._own_fps else 0.0
                grabbed += 1
                # Only what is kept is made a picture of.
                image = retrieved(self._capture) if thinning.keeps(time_s) else None
                if image is not None:
                    yield Frame(image, kept, time_s, time.monotonic(), name=self.shown)
                    kept += 1
            if grabbed == begun or not kept:
                raise SourceError(f"{self._path} holds no frame that can be decoded")
            if not self._loop:
                return
            # Opened anew: not every container can be wound back.
            self._capture.release()
            self._capture = self._opened()

    def _grabbed(self) -> Iterator[int]:
        """Grab frame after frame; yield how many before each of them could not be decoded."""
        lost = 0
        # OpenCV says the same of a damaged frame and of the clip's end: only asking on tells them apart.
        while lost < _MOST_LOST:
            if not self._capture.grab():
                lost += 1
                continue
            if lost and not self._damage_said:
                self._damage_said = True
                _log.warning("%s is damaged: frames that cannot be decoded are left out", self._path)
            yield lost
            lost = 0

    def close(self) -> None:
        """Close the file."""
        self._capture.release()


def rate(capture: cv2.VideoCapture) -> float | None:
    """Return the frame rate that a capture tells, None where it tells none that can be."""
    fps = float(capture.get(cv2.CAP_PROP_FPS))
    return fps if 0 < fps <= 1000 else None
