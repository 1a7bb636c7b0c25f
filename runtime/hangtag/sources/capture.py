"""Cameras, video files and streams, through OpenCV's VideoCapture."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from hangtag.device import cameras
from hangtag.errors import SourceError
from hangtag.sources.base import Frame, Source
from hangtag.sources.live import LiveSource

_PATIENCE_S = 3.0
"""How long a camera may fail to deliver before it counts as gone."""

_STREAM_TIMEOUT_MS = 1000 * int(LiveSource.read_timeout_s)


class CameraSource(LiveSource):
    """A V4L2 camera, by index or device path.

    Raises:
        SourceError: there is no such device, or it cannot be opened.
    """

    def __init__(self, device: str, size_wh: tuple[int, int] | None = None, fps: float | None = None) -> None:
        path = Path(f"/dev/video{device}" if device.isdigit() else device)
        if not path.exists():
            there = ", ".join(f"{found} ({name})" for found, name in cameras().items()) or "none"
            raise SourceError(
                f"there is no camera {path}; cameras here: {there} (the simulated one is --source scene:)"
            )
        self._name = f"camera {path}"
        self._capture = cv2.VideoCapture(str(path), cv2.CAP_V4L2)
        if not self._capture.isOpened():
            raise SourceError(
                f"cannot open {self._name}: in use by another program, or not yours to open "
                "(sudo usermod -aG video $USER, then log in again)"
            )
        self._ask_for(size_wh, fps)
        self.fps = _rate(self._capture)

    def _ask_for(self, size_wh: tuple[int, int] | None, fps: float | None) -> None:
        """Set size and rate; a driver answers with what it has, which must not go unnoticed."""
        if fps is not None:
            self._capture.set(cv2.CAP_PROP_FPS, fps)
        if size_wh is None:
            return
        self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, size_wh[0])
        self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size_wh[1])
        given = tuple(
            round(self._capture.get(side)) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
        )
        if given != size_wh:
            self._capture.release()
            raise SourceError(
                f"{self._name} gives {given[0]}x{given[1]}, not {size_wh[0]}x{size_wh[1]}: "
                "ask for that, or for no size"
            )

    def delivered(self) -> Iterator[Frame]:
        """Yield frames until the device is gone."""
        return _live_frames(self._capture, self._name)

    def close(self) -> None:
        """Let go of the camera."""
        self._capture.release()


class StreamSource(LiveSource):
    """A network stream (``rtsp://``, ``http://``), decoded by OpenCV's FFmpeg.

    Raises:
        SourceError: it cannot be opened within five seconds.
    """

    def __init__(self, url: str) -> None:
        # A password in the address must not reach a log.
        self._name = f"stream {_without_credentials(url)}"
        timeouts = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _STREAM_TIMEOUT_MS,
            cv2.CAP_PROP_READ_TIMEOUT_MSEC, _STREAM_TIMEOUT_MS,
        ]  # fmt: skip
        self._capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG, timeouts)
        if not self._capture.isOpened():
            raise SourceError(f"cannot open {self._name}: no answer, or not a video stream")
        self.fps = _rate(self._capture)

    def delivered(self) -> Iterator[Frame]:
        """Yield frames until the device is gone."""
        return _live_frames(self._capture, self._name)

    def close(self) -> None:
        """Close the connection."""
        self._capture.release()


class VideoSource(Source):
    """A video file, every frame of it, as fast as it is read.

    Raises:
        SourceError: it cannot be decoded.
    """

    def __init__(self, path: Path) -> None:
        self._capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
        self._path = path
        if not self._capture.isOpened():
            raise SourceError(f"cannot read {path} as a video")
        self.fps = _rate(self._capture)

    def __iter__(self) -> Iterator[Frame]:
        number = 0
        while True:
            read, image = self._capture.read()
            if not read:
                break
            time_s = number / self.fps if self.fps else 0.0
            yield Frame(np.asarray(image, np.uint8), number, time_s, time.monotonic(), name=str(self._path))
            number += 1
        if number == 0:
            raise SourceError(f"{self._path} holds no frame that can be decoded")

    def close(self) -> None:
        """Close the file."""
        self._capture.release()


def _live_frames(capture: Any, name: str) -> Iterator[Frame]:
    """Yield frames until the device is gone; a missed frame is waited for, never replaced by a black one."""
    begun = last = time.monotonic()
    number = 0
    while True:
        read, image = capture.read()
        now = time.monotonic()
        if read:
            yield Frame(np.asarray(image, np.uint8), number, now - begun, now)
            number, last = number + 1, now
        elif now - last > _PATIENCE_S:
            raise SourceError(f"{name} stopped delivering frames ({number} came)")
        else:
            time.sleep(0.02)


def _rate(capture: Any) -> float | None:
    rate = float(capture.get(cv2.CAP_PROP_FPS))
    return rate if 0 < rate <= 1000 else None


def _without_credentials(url: str) -> str:
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path.partition('?')[0]}"
