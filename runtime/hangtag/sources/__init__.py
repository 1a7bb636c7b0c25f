"""Where frames come from: one protocol, one file per kind of source, one spelling to open them all."""

from __future__ import annotations

import glob
from pathlib import Path

from hangtag.address import STREAM, without_anything_secret
from hangtag.errors import SourceError
from hangtag.sources.base import Frame, Source

__all__ = ["Frame", "Source", "open_source"]


def open_source(
    spelling: str,
    *,
    size_wh: tuple[int, int] | None = None,
    fps: float | None = None,
    pixel_format: str | None = None,
    seed: int = 0,
    loop: bool = False,
    real_time: bool = False,
) -> Source:
    """Open a source of frames.

    Args:
        spelling: ``0`` or ``/dev/video0`` (a camera), ``picamera://0`` (a Raspberry Pi's, through picamera2)
            or ``rpicam://0`` (through rpicam-vid), ``rtsp://…`` or ``http://…`` (a stream), ``-`` (standard
            input), ``clip.mp4`` (a video file), ``photo.jpg``, ``photos/`` or ``'photos/*.jpg'`` (photos),
            ``scene:`` (the simulated camera) or ``scene:photos/`` (it, showing the photos of a folder).
        size_wh: width and height in pixels that a camera or the scene should deliver, or that raw frames on
            standard input have.
        fps: frames a second that a camera or the scene should deliver, and the most that any other source
            delivers.
        pixel_format: four letters to ask a V4L2 camera for (``MJPG``, ``YUYV``); for standard input what its
            frames are, see :mod:`hangtag.sources.byte_stream`.
        seed: of the scene.
        loop: begin a video file again at its end.
        real_time: deliver video files and the scene as a camera would; then they are live. Photos, which have
            no time of their own, wait all the same.

    What a source has no use for (its ``takes``) makes no difference to it.

    Raises:
        SourceError: there is nothing like that, or it cannot be opened.
        PhotoError: a folder holds no photo.
    """
    if not spelling.strip():
        raise SourceError("no source was named; wanted a camera (0), a stream (rtsp://…), a file, or scene:")
    live = _live(spelling, size_wh, fps, pixel_format)
    if live is not None:
        return live
    if spelling.startswith("scene:"):
        source = _scene(spelling.removeprefix("scene:"), size_wh, fps, seed)
    else:
        source = _file(spelling, fps, loop=loop)
    if not (real_time and source.continuous):
        return source
    from hangtag.sources.pace import PacedSource

    return PacedSource(source)


def _live(
    spelling: str, size_wh: tuple[int, int] | None, fps: float | None, pixel_format: str | None
) -> Source | None:
    """Open a camera or a stream; None for everything else."""
    if spelling.isdigit() or spelling.startswith("/dev/"):
        from hangtag.sources.v4l2 import CameraSource

        return CameraSource(spelling, size_wh, fps, pixel_format)
    if STREAM.match(spelling):
        from hangtag.sources.stream import StreamSource

        return StreamSource(spelling, fps)
    if spelling.startswith("picamera://"):
        from hangtag.sources.picamera import PicameraSource

        return PicameraSource(spelling.removeprefix("picamera://"), size_wh, fps)
    if spelling.startswith("rpicam://"):
        from hangtag.sources.rpicam import RpicamSource

        return RpicamSource(spelling.removeprefix("rpicam://"), size_wh, fps)
    if spelling == "-":
        from hangtag.sources.byte_stream import StdinSource

        return StdinSource(size_wh, fps, pixel_format)
    return None


def _scene(folder: str, size_wh: tuple[int, int] | None, fps: float | None, seed: int) -> Source:
    from hangtag.scene import SceneSettings
    from hangtag.sources.simulated import SceneSource

    defaults = SceneSettings()
    try:
        settings = SceneSettings(seed=seed, size_wh=size_wh or defaults.size_wh, fps=fps or defaults.fps)
    except ValueError as error:
        raise SourceError(f"the simulated camera cannot do that: {error}") from None
    return SceneSource(settings, Path(folder) if folder else None)


def _file(spelling: str, fps: float | None, *, loop: bool) -> Source:
    # Not above: what cameras are here is asked where OpenCV does not load, too.
    from hangtag.photos import IMAGE_SUFFIXES
    from hangtag.sources.still import FolderSource

    path = Path(spelling)
    if not _exists(path):
        if glob.has_magic(spelling) and (found := sorted(glob.glob(spelling, recursive=True))):  # noqa: PTH207 - absolute patterns, too
            return FolderSource([Path(name) for name in found], shown=spelling, fps=fps)
        raise SourceError(
            f"there is no source {without_anything_secret(spelling)!r}; wanted a camera (0, picamera://0, "
            "rpicam://0), a stream (rtsp://…, http://…), a video file, photos or their folder, - or scene:"
        )
    if path.is_dir() or path.suffix.lower() in IMAGE_SUFFIXES:
        return FolderSource([path], shown=spelling, fps=fps)
    from hangtag.sources.video import VideoSource

    return VideoSource(path, fps=fps, loop=loop)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name too long to be one, a folder that may not be looked into
        return False
