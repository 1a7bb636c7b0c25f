"""An annotated clip of a whole run."""

from __future__ import annotations

from pathlib import Path

from hangtag.files import check_writable
from hangtag.result import Result
from hangtag.sinks import overlay
from hangtag.sinks.base import Sink
from hangtag.sinks.video_file import VideoFile

DEFAULT_FPS = 10.0
"""Of sources that have no rate."""


class Clip(Sink):
    """Writes every annotated frame to one clip, which appears under its name when it is closed.

    The clip's size is that of the first frame; later frames of another size (folders of photos) are fitted.
    It grows as long as it runs: :class:`hangtag.sinks.clips.Clips` is for days.

    Args:
        path: where the clip will stand.
        fps: frames a second.
        live: see :class:`hangtag.sinks.video_file.VideoFile`.

    Raises:
        OutputError: the file cannot be written.
    """

    name = "clip"

    def __init__(self, path: Path, fps: float | None = None, *, live: bool = False) -> None:
        check_writable(path.parent)
        self._path, self._fps, self._live = path, fps or DEFAULT_FPS, live
        self._file: VideoFile | None = None

    def write(self, result: Result) -> None:
        """Append one frame."""
        image = overlay.draw(result)
        if self._file is None:
            size_wh = (image.shape[1], image.shape[0])
            self._file = VideoFile(self._path, self._fps, size_wh, live=self._live)
        self._file.write(image, result.frame.time_s)

    def close(self) -> None:
        """Finish the clip and give it its name; without a frame nothing is left behind."""
        if self._file is not None:
            self._file.close()
