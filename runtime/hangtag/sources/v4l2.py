"""Cameras that speak V4L2: USB cameras, capture sticks."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import cv2

from hangtag.device import cameras
from hangtag.errors import SourceError
from hangtag.sources.base import Frame
from hangtag.sources.live import LiveSource
from hangtag.sources.opencv_frames import live_frames
from hangtag.sources.v4l2_formats import Device, PixelFormat, best_format, read_device, stable_link
from hangtag.sources.v4l2_kernel import fourcc_text
from hangtag.sources.video import rate

_log = logging.getLogger(__name__)

# OpenCV waits ten seconds for a camera that went silent; it reads this once, before the first camera.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(int(LiveSource.read_timeout_s)))

_BUFFERS = 2
"""Few, so that a reader who falls behind is not fed the past. With a single one the driver has nowhere to put
the next frame while one is read, and leaves out every other."""

_RATE_TOLERANCE = 0.05

_links: dict[str, Path] = {}
"""Spelling of a camera that was opened -> the name that stays its own when it is plugged in again."""
_said: set[str] = set()


class CameraSource(LiveSource):
    """A V4L2 camera, by index or device path.

    One that is unplugged and comes back under another number is found by the name that udev gives it.

    Args:
        device: ``0``, ``/dev/video0`` or a link to it (``/dev/v4l/by-id/…``).
        size_wh: width and height in pixels to ask for.
        fps: frames a second to ask for, and the most to deliver.
        pixel_format: four letters to ask for; without it, ``MJPG`` where only that reaches the rate.

    Raises:
        SourceError: there is no such device, it is no camera, it cannot be opened (in use, no permission), or
            it does not have this size or pixel format.
    """

    takes = frozenset({"size_wh", "fps", "pixel_format"})

    def __init__(
        self,
        device: str,
        size_wh: tuple[int, int] | None = None,
        fps: float | None = None,
        pixel_format: str | None = None,
    ) -> None:
        path = _path(device)
        self.shown = str(path)
        found = read_device(path, path.name)
        if found.problem:
            fix = f": {found.fix}" if found.fix else ""
            raise SourceError(f"camera {path} ({found.name}): {found.problem}{fix}")
        fourcc = _format(found, size_wh, fps, pixel_format)
        self._capture = cv2.VideoCapture(str(path), cv2.CAP_V4L2)
        if not self._capture.isOpened():
            raise SourceError(f"cannot open camera {path} ({found.name}): OpenCV knows none of its formats")
        try:
            self._ask_for(fourcc, size_wh, fps)
            self._check(fourcc if pixel_format else None, size_wh, fps)
        except BaseException:
            self.close()
            raise
        self._most_fps = fps
        given_fps = rate(self._capture)
        self.fps = min(fps, given_fps) if fps and given_fps else fps or given_fps
        link = stable_link(path)
        if link is not None:
            _links[device] = link

    def _ask_for(self, fourcc: str | None, size_wh: tuple[int, int] | None, fps: float | None) -> None:
        # In this order: a format limits the sizes, and a size the rates.
        if fourcc is not None:
            self._capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*fourcc.ljust(4)))
        if size_wh is not None:
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, size_wh[0])
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size_wh[1])
        if fps is not None:
            self._capture.set(cv2.CAP_PROP_FPS, fps)
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, _BUFFERS)

    def _check(self, fourcc: str | None, size_wh: tuple[int, int] | None, fps: float | None) -> None:
        """A driver answers with what it has, which must not go unnoticed."""
        width, height = (
            round(self._capture.get(side)) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
        )
        if size_wh is not None and (width, height) != size_wh:
            raise SourceError(
                f"camera {self.shown} gives {width}x{height}, not {size_wh[0]}x{size_wh[1]}: "
                "ask for that, or for no size"
            )
        given = fourcc_text(int(self._capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF)
        if fourcc is not None and given != fourcc:
            raise SourceError(f"camera {self.shown} gives {given} at {width}x{height}, not {fourcc}")
        given_fps = rate(self._capture)
        at = "at an unknown rate" if given_fps is None else f"at {given_fps:g} frames a second"
        _say(logging.INFO, f"camera {self.shown}: {width}x{height} {given} {at}")
        if fps and given_fps and abs(given_fps - fps) > _RATE_TOLERANCE * fps:
            what = "the rest is left out" if given_fps > fps else "that is all there is at this size"
            _say(
                logging.WARNING,
                f"camera {self.shown} gives {given_fps:g} frames a second, not {fps:g}: {what}",
            )

    def delivered(self) -> Iterator[Frame]:
        """Yield frames until the device is gone."""
        return live_frames(self._capture, f"camera {self.shown}", self._most_fps)

    def close(self) -> None:
        """Let go of the camera."""
        self._capture.release()


def _path(device: str) -> Path:
    """Return where a camera is now: where it was found the last time it was known by another number."""
    path = Path(f"/dev/video{device}" if device.isdigit() else device)
    link = _links.get(device)
    if link is not None:
        if not link.exists():
            raise SourceError(f"camera {path} is unplugged (waiting for {link.name})")
        return link.resolve()
    if not path.exists():
        there = ", ".join(f"{found} ({name})" for found, name in cameras().items()) or "none"
        raise SourceError(
            f"there is no camera {path}; cameras here: {there} (the simulated one is --source scene:)"
        )
    return path


def _format(
    found: Device, size_wh: tuple[int, int] | None, fps: float | None, pixel_format: str | None
) -> str | None:
    """Return the four letters to ask for, None for whatever the driver begins with."""
    if pixel_format is None:
        return best_format(found.formats, size_wh, fps)
    wanted = pixel_format.upper()
    if found.formats and wanted not in {one.fourcc for one in found.formats}:
        there = ", ".join(one.fourcc for one in found.formats)
        raise SourceError(
            f"camera {found.path} ({found.name}) has no pixel format {pixel_format!r}; has {there}"
        )
    sizes = _sizes_of(found.formats, wanted)
    if size_wh is not None and sizes and size_wh not in sizes:
        there = ", ".join(f"{width}x{height}" for width, height in sizes)
        raise SourceError(f"camera {found.path} has no {size_wh[0]}x{size_wh[1]} in {wanted}; has {there}")
    return wanted


def _sizes_of(formats: tuple[PixelFormat, ...], fourcc: str) -> list[tuple[int, int]]:
    """Return the sizes of a pixel format; none where it takes any size of a range."""
    return [
        (size.width, size.height)
        for one in formats
        if one.fourcc == fourcc and not one.any_size
        for size in one.sizes
    ]


def _say(level: int, text: str) -> None:
    """Log something once: a camera that is opened again has no news."""
    if text not in _said:
        _said.add(text)
        _log.log(level, "%s", text)
