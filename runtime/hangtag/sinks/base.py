"""What every sink is: it takes results one by one, and finishes its files when it is closed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hangtag.result import Result
from hangtag.sources.account import Outage


class StopLoop(Exception):  # noqa: N818 - a request, not an error
    """Raised by a sink when the user asked it to stop (closed the window, or the reader of a pipe)."""


@dataclass(frozen=True, slots=True)
class Losses:
    """What a sink did not write: ``late`` results it was too slow for, ``failed`` ones it could not write."""

    name: str
    late: int
    failed: int


class Sink:
    """Takes results one by one. The base class does nothing with them.

    With a live source each sink works in a thread of its own, always the same, and what it cannot keep up
    with is dropped and counted; with files it works in step with the loop, and an error ends it.

    Attributes:
        name: what messages call it.
        backlog: how many results may wait for it in a live loop.
        needs_pictures: it looks at ``Result.frame.image_bgr``; where it does not, results that wait in a live
            loop come without, so that many of them take little memory.
        needs_main_thread: windows do.
    """

    name = "sink"
    backlog = 4
    needs_pictures = True
    needs_main_thread = False

    def watch_losses(self, losses: Callable[[], Sequence[Losses]]) -> None:
        """Take note of how to ask what each sink of a live loop has lost so far; before the first result."""

    def write(self, result: Result) -> None:
        """Take one result.

        Raises:
            StopLoop: the user wants the loop to end.
            OutputError: it cannot be written now. In a live loop this is said once, and the next result is
                tried again.
        """

    def missing(self, outage: Outage) -> None:
        """Take note, about once a second, that there is no frame and what was said before is stale.

        Raises:
            StopLoop: the user wants the loop to end.
            OutputError: it cannot be written now.
        """

    def idle(self) -> None:
        """Called some twenty times a second while nothing comes, for sinks in the main thread.

        Raises:
            StopLoop: the user wants the loop to end.
        """

    def close(self) -> None:
        """Finish files and windows; called once, whatever ended the loop.

        Raises:
            OutputError: what was written so far cannot be finished.
        """
