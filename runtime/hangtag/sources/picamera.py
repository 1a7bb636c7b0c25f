"""A Raspberry Pi's camera through picamera2, which knows when each frame was exposed."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any

import numpy as np

from hangtag.errors import SourceError
from hangtag.raspberry_pi.picamera2 import OWN_SIMPLEJPEG
from hangtag.sources.base import Frame
from hangtag.sources.driver_time import believed_s
from hangtag.sources.live import LiveSource, Thinning

_log = logging.getLogger(__name__)

_INSTALL = "sudo apt install python3-picamera2, then python3 -m venv --system-site-packages .venv"
_WITHOUT = "rpicam://0 works without it"
_BUFFERS = 4
"""One that is exposed, one that waits, one that is read here, and one to spare. They hold no old frames: each
is given back when it was read, and picamera2 hands out the newest."""

_MICROSECONDS = 1_000_000


class PicameraSource(LiveSource):
    """A Raspberry Pi's camera; the age of its frames begins with their exposure.

    Args:
        camera: its number.
        size_wh: width and height in pixels to ask for; without it 1280x720.
        fps: frames a second to ask for, and the most to deliver.

    Raises:
        SourceError: picamera2 cannot be imported, there is no such camera, another program has it, or it
            cannot deliver this size.
    """

    takes = frozenset({"size_wh", "fps"})

    def __init__(
        self, camera: str = "0", size_wh: tuple[int, int] | None = None, fps: float | None = None
    ) -> None:
        if not camera.isdigit():
            raise SourceError(f"a camera of picamera:// has a number (picamera://0), not {camera!r}")
        self.shown = f"picamera://{camera}"
        self.fps = fps
        self._camera = _opened(import_picamera2(self.shown), int(camera), self.shown)
        try:
            self._size_wh = _configured(self._camera, size_wh, fps, self.shown)
            self._camera.start()
        except BaseException:
            self.close()
            raise

    def delivered(self) -> Iterator[Frame]:
        """Yield frames until the camera is gone.

        Raises:
            SourceError: it stopped delivering.
        """
        thinning = Thinning(self.fps)
        number = 0
        first_s: float | None = None
        while True:
            request = self._next_request(number)
            try:
                now, wall_s = time.monotonic(), time.time()
                if not thinning.keeps(now):
                    continue
                captured_s = exposed_s(request.get_metadata().get("SensorTimestamp"), now)
                # A copy: the buffer goes back to the camera. What picamera2 calls RGB888 is BGR in memory.
                image = np.asarray(request.make_array("main"), np.uint8)
            finally:
                request.release()
            first_s = captured_s if first_s is None else first_s
            yield Frame(image, number, captured_s - first_s, captured_s, wall_s=wall_s - (now - captured_s))
            number += 1

    def _next_request(self, number: int) -> Any:
        try:
            return self._camera.capture_request(wait=self.read_timeout_s)
        # Not the builtin one before Python 3.11. Older versions of picamera2 know no timeout and wait.
        except (FutureTimeoutError, TimeoutError):
            raise SourceError(f"{self.shown} stopped delivering frames ({number} came)") from None
        except RuntimeError as error:
            raise SourceError(f"{self.shown} failed after {number} frames: {_line(error)}") from None

    def close(self) -> None:
        """Let go of the camera."""
        try:
            self._camera.stop()
            self._camera.close()
        except RuntimeError as error:
            _log.warning("%s: %s", self.shown, _line(error))


def import_picamera2(for_what: str) -> Any:
    """Return the class ``Picamera2``.

    Raises:
        SourceError: it cannot be imported; the message says why and what to do.
    """
    try:
        from picamera2 import Picamera2
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing == "picamera2":
            what = "the Python package picamera2, which comes from apt and is not to be seen here"
        else:
            # Its parts are compiled for the system's own Python, and pip does not have them.
            what = f"apt's {missing} for picamera2, which only the system's own Python has"
        raise SourceError(f"{for_what} needs {what}: {_INSTALL}; {_WITHOUT}") from None
    except (ImportError, ValueError) as error:
        # apt's simplejpeg of Debian 12 is compiled for NumPy 1; beside pip's NumPy 2 it raises a ValueError.
        if "binary incompatibility" in str(error) or "numpy" in str(error).lower():
            raise SourceError(
                f"{for_what}: a part of apt's picamera2 was compiled for another NumPy: "
                f"{OWN_SIMPLEJPEG} in this environment; {_WITHOUT}"
            ) from None
        raise SourceError(f"{for_what}: picamera2 does not load: {_line(error)}; {_WITHOUT}") from None
    return Picamera2


def exposed_s(sensor_timestamp_ns: object, now_s: float) -> float:
    """Return when a frame's exposure began, on the clock of ``time.monotonic()``; ``now_s`` if nobody knows.

    Args:
        sensor_timestamp_ns: libcamera's, in nanoseconds of the clock that goes on in suspend.
        now_s: of ``time.monotonic()``.
    """
    if not isinstance(sensor_timestamp_ns, int):
        return now_s
    asleep_s = time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()
    return believed_s(sensor_timestamp_ns / 1e9 - asleep_s, now_s)


def _opened(picamera2: Any, camera: int, shown: str) -> Any:
    found = picamera2.global_camera_info()
    if camera >= len(found):
        there = ", ".join(f"picamera://{i} ({info.get('Model', '?')})" for i, info in enumerate(found))
        raise SourceError(
            f"there is no camera {shown}; here: {there or 'none'} (check the cable: hangtag camera --list)"
        )
    try:
        return picamera2(camera)
    except (RuntimeError, IndexError) as error:
        raise SourceError(f"cannot open {shown}: another program has it, or {_line(error)}") from None


def _configured(
    camera: Any, size_wh: tuple[int, int] | None, fps: float | None, shown: str
) -> tuple[int, int]:
    """Set format, size and rate; return the size that the camera took."""
    main: dict[str, Any] = {"format": "RGB888"}
    if size_wh is not None:
        main["size"] = size_wh
    controls = {}
    if fps is not None:
        controls["FrameDurationLimits"] = (round(_MICROSECONDS / fps),) * 2
    try:
        camera.configure(
            camera.create_video_configuration(main=main, controls=controls, buffer_count=_BUFFERS)
        )
    except RuntimeError as error:
        raise SourceError(f"{shown} cannot be set up: {_line(error)}") from None
    given = camera.camera_configuration()["main"]
    width, height = (int(side) for side in given["size"])
    if given["format"] != "RGB888" or (size_wh is not None and (width, height) != size_wh):
        asked = "RGB888" if size_wh is None else f"{size_wh[0]}x{size_wh[1]} RGB888"
        raise SourceError(
            f"{shown} gives {width}x{height} {given['format']}, not {asked}: ask for that size, or for none"
        )
    return width, height


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
