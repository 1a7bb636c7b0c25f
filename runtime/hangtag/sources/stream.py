"""Network streams, through OpenCV's FFmpeg."""

from __future__ import annotations

from collections.abc import Iterator

import cv2

from hangtag.errors import SourceError
from hangtag.sources.address import without_secrets
from hangtag.sources.base import Frame
from hangtag.sources.live import LiveSource
from hangtag.sources.opencv_frames import live_frames
from hangtag.sources.video import rate

_TIMEOUT_MS = 1000 * int(LiveSource.read_timeout_s)


class StreamSource(LiveSource):
    """A network stream (``rtsp://``, ``http://``).

    Args:
        url: its address; user and password in it are used and never shown.
        fps: the most frames a second to deliver.

    Raises:
        SourceError: it cannot be opened within three seconds.
    """

    def __init__(self, url: str, fps: float | None = None) -> None:
        self.shown = without_secrets(url)
        timeouts = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _TIMEOUT_MS,
            cv2.CAP_PROP_READ_TIMEOUT_MSEC, _TIMEOUT_MS,
        ]  # fmt: skip
        self._capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG, timeouts)
        if not self._capture.isOpened():
            raise SourceError(f"cannot open the stream {self.shown}: no answer, or not a video stream")
        self._most_fps = fps
        self.fps = fps or rate(self._capture)

    def delivered(self) -> Iterator[Frame]:
        """Yield frames until the stream ends."""
        return live_frames(self._capture, f"the stream {self.shown}", self._most_fps)

    def close(self) -> None:
        """Close the connection."""
        self._capture.release()
