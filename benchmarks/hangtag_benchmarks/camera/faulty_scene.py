"""The simulated camera with a loose cable: it goes away, and delivers what broken cameras deliver."""

from __future__ import annotations

import dataclasses
import time
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


@dataclass(slots=True)
class FaultPlan:
    """When what goes wrong, in seconds from the beginning; shared by all openings of the camera.

    Args:
        disconnect_every_s: the cable comes loose this often, and is back :data:`AWAY_S` later.
        break_every_s: how often something is wrong with the frames for a while: black, grey, cut off, of
            another size, of changing size, in this order.
    """

    disconnect_every_s: float = 20.0
    break_every_s: float = 7.0
    begun_s: float = field(default_factory=time.monotonic)
    returns_s: list[float] = field(default_factory=list)
    """When the cable was put back, each time, on the clock of ``time.monotonic()``."""

    def away_until(self, now: float) -> float | None:
        """Return when the camera will be back, None while it is there."""
        cycle, place = divmod(now - self.begun_s, self.disconnect_every_s)
        if cycle == 0 or place >= AWAY_S:
            return None
        back_s = self.begun_s + cycle * self.disconnect_every_s + AWAY_S
        if back_s not in self.returns_s:
            self.returns_s.append(back_s)
        return back_s

    def broken(self, now: float, image: Image, number: int) -> Image:
        """Return a frame as the camera delivers it at a moment."""
        cycle, place = divmod(now - self.begun_s, self.break_every_s)
        if cycle == 0 or place >= _BROKEN_FOR_S:
            return image
        height, width = image.shape[:2]
        kind = int(cycle) % 5
        broken: Image = image.copy()
        if kind == 0:
            broken[...] = 0
        elif kind == 1:
            broken[...] = 128
        elif kind == 2:
            broken[height // 2 :] = 128
        elif kind == 3:
            broken = broken[: height // 2, : width // 2]
        else:
            broken = broken[: height - 2 * (number % 40)]
        return broken


class FaultyScene(LiveSource):
    """The simulated camera in real time, with the faults of a plan.

    Raises:
        SourceError: it is away just now.
    """

    shown = "scene: with a loose cable"

    def __init__(self, settings: SceneSettings, plan: FaultPlan) -> None:
        if plan.away_until(time.monotonic()) is not None:
            raise SourceError("there is no camera: unplugged")
        self._plan = plan
        self._scene = PacedSource(SceneSource(settings))
        self.fps = settings.fps

    def delivered(self) -> Iterator[Frame]:
        """Yield frames until the cable comes loose."""
        for frame in self._scene.delivered():
            now = time.monotonic()
            if self._plan.away_until(now) is not None:
                raise SourceError("the camera stopped delivering frames")
            image = self._plan.broken(now, frame.image_bgr, frame.number)
            yield dataclasses.replace(frame, image_bgr=image)

    def close(self) -> None:
        """Nothing to let go of."""
        self._scene.close()
