"""Frames of a live device that OpenCV reads."""

from __future__ import annotations

import time
from collections.abc import Iterator

import cv2
import numpy as np

from hangtag.errors import SourceError
from hangtag.sources.base import Frame
from hangtag.sources.live import Thinning

_PATIENCE_S = 1.0
"""How long a device may fail to deliver before it counts as gone."""

_OLDEST_S = 5.0


def live_frames(capture: cv2.VideoCapture, name: str, fps: float | None = None) -> Iterator[Frame]:
    """Yield frames until the device is gone; a missed frame is waited for, never replaced by a black one.

    Args:
        capture: an open one.
        name: what errors call it.
        fps: the most frames a second to yield; others are read and not decoded, where that can be.

    Raises:
        SourceError: the device stopped delivering.
    """
    begun = last = time.monotonic()
    number = 0
    thinning = Thinning(fps)
    while True:
        grabbed = capture.grab()
        # The moment that the driver handed it over: decoding it belongs to its age.
        now, wall_s = time.monotonic(), time.time()
        if grabbed and not thinning.keeps(now):
            last = now
            continue
        read, image = capture.retrieve() if grabbed else (False, None)
        if read:
            captured_s = _captured_s(capture, now)
            yield Frame(
                np.asarray(image, np.uint8),
                number,
                max(0.0, captured_s - begun),
                captured_s,
                wall_s=wall_s - (now - captured_s),
            )
            number, last = number + 1, now
        elif now - last > _PATIENCE_S:
            raise SourceError(f"{name} stopped delivering frames ({number} came)")
        else:
            time.sleep(0.02)


def _captured_s(capture: cv2.VideoCapture, now_s: float) -> float:
    """Return when the driver got the frame that was grabbed last: it may have waited in a buffer since.

    V4L2 drivers tell it on the clock of ``time.monotonic()``; those that do not (0, another clock) are not
    believed, and the frame is as old as its grabbing.
    """
    told_s = float(capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000
    return told_s if now_s - _OLDEST_S < told_s <= now_s else now_s
