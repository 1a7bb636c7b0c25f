"""Opens streams through OpenCV's FFmpeg with options that keep them fresh; all of this was measured.

- ``analyzeduration``: FFmpeg looks at a stream for up to five seconds before it gives the first frame out,
  and keeps what it has seen: the first frames come a second old, and a stream whose next whole picture is
  far away cannot be opened in time at all. A tenth of a second is enough.
- One thread for decoding: with more, FFmpeg holds back a frame for each further one.
- ``fflags nobuffer`` throws away what was looked at, and with it the first whole picture: until the next
  one, nothing can be shown. ``low_delay``, ``max_delay`` and ``reorder_queue_size`` change nothing that can
  be measured.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

import cv2

from hangtag.errors import SourceError
from hangtag.opencv import without_warnings

_OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
_LOG_LEVEL = "OPENCV_FFMPEG_LOGLEVEL"
_QUIET = "-8"
_FRESH = {"analyzeduration": "100000"}
_opening = threading.Lock()


def open_stream(url: str, *, timeout_s: float) -> cv2.VideoCapture:
    """Open a stream; whether it could be is for ``isOpened()`` to say.

    Options in the environment variable ``OPENCV_FFMPEG_CAPTURE_OPTIONS`` go before ours.

    Args:
        url: user and password included; nothing of it is printed.
        timeout_s: the longest that opening it, or later one read, may take.

    Raises:
        SourceError: another stream is being opened, and that does not end.
    """
    timeout_ms = int(1000 * timeout_s)
    parameters = [
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, timeout_ms,
        cv2.CAP_PROP_READ_TIMEOUT_MSEC, timeout_ms,
        cv2.CAP_PROP_N_THREADS, 1,
    ]  # fmt: skip
    # The options are the whole process's while they are read. Looking up a name can take longer than any
    # time-out; whoever waits behind it must not wait for ever.
    if not _opening.acquire(timeout=timeout_s):
        raise SourceError("another stream is being opened, and that hangs; trying again helps")
    try:
        with _environment(_options_for(url)), without_warnings():
            return cv2.VideoCapture(url, cv2.CAP_FFMPEG, parameters)
    finally:
        _opening.release()


def _options_for(url: str) -> dict[str, str]:
    """Return the environment variables to open an address with."""
    options = dict(_FRESH)
    if url.lower().startswith("rtsp") and not _asks_for_transport(url):
        options["rtsp_flags"] = "prefer_tcp"
    for option in os.environ.get(_OPTIONS, "").split("|"):
        key, separator, value = option.partition(";")
        if separator:
            options[key] = value
    joined = "|".join(f"{key};{value}" for key, value in options.items())
    return {_OPTIONS: joined, _LOG_LEVEL: os.environ.get(_LOG_LEVEL, _QUIET)}


def _asks_for_transport(url: str) -> bool:
    query = url.rpartition("?")[2] if "?" in url else ""
    return not {"udp", "tcp", "multicast"}.isdisjoint(query.split("&"))


@contextlib.contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
