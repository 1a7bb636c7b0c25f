"""A window with the annotated picture."""

from __future__ import annotations

import cv2

from hangtag.device import has_screen
from hangtag.errors import OutputError
from hangtag.opencv import has_window_support, quiet_windows
from hangtag.preprocess import Image
from hangtag.result import Result
from hangtag.sinks import overlay
from hangtag.sinks.base import Sink, StopLoop
from hangtag.sources.account import Outage

_TITLE = "Hangtag (q quits)"
_QUIT_KEYS = {ord("q"), 27}


class Window(Sink):
    """Shows each frame with its label until q, Esc or the window's close button.

    Raises:
        OutputError: this OpenCV or this machine cannot open windows.
    """

    name = "window"
    needs_main_thread = True

    def __init__(self) -> None:
        if not has_window_support():
            raise OutputError("this OpenCV is the headless build and opens no window: add --headless")
        if not has_screen():
            raise OutputError("there is no screen here (DISPLAY is not set): add --headless")
        quiet_windows()
        self._last: Image | None = None
        self._open = False

    def write(self, result: Result) -> None:
        """Show one result."""
        self._last = overlay.draw(result)
        self._show(self._last)

    def missing(self, outage: Outage) -> None:
        """Say over the last picture that it is an old one."""
        self._show(overlay.draw_outage(self._last, outage))

    def _show(self, picture: Image) -> None:
        self._heed_close_button()
        cv2.imshow(_TITLE, picture)
        self._open = True
        self.idle()

    def idle(self) -> None:
        """Heed the keyboard and the close button."""
        if self._open and cv2.waitKey(1) & 0xFF in _QUIT_KEYS:
            raise StopLoop
        self._heed_close_button()

    def _heed_close_button(self) -> None:
        # Showing a picture would open the window again.
        if self._open and cv2.getWindowProperty(_TITLE, cv2.WND_PROP_VISIBLE) < 1:
            raise StopLoop

    def close(self) -> None:
        """Close the window."""
        if self._open:
            cv2.destroyAllWindows()
