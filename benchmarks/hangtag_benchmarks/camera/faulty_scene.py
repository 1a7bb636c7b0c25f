"""The simulated camera with a loose cable: it goes away, and delivers what broken cameras deliver.

Every frame carries a mark that says what it is, so that whoever sees it behind the loop can judge the loop
without asking the loop's own check.
"""

from __future__ import annotations

import enum
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from hangtag.errors import SourceError
from hangtag.preprocess import Image
from hangtag.scene import SceneSettings
from hangtag.sources.base import Frame
from hangtag.sources.live import LiveSource
from hangtag.sources.pace import PacedSource
from hangtag.sources.simulated import SceneSource

AWAY_S = 2.5
"""How long the camera stays away after a disconnection."""

_BROKEN_FOR_S = 1.5
_WHOLE_AT_FIRST_S = 2.0
"""After a return nothing else is wrong for so long: what is measured is how soon the return is noticed."""

# What the documentation promises. Not taken from the check that is judged by them.
_SIZE_STANDS_FRAMES = 3
_FROZEN_S = 10.0


class Kind(str, enum.Enum):
    """What a frame is."""

    GOOD = "good"
    REPEATED = "repeated for a moment"
    BLACK = "black"
    GREY = "of one grey"
    CUT_OFF = "cut off"
    RESIZED = "of a size that does not stand"
    FROZEN = "frozen"

    # So that a message shows the words, and not Kind.GOOD.
    __str__ = str.__str__

    @property
    def to_classify(self) -> bool:
        """True for what a loop must name; it must not name any other."""
        return self in {Kind.GOOD, Kind.REPEATED}


class _Fault(enum.Enum):
    """What a plan does to frames, in this order."""

    BLACK = enum.auto()
    GREY = enum.auto()
    CUT_OFF = enum.auto()
    SMALLER = enum.auto()
    CHANGING = enum.auto()
    REPEATED = enum.auto()


_FAULTS = tuple(_Fault)


@dataclass(frozen=True, slots=True)
class Mark:
    """What a frame is and when it was delivered; ``serial`` counts the deliveries of all openings from 0."""

    kind: Kind
    serial: int
    delivered_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedFrame(Frame):
    """A frame that says what it is; a loop hands the mark on with it."""

    mark: Mark


@dataclass(slots=True)
class FaultPlan:
    """When what goes wrong, in seconds from the beginning; shared by all openings of the camera.

    Args:
        disconnect_every_s: the cable comes loose this often, and is back :data:`AWAY_S` later.
        break_every_s: how often something is wrong with the frames for a while: black, grey, cut off, of
            another size, of changing size, the last one repeated, in this order.
        freeze_every: after the first of so many returns the picture freezes until the next disconnection.
    """

    disconnect_every_s: float = 20.0
    break_every_s: float = 7.0
    freeze_every: int = 3
    begun_s: float = field(default_factory=time.monotonic)
    delivered: Counter[Kind] = field(default_factory=Counter)
    """How many frames of each kind left the camera."""

    def mark(self, kind: Kind, now: float) -> Mark:
        """Count a delivery."""
        serial = self.delivered.total()
        self.delivered[kind] += 1
        return Mark(kind, serial, now)

    def return_s(self, number: int) -> float:
        """Return when the cable is put back for the ``number``-th time, from 0, by ``time.monotonic()``."""
        return self.begun_s + (number + 1) * self.disconnect_every_s + AWAY_S

    def is_away(self, now: float) -> bool:
        """Return whether the cable is loose."""
        cycle, place = divmod(now - self.begun_s, self.disconnect_every_s)
        return cycle > 0 and place < AWAY_S

    def fault(self, now: float) -> _Fault | None:
        """Return what is wrong with frames of a moment."""
        cycle, place = divmod(now - self.begun_s, self.disconnect_every_s)
        if cycle > 0 and place < AWAY_S + _WHOLE_AT_FIRST_S:
            return None
        if cycle % self.freeze_every == 1:
            return _Fault.REPEATED
        cycle, place = divmod(now - self.begun_s, self.break_every_s)
        return None if cycle == 0 or place >= _BROKEN_FOR_S else _FAULTS[int(cycle) % len(_FAULTS)]


class FaultyScene(LiveSource):
    """The simulated camera in real time, with the faults of a plan.

    Raises:
        SourceError: it is away just now.
    """

    shown = "scene: with a loose cable"

    def __init__(self, settings: SceneSettings, plan: FaultPlan) -> None:
        if plan.is_away(time.monotonic()):
            raise SourceError("there is no camera: unplugged")
        self._plan = plan
        self._scene = PacedSource(SceneSource(settings))
        self._marker = _Marker()
        self._last_whole: Image | None = None
        self.fps = settings.fps

    def delivered(self) -> Iterator[Frame]:
        """Yield marked frames until the cable comes loose."""
        for frame in self._scene.delivered():
            now = frame.captured_s
            if self._plan.is_away(now):
                raise SourceError("the camera stopped delivering frames")
            image, kind = self._broken(frame, self._plan.fault(now))
            yield MarkedFrame(
                image_bgr=image,
                number=frame.number,
                time_s=frame.time_s,
                captured_s=now,
                wall_s=frame.wall_s,
                mark=self._plan.mark(self._marker.judged(image, kind, now), now),
            )

    def _broken(self, frame: Frame, fault: _Fault | None) -> tuple[Image, Kind]:
        image = frame.image_bgr
        height, width = image.shape[:2]
        if fault is _Fault.SMALLER:
            return image[: height // 2, : width // 2], Kind.GOOD
        if fault is _Fault.CHANGING:
            return image[: height - 2 * (frame.number % 40)], Kind.GOOD
        if fault is _Fault.REPEATED and self._last_whole is not None:
            return self._last_whole, Kind.REPEATED
        if fault in {None, _Fault.REPEATED}:
            self._last_whole = image
            return image, Kind.GOOD
        broken: Image = image.copy()
        broken[height // 2 if fault is _Fault.CUT_OFF else 0 :] = 0 if fault is _Fault.BLACK else 128
        return broken, {_Fault.BLACK: Kind.BLACK, _Fault.GREY: Kind.GREY}.get(fault, Kind.CUT_OFF)

    def close(self) -> None:
        """Nothing to let go of."""
        self._scene.close()


class _Marker:
    """Knows, of the frames of one opening, which size stands and since when the picture is the same."""

    def __init__(self) -> None:
        self._standing: tuple[int, ...] | None = None
        self._newest: tuple[int, ...] | None = None
        self._in_a_row = 0
        self._shown: Image | None = None
        self._shown_since_s = 0.0

    def judged(self, image: Image, kind: Kind, now: float) -> Kind:
        """Return what the next frame is in the eyes of one who saw all before it."""
        self._in_a_row = self._in_a_row + 1 if image.shape == self._newest else 1
        self._newest = image.shape
        if self._standing is None or self._in_a_row >= _SIZE_STANDS_FRAMES:
            self._standing = image.shape
        if image.shape != self._standing:
            return Kind.RESIZED
        if not kind.to_classify:
            return kind
        if image is not self._shown:
            self._shown, self._shown_since_s = image, now
        return Kind.FROZEN if now - self._shown_since_s >= _FROZEN_S else kind
