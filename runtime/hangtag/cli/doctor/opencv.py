"""Which OpenCV this is, and what it lacks."""

from __future__ import annotations

from collections.abc import Iterator

from hangtag.cli.findings import Finding
from hangtag.opencv import HEADLESS_FIX, build_parts, explain_import_error
from hangtag.system import System

_BOTH_FIX = "pip uninstall -y opencv-python opencv-python-headless && pip install opencv-python"
_APT_FOLDER = "/dist-packages/"


def opencv_findings(system: System) -> Iterator[Finding]:
    """Yield which build there is, or why none loads."""
    wheels = {
        name: version
        for name in ("opencv-python", "opencv-python-headless")
        if (version := system.version_of(name)) is not None
    }
    if len(wheels) == 2:
        what = "opencv-python and opencv-python-headless are both installed and overwrite each other"
        yield Finding("wrong", what, _BOTH_FIX)
    try:
        import cv2
    except ImportError as error:
        yield Finding("wrong", explain_import_error(error) or f"OpenCV does not load: {error}", HEADLESS_FIX)
        return
    origin = _origin(wheels, cv2.__file__ or "")
    yield described(cv2.__version__, origin, cv2.getBuildInformation())


def described(version: str, origin: str, build_information: str) -> Finding:
    """Return what a build can do.

    Args:
        version: of OpenCV.
        origin: where it comes from, in words.
        build_information: what ``cv2.getBuildInformation()`` returns.
    """
    parts = build_parts(build_information)
    kind = "opens windows" if parts["GUI"] else "headless build: opens no windows, use --headless"
    lacks = [name for name in ("FFMPEG", "GStreamer") if not parts[name]]
    lacking = f"; without {' and '.join(lacks)}" if lacks else ""
    if "FFMPEG" in lacks:
        # Streams and clips are read through it.
        return Finding(
            "note", f"OpenCV {version} ({origin}), {kind}{lacking}: reads no RTSP streams", HEADLESS_FIX
        )
    return Finding("ok", f"OpenCV {version} ({origin}), {kind}{lacking}")


def _origin(wheels: dict[str, str], file: str) -> str:
    if len(wheels) == 1:
        return next(iter(wheels))
    return "apt's python3-opencv" if _APT_FOLDER in file else "a build of your own"
