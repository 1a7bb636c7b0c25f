"""Real time for sources that would wait: a clip or the scene, delivered as a camera would."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator

from hangtag.errors import SourceError
from hangtag.sources.base import Frame, Source
from hangtag.sources.live import LiveSource

_MOST_LEFT_OUT = 4
"""After so many intervals without a frame a late one is delivered: where frames take too long to make, all
are late, and one in four is better than none."""


class PacedSource(LiveSource):
    """Delivers each frame of another source when it is due; what is made too late is left out.

    Args:
        source: a source with a frame rate; it is closed with this one.

    Raises:
        SourceError: the source has no frame rate.
    """

    checked = False

    def __init__(self, source: Source) -> None:
        if source.fps is None:
            raise SourceError(
                f"{source.shown} has no frame rate, so it cannot be shown in real time: add --pace fast"
            )
        self._source = source
        self.fps = source.fps
        self.shown = source.shown
        self.continuous = source.continuous
        self.takes = source.takes

    def delivered(self) -> Iterator[Frame]:
        """Yield frames in real time until the source ends."""
        begun = last_s = time.monotonic()
        interval_s = 1 / (self.fps or 1)
        for frame in self._source:
            due_s = begun + frame.time_s
            now = time.monotonic()
            if now > due_s + interval_s and now < last_s + _MOST_LEFT_OUT * interval_s:
                continue  # its number is missing from what is delivered, so that it counts as dropped
            time.sleep(max(0.0, due_s - now))
            last_s = time.monotonic()
            yield dataclasses.replace(frame, time_s=last_s - begun, captured_s=last_s, wall_s=time.time())

    def close(self) -> None:
        """Close the source."""
        self._source.close()
