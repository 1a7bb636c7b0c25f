"""Annotated clips for days: one after another in a folder with a quota, each whole when it is finished."""

from __future__ import annotations

import contextlib
import logging
import time
from pathlib import Path

from hangtag.errors import OutputError
from hangtag.files import make_folder
from hangtag.preprocess import Image
from hangtag.quota import Quota
from hangtag.result import Result
from hangtag.sinks import overlay
from hangtag.sinks.base import Sink
from hangtag.sinks.clip import DEFAULT_FPS
from hangtag.sinks.fitted import fitted
from hangtag.sinks.patience import Patience
from hangtag.sinks.video_file import VideoFile
from hangtag.sources.account import Outage
from hangtag.stamps import STAMP, Stamps

_log = logging.getLogger(__name__)

PART_S = 300.0
"""A clip ends and the next one begins after so many seconds: what a power cut takes is at most one."""

LEAST_QUOTA_BYTES = 32_000_000
"""The encoder holds up to 5 MB back, so that a clip is known to be too large only when it is."""

_NAME = rf"camera-{STAMP}\.webm"
_PARTS_OF_QUOTA = 4
_STEP_BYTES = 16_000_000
_MOST_LIVE_FPS = 10.0
_MOST_LIVE_SIDE_PX = 960
_MOST_GAP_S = 10.0
_LEAST_FPS = 0.5
# Encoding is the most expensive thing that a sink does, and inference wants the processor, too.
_MOST_LOAD = 0.4
_JUDGED_AFTER_S = 1.0


class Clips(Sink):
    """Writes annotated frames to ``camera-YYYYmmdd-HHMMSS.webm`` (UTC), a new one every five minutes.

    Of a live source a clip lasts as long as what it shows, outages included; frames are at most 960 pixels
    wide or high and 10 a second, and fewer where encoding them would take more than 40 % of a processor's
    time. A frame of another size begins a new clip; those of photos are fitted. Clips that a power cut left
    unfinished count, too, and go like the others.

    Args:
        folder: of the clips.
        quota_bytes: how much they may take; the oldest go first.
        fps: the source's rate, None where it has none.
        live: the source is.
        part_s: seconds to a clip.

    Raises:
        OutputError: the folder cannot be written to, or the quota is too small for clips.
    """

    name = "clip"
    # What waits when the program is told to stop is still encoded, which has to be quick.
    backlog = 1

    def __init__(
        self, folder: Path, quota_bytes: int, fps: float | None = None, *, live: bool, part_s: float = PART_S
    ) -> None:
        if quota_bytes < LEAST_QUOTA_BYTES:
            raise OutputError(
                f"a quota of {quota_bytes / 1e6:g} MB is too small for clips; wanted at least "
                f"{LEAST_QUOTA_BYTES / 1e6:g} MB"
            )
        self._folder = make_folder(folder)
        self._live, self._part_s = live, part_s
        self._quota = Quota(folder, quota_bytes, _NAME)
        self._most_part_bytes = quota_bytes // _PARTS_OF_QUOTA
        self._step_bytes = min(_STEP_BYTES, self._most_part_bytes)
        self._most_fps = min(fps or DEFAULT_FPS, _MOST_LIVE_FPS) if live else fps or DEFAULT_FPS
        self._fps = self._most_fps
        self._patience = Patience()
        self._part: _Part | None = None
        self._last: Image | None = None

    def write(self, result: Result) -> None:
        """Append one frame."""
        time_s = result.frame.time_s
        if self._part is not None and self._part.skips(time_s):
            return
        image = overlay.draw(result)
        self._last = fitted(image, _MOST_LIVE_SIDE_PX) if self._live else image
        self._append(self._last, time_s, result.frame.wall_s)

    def missing(self, outage: Outage) -> None:
        """Show that there is no picture, so that time goes on in the clip, too."""
        # Before the first frame the size is not known, and there is nothing to show.
        if self._last is not None:
            self._append(overlay.draw_outage(self._last, outage), outage.time_s, outage.wall_s)

    def _append(self, image: Image, time_s: float, wall_s: float) -> None:
        with self._patience:
            try:
                self._write(image, time_s, wall_s)
            except OutputError:
                # What was recorded so far is worth keeping; if it cannot be kept either, one error is enough.
                with contextlib.suppress(OutputError):
                    self.close()
                raise

    def _write(self, image: Image, time_s: float, wall_s: float) -> None:
        size_wh = (image.shape[1], image.shape[0])
        if self._part is not None and self._ends(self._part, size_wh, time_s):
            self._finish()
        if self._part is None:
            self._quota.make_room(self._step_bytes)
            # Another program may have begun a clip in this second: what it is writing has a name, too.
            stamp = Stamps(self._quota.names()).next(wall_s)
            path = self._folder / f"camera-{stamp}.webm"
            file = VideoFile(path, self._fps, size_wh, live=self._live)
            self._part = _Part(file, size_wh, time_s, self._step_bytes)
        part = self._part
        part.file.write(image, time_s)
        part.last_s = time_s
        written_bytes = part.file.size_bytes()
        if written_bytes + self._step_bytes // 2 > part.granted_bytes:
            self._quota.make_room(self._step_bytes, keep=part.file.temporary)
            part.granted_bytes = written_bytes + self._step_bytes

    def _ends(self, part: _Part, size_wh: tuple[int, int], time_s: float) -> bool:
        """Return whether this picture belongs to another clip."""
        if part.file.size_bytes() >= self._most_part_bytes:
            return True
        if not self._live:
            return part.file.frames >= self._part_s * part.file.fps
        # A clock of frames that jumps must not be filled with hours of the last picture.
        jumps = not -1.0 <= time_s - part.last_s <= _MOST_GAP_S
        too_long = time_s - part.begun_s >= self._part_s
        return jumps or too_long or size_wh != part.size_wh or part.too_dear()

    def _finish(self) -> None:
        part, self._part = self._part, None
        if part is None:
            return
        if self._live:
            self._fps = min(self._most_fps, max(_LEAST_FPS, part.affordable_fps()))
        part.file.close()

    def close(self) -> None:
        """Finish the last clip."""
        self._finish()


class _Part:
    """A clip that is being written."""

    def __init__(self, file: VideoFile, size_wh: tuple[int, int], begun_s: float, granted_bytes: int) -> None:
        self.file, self.size_wh = file, size_wh
        self.begun_s = self.last_s = begun_s
        self.granted_bytes = granted_bytes
        self._begun = time.monotonic()

    def skips(self, time_s: float) -> bool:
        """Return whether a picture of this moment has no place in the clip, nor begins another one."""
        return time_s >= self.last_s and not self.file.takes(time_s)

    def too_dear(self) -> bool:
        """Return whether encoding takes much more of a processor than it may."""
        passed_s = time.monotonic() - self._begun
        if passed_s < _JUDGED_AFTER_S or self.file.fps <= _LEAST_FPS:
            return False
        return self.file.encoding_s > 1.5 * _MOST_LOAD * passed_s

    def affordable_fps(self) -> float:
        """Return how many frames a second can be encoded in the time there is for it."""
        return _MOST_LOAD * self.file.frames / max(self.file.encoding_s, 1e-6)
