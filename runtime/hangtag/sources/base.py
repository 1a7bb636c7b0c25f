"""What every source of frames is: something that yields frames until it ends, and is closed."""

from __future__ import annotations

import abc
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import TypeVar

from hangtag.preprocess import Image

_S = TypeVar("_S", bound="Source")


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a source.

    Args:
        image_bgr: uint8, shape (height, width, 3), BGR, upright.
        number: counts the source's frames from 0; a live source that was read too slowly leaves gaps.
        time_s: when it belongs, in seconds from the source's first frame.
        captured_s: when it was read, on the clock of ``time.monotonic()``: its age can be told from it.
        label: the true label, where the source knows it (the scene, folders of labels).
        name: the file it comes from, where it is one.
    """

    image_bgr: Image
    number: int
    time_s: float
    captured_s: float
    label: str | None = None
    name: str | None = None


class Source(abc.ABC):
    """Frames, one after another: ``for frame in source``; close it, or use it in a ``with`` statement.

    ``live`` sources go on whether they are read or not, so only their newest frame is worth having; others
    wait, and every frame of theirs is delivered. ``fps`` is the nominal rate, None where there is none.
    """

    live: bool = False
    fps: float | None = None

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
        self.close()
