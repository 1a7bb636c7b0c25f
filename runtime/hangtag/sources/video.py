"""Video files, every frame of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from hangtag.errors import SourceError
from hangtag.opencv import without_warnings
from hangtag.preprocess import Image
from hangtag.sources.base import Frame, Source
from hangtag.sources.live import Thinning


class VideoSource(Source):
    """A video file, as fast as it is read.

    Args:
        path: of the file.
        fps: the most frames a second of the clip's time to deliver.
        loop: begin again at its end, without end; numbers and times go on.

    Raises:
        SourceError: it cannot be decoded.
    """

    def __init__(self, path: Path, *, fps: float | None = None, loop: bool = False) -> None:
        self._path, self._loop = path, loop
        self.shown = str(path)
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
        kept = decoded = 0
        while True:
            begun = decoded
            for image in self._once():
                time_s = decoded / self._own_fps if self._own_fps else 0.0
                decoded += 1
                if thinning.keeps(time_s):
                    yield Frame(image, kept, time_s, time.monotonic(), name=self.shown)
                    kept += 1
            if decoded == begun:
                raise SourceError(f"{self._path} holds no frame that can be decoded")
            if not self._loop:
                return
            # Opened anew: not every container can be wound back.
            self._capture.release()
            self._capture = self._opened()

    def _once(self) -> Iterator[Image]:
        while True:
            read, image = self._capture.read()
            if not read:
                return
            yield np.asarray(image, np.uint8)

    def close(self) -> None:
        """Close the file."""
        self._capture.release()


def rate(capture: cv2.VideoCapture) -> float | None:
    """Return the frame rate that a capture tells, None where it tells none that can be."""
    fps = float(capture.get(cv2.CAP_PROP_FPS))
    return fps if 0 < fps <= 1000 else None
