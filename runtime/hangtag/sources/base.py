"""What every source of frames is: something that yields frames until it ends, and is closed."""

from __future__ import annotations

import abc
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from hangtag.preprocess import Image

_S = TypeVar("_S", bound="Source")


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a source.

    Args:
        image_bgr: uint8, shape (height, width, 3), BGR, as the source gives it.
        number: counts the source's frames from 0; a live source that was read too slowly leaves gaps.
        time_s: when it belongs, in seconds from the source's first frame.
        captured_s: when it was read, on the clock of ``time.monotonic()``: its age can be told from it.
        label: the true label, where the source knows it (the scene, folders of labels).
        name: the file it comes from, where it is one.
        wall_s: when it was read, in seconds since 1970 by the system's clock, which may be wrong (a Raspberry
            Pi has none of its own) and may jump: for people, not for arithmetic.
    """

    image_bgr: Image
    number: int
    time_s: float
    captured_s: float
    label: str | None = None
    name: str | None = None
    wall_s: float = field(default_factory=time.time)


class Source(abc.ABC):
    """Frames, one after another: ``for frame in source``; close it, or use it in a ``with`` statement.

    Attributes:
        live: it goes on whether it is read or not, so only its newest frame is worth having; the frames of
            others wait, and every one is delivered.
        continuous: frames follow one another in time, so that what was seen a moment ago counts; photos of a
            folder do not.
        fps: the nominal rate, None where there is none.
        shown: what logs, records and pages call it; holds no password.
        checked: pictures that show nothing (:mod:`hangtag.sources.frame_check`) are faults of it; in files
            they are what somebody put there.
        takes: the settings of :func:`hangtag.sources.open_source` that make a difference to it.
        left_to_reader: a thread that reads it closes it, and nobody else may: a device that is let go inside
            a read takes the process with it. Leaving a ``with`` statement then closes nothing.
    """

    live: bool = False
    continuous: bool = True
    fps: float | None = None
    shown: str = ""
    checked: bool = False
    takes: frozenset[str] = frozenset()
    left_to_reader: bool = False

    @abc.abstractmethod
    def __iter__(self) -> Iterator[Frame]:
        """Yield frames until the source ends.

        Raises:
            SourceError: a live source stopped delivering.
        """

    def close(self) -> None:  # noqa: B027 - most sources have nothing to close
        """Let go of the device or file; frames that were delivered stay valid."""

    def __enter__(self: _S) -> _S:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.left_to_reader:
            self.close()
