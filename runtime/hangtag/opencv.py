"""Which OpenCV this is, and what to do where it does not load."""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path

HEADLESS_FIX = "pip uninstall -y opencv-python && pip install opencv-python-headless"


def explain_import_error(error: ImportError) -> str | None:
    """Return one line that names the missing system library and its cure; None where OpenCV is not to blame.

    ``opencv-python`` links against libraries of a desktop system that a minimal one does not have.
    """
    text = str(error)
    library = re.match(r"(lib[\w.+-]+\.so[\w.]*): cannot open shared object file", text)
    if library:
        return (
            f"OpenCV cannot be loaded: the system library {library[1]} is missing. "
            f"Mend it with: sudo apt install libgl1 libglib2.0-0 libxcb1 ; "
            f"or, where no window is needed, with: {HEADLESS_FIX}"
        )
    if "numpy" in text.lower() and ("_ARRAY_API" in text or "multiarray" in text):
        return (
            "OpenCV was compiled for another NumPy (apt's, seen from an environment with its own NumPy?): "
            "pip install --force-reinstall opencv-python-headless"
        )
    if error.name == "cv2":
        return "OpenCV is not installed: pip install opencv-python (or opencv-python-headless)"
    return None


def has_window_support() -> bool:
    """Return True where this build of OpenCV can open windows (the headless build cannot)."""
    import cv2

    return build_parts(cv2.getBuildInformation())["GUI"]


def build_parts(build_information: str) -> dict[str, bool]:
    """Return which of ``GUI``, ``FFMPEG`` and ``GStreamer`` a build of OpenCV has.

    Args:
        build_information: what ``cv2.getBuildInformation()`` returns.
    """
    return {name: _has_part(build_information, name) for name in ("GUI", "FFMPEG", "GStreamer")}


def _has_part(build_information: str, name: str) -> bool:
    found = re.search(rf"^\s*{name}:\s*(\S+)", build_information, re.MULTILINE)
    return found is not None and found[1].upper() not in {"NONE", "NO"}


def quiet_windows() -> None:
    """Let Qt, which opens OpenCV's windows, not complain about fonts, five times two lines of it.

    Some builds look for them in a folder that they do not carry; what windows say here is in the picture.
    """
    import cv2

    folder = os.environ.get("QT_QPA_FONTDIR")
    if folder is not None and not Path(folder).is_dir():
        os.environ["QT_QPA_FONTDIR"] = str(Path(cv2.__file__).parent)


class _Silence:
    """How many want OpenCV to be silent just now: its log level is the whole process's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted = 0
        self._level = 0

    def begin(self) -> None:
        import cv2

        with self._lock:
            if self._wanted == 0:
                self._level = cv2.utils.logging.getLogLevel()
                if self._level == cv2.utils.logging.LOG_LEVEL_WARNING:  # else somebody chose what to see
                    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
            self._wanted += 1

    def end(self) -> None:
        import cv2

        with self._lock:
            self._wanted -= 1
            if self._wanted == 0:
                cv2.utils.logging.setLogLevel(self._level)


_silence = _Silence()


@contextlib.contextmanager
def without_warnings() -> Iterator[None]:
    """Let OpenCV print no warning while the block runs, unless somebody chose what to see.

    For calls whose failure is said by whoever makes them, in one line. It holds for the whole process, other
    threads included.
    """
    _silence.begin()
    try:
        yield
    finally:
        _silence.end()
