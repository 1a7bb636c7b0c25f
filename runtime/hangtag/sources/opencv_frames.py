"""Frames of a live device that OpenCV reads."""

from __future__ import annotations

import time
from collections.abc import Iterator

import cv2
import numpy as np

from hangtag.errors import SourceError
from hangtag.preprocess import Image
from hangtag.sources.base import Frame
from hangtag.sources.driver_time import believed_s
from hangtag.sources.live import Thinning

_PATIENCE_S = 1.0
"""How long a device may fail to deliver before it counts as gone."""


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
        image = retrieved(capture) if grabbed else None
        if image is not None:
            captured_s = _captured_s(capture, now)
            yield Frame(
                image,
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


def retrieved(capture: cv2.VideoCapture) -> Image | None:
    """Return the frame that was grabbed last: BGR, uint8, shape (height, width, 3); None where it is none.

    OpenCV calls a Motion-JPEG frame that cannot be decoded a success, and gives nothing or an empty picture.
    """
    decoded, image = capture.retrieve()
    is_picture = decoded and isinstance(image, np.ndarray) and image.ndim == 3 and image.shape[2] == 3
    return np.asarray(image, np.uint8) if is_picture and image.size else None


def _captured_s(capture: cv2.VideoCapture, now_s: float) -> float:
    """Return when the driver got the frame that was grabbed last: it may have waited in a buffer since.

    V4L2 drivers tell it on the clock of ``time.monotonic()``; those that do not (0, another clock) are not
    believed, and the frame is as old as its grabbing.
    """
    told_s = float(capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000
    return believed_s(told_s, now_s)
