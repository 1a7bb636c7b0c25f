"""A window with the annotated picture."""

from __future__ import annotations

import cv2

from hangtag.contract import InputSpec
from hangtag.device import has_screen
from hangtag.errors import OutputError
from hangtag.opencv import has_window_support
from hangtag.pipeline import Result, StopLoop
from hangtag.sinks import overlay

_TITLE = "Hangtag (q quits)"
_QUIT_KEYS = {ord("q"), 27}


class Window:
    """Shows each frame with its label until q, Esc or the window's close button.

    Raises:
        OutputError: this OpenCV or this machine cannot open windows.
    """

    def __init__(self, spec: InputSpec) -> None:
        if not has_window_support():
            raise OutputError("this OpenCV is the headless build and opens no window: add --headless")
        if not has_screen():
            raise OutputError("there is no screen here (DISPLAY is not set): add --headless")
        self._spec = spec
        self._open = False

    def write(self, result: Result) -> None:
        """Show one result."""
        if self._open and cv2.getWindowProperty(_TITLE, cv2.WND_PROP_VISIBLE) < 1:
            raise StopLoop
        cv2.imshow(_TITLE, overlay.draw(result, self._spec))
        self._open = True
        if cv2.waitKey(1) & 0xFF in _QUIT_KEYS:
            raise StopLoop

    def close(self) -> None:
        """Close the window."""
        if self._open:
            cv2.destroyAllWindows()
