"""Network streams, through OpenCV's FFmpeg, as fresh as it can give them."""

from __future__ import annotations

import time
from collections.abc import Iterator

import cv2

from hangtag.address import without_secrets
from hangtag.errors import SourceError
from hangtag.sources.base import Frame
from hangtag.sources.ffmpeg import open_stream
from hangtag.sources.live import LiveSource, Thinning
from hangtag.sources.opencv_frames import retrieved
from hangtag.sources.stream_clock import STILL_S, CatchUp, PaceClock, StreamClock
from hangtag.sources.stream_fault import why_not
from hangtag.sources.video import rate

_TIMEOUT_S = LiveSource.read_timeout_s
_KEYFRAME_S = 10.0
"""How long the first picture may take: coded video can be entered at a whole picture only, and some cameras
send one every ten seconds."""

_QUEUED_SHARE = 0.4
"""A frame that is there in less than this share of an interval has waited: a later one may be there as
well."""

_USUAL_FPS = 25.0
_CATCH_UP_S = 1.0
_PARSED = {"h264", "hevc"}
"""Codecs of which FFmpeg gives a picture out when it sees the next one begin."""


class StreamSource(LiveSource):
    """A network stream (``rtsp://``, ``http://``).

    What queued up while the connection was made, or while the network stood still, is left out: only what
    is newest is delivered. ``captured_s`` tells when a frame arrived here as far as the stream's own times
    show it (RTSP has some), or else the pace of its frames: the delays of the camera's coder, and the
    shortest way through the network, are not in it.

    Args:
        url: its address; user and password in it are used and never shown. RTSP comes through TCP unless its
            query asks for another way (``?udp``).
        fps: the most frames a second to deliver.

    Raises:
        SourceError: it cannot be opened within three seconds; the message says why, as far as can be known.
    """

    read_timeout_s = _KEYFRAME_S
    takes = frozenset({"fps"})

    def __init__(self, url: str, fps: float | None = None) -> None:
        self.shown = without_secrets(url)
        self._capture = open_stream(url, timeout_s=_TIMEOUT_S)
        if not self._capture.isOpened():
            raise SourceError(f"cannot open the stream {self.shown}: {why_not(url, timeout_s=1.0)}")
        self._most_fps = fps
        own_fps = rate(self._capture)
        self._interval_s = 1 / (own_fps or _USUAL_FPS)
        self.fps = fps or own_fps
        timed = url.lower().startswith("rtsp")
        self._clock = StreamClock(holds_one=_codec(self._capture) in _PARSED) if timed else None
        self._pace = PaceClock(self._interval_s)

    def delivered(self) -> Iterator[Frame]:
        """Yield frames until the stream ends.

        Raises:
            SourceError: it stopped delivering for three seconds, or ended.
        """
        begun = time.monotonic()
        thinning = Thinning(self._most_fps)
        number = 0
        for captured_s, queued in self._grabbed():
            now = time.monotonic()
            late = queued and now - captured_s > STILL_S
            if late and not self.every_frame:
                number += 1  # so that it counts as dropped
            elif thinning.keeps(now):
                image = retrieved(self._capture)
                if image is not None:
                    yield Frame(
                        image, number, captured_s - begun, captured_s, wall_s=time.time() - now + captured_s
                    )
                    number += 1

    def _grabbed(self) -> Iterator[tuple[float, bool]]:
        """Grab frames; yield when each arrived, and whether a newer one may wait behind it."""
        begun = time.monotonic()
        first_s: float | None = None
        catch_up, caught_up, grabbed_frames = CatchUp(), False, 0
        while True:
            asked = time.monotonic()
            grabbed = self._capture.grab()
            now = time.monotonic()
            if not grabbed:
                if first_s is not None or now - begun > _KEYFRAME_S or now - asked < _TIMEOUT_S / 2:
                    raise SourceError(f"the stream {self.shown} stopped delivering frames")
                continue
            first_s = now if first_s is None else first_s
            grabbed_frames += 1
            if self._clock:
                position_s = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
                captured_s = self._clock.captured_s(now, position_s)
            else:
                position_s, captured_s = grabbed_frames * self._interval_s, self._pace.captured_s(now)
            caught_up = caught_up or catch_up.done(now, position_s) or now - first_s > _CATCH_UP_S
            if caught_up:
                # By its pace a frame is old only until it is known that none waits behind it.
                queued = now - asked < _QUEUED_SHARE * self._interval_s
                yield captured_s, queued or self._clock is None

    def close(self) -> None:
        """Close the connection."""
        self._capture.release()


def _codec(capture: cv2.VideoCapture) -> str:
    code = int(capture.get(cv2.CAP_PROP_FOURCC))
    return code.to_bytes(4, "little", signed=False).decode("latin-1").lower() if code > 0 else ""
