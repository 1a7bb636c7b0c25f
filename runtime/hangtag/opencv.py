"""Which OpenCV this is, and what to do where it does not load."""

from __future__ import annotations

import re

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
    if error.name == "cv2":
        return "OpenCV is not installed: pip install opencv-python (or opencv-python-headless)"
    return None


def has_window_support() -> bool:
    """Return True where this build of OpenCV can open windows (the headless build cannot)."""
    import cv2

    found = re.search(r"^\s*GUI:\s*(\S+)", cv2.getBuildInformation(), re.MULTILINE)
    return found is not None and found[1].upper() != "NONE"
