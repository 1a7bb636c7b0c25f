"""Where frames come from: one protocol, one file per kind of source, one spelling to open them all."""

from __future__ import annotations

import re
from pathlib import Path

from hangtag.errors import SourceError
from hangtag.photos import IMAGE_SUFFIXES
from hangtag.sources.base import Frame, Source

__all__ = ["Frame", "Source", "open_source"]

_STREAM = re.compile(r"^(rtsps?|rtmp|https?|udp|tcp)://", re.IGNORECASE)


def open_source(
    spelling: str, *, size_wh: tuple[int, int] | None = None, fps: float | None = None, seed: int = 0
) -> Source:
    """Open a source of frames.

    Args:
        spelling: ``0`` or ``/dev/video0`` (a camera), ``rtsp://…`` or ``http://…`` (a stream), ``clip.mp4``
            (a video file), ``photo.jpg`` or ``photos/`` (photos), ``scene:`` (the simulated camera) or
            ``scene:photos/`` (it, showing the photos of a folder).
        size_wh: width and height in pixels that a camera or the scene should deliver.
        fps: frames per second that a camera or the scene should deliver.
        seed: of the scene.

    Raises:
        SourceError: there is nothing like that, or it cannot be opened.
        PhotoError: a folder holds no photo.
    """
    if spelling.startswith("scene:"):
        return _scene(spelling.removeprefix("scene:"), size_wh, fps, seed)
    if spelling.isdigit() or spelling.startswith("/dev/"):
        from hangtag.sources.capture import CameraSource

        return CameraSource(spelling, size_wh, fps)
    if _STREAM.match(spelling):
        from hangtag.sources.capture import StreamSource

        return StreamSource(spelling)
    return _file(Path(spelling), spelling)


def _scene(folder: str, size_wh: tuple[int, int] | None, fps: float | None, seed: int) -> Source:
    from hangtag.scene import SceneSettings
    from hangtag.sources.simulated import SceneSource

    defaults = SceneSettings()
    try:
        settings = SceneSettings(seed=seed, size_wh=size_wh or defaults.size_wh, fps=fps or defaults.fps)
    except ValueError as error:
        raise SourceError(f"the simulated camera cannot do that: {error}") from None
    return SceneSource(settings, Path(folder) if folder else None)


def _file(path: Path, spelling: str) -> Source:
    if not _exists(path):
        raise SourceError(
            f"there is no source {spelling!r}; wanted a camera (0), a stream (rtsp://…), a video file, "
            "a folder of photos, or scene:"
        )
    if path.is_dir() or path.suffix.lower() in IMAGE_SUFFIXES:
        from hangtag.sources.still import FolderSource

        return FolderSource(path)
    from hangtag.sources.capture import VideoSource

    return VideoSource(path)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name too long to be one, a folder that may not be looked into
        return False
