"""Results and outages as the camera loop makes them, for tests of sinks."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hangtag import Classifier
from hangtag.pipeline import LoopSettings, run_loop
from hangtag.result import Result
from hangtag.sinks.base import Sink
from hangtag.sources import Frame, Source
from hangtag.sources.account import Counts, Outage

Image = npt.NDArray[np.uint8]


class OneAfterAnother(Source):
    """Frames that were made before."""

    fps = 10.0
    shown = "frames"

    def __init__(self, frames: list[Frame], *, continuous: bool = True) -> None:
        self._frames = frames
        self.continuous = continuous

    def __iter__(self) -> Any:
        return iter(self._frames)


class Spy(Sink):
    """Remembers what it was given; raises ``failure`` at the ``at``-th result."""

    name = "spy"

    def __init__(self, failure: BaseException | None = None, at: int = 5) -> None:
        self.results: list[Result] = []
        self.outages: list[Outage] = []
        self.closed = 0
        self._failure, self._at = failure, at

    def write(self, result: Result) -> None:
        self.results.append(result)
        if self._failure is not None and len(self.results) == self._at:
            raise self._failure

    def missing(self, outage: Outage) -> None:
        self.outages.append(outage)

    def close(self) -> None:
        self.closed += 1


def results_of(
    classifier: Classifier, frames: list[Frame], settings: LoopSettings | None = None
) -> list[Result]:
    """Return what the loop makes of frames."""
    spy = Spy()
    run_loop(OneAfterAnother(frames), classifier, [spy], settings or LoopSettings())
    return spy.results


def outage(age_ms: float = 1500.0, reason: str = "no frames") -> Outage:
    """Return an outage of a camera."""
    return Outage("/dev/video0", reason, age_ms, 12.5, Counts(3, 2, 1, 1))
