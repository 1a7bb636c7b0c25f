"""Cameras that speak V4L2: USB cameras, capture sticks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2

from hangtag.device import cameras
from hangtag.errors import SourceError
from hangtag.sources.base import Frame
from hangtag.sources.live import LiveSource
from hangtag.sources.opencv_frames import live_frames
from hangtag.sources.video import rate


class CameraSource(LiveSource):
    """A V4L2 camera, by index or device path.

    Args:
        device: ``0`` or ``/dev/video0``.
        size_wh: width and height in pixels to ask for.
        fps: frames a second to ask for, and the most to deliver.

    Raises:
        SourceError: there is no such device, it cannot be opened, or has no such size.
    """

    def __init__(
        self,
        device: str,
        size_wh: tuple[int, int] | None = None,
        fps: float | None = None,
        pixel_format: str | None = None,
    ) -> None:
        path = Path(f"/dev/video{device}" if device.isdigit() else device)
        if not path.exists():
            there = ", ".join(f"{found} ({name})" for found, name in cameras().items()) or "none"
            raise SourceError(
                f"there is no camera {path}; cameras here: {there} (the simulated one is --source scene:)"
            )
        self.shown = str(path)
        self._capture = cv2.VideoCapture(str(path), cv2.CAP_V4L2)
        if not self._capture.isOpened():
            raise SourceError(
                f"cannot open camera {path}: in use by another program, or not yours to open "
                "(sudo usermod -aG video $USER, then log in again)"
            )
        self._ask_for(size_wh, fps)
        self._most_fps = fps
        self.fps = fps or rate(self._capture)

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
                f"camera {self.shown} gives {given[0]}x{given[1]}, not {size_wh[0]}x{size_wh[1]}: "
                "ask for that, or for no size"
            )

    def delivered(self) -> Iterator[Frame]:
        """Yield frames until the device is gone."""
        return live_frames(self._capture, f"camera {self.shown}", self._most_fps)

    def close(self) -> None:
        """Let go of the camera."""
        self._capture.release()
