"""How things move in front of the camera during one visit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hangtag.scene.noise import Drift

_ENTER, _LEAVE = 0.13, 0.11  # shares of a visit


@dataclass(frozen=True, slots=True)
class Pose:
    """A place in the frame.

    Attributes:
        offset_px: the middle's distance from the frame's middle: right, down.
        tilt_deg: clockwise turn.
        scale: size relative to how it was made.
    """

    offset_px: tuple[float, float]
    tilt_deg: float
    scale: float


class Path2D:
    """A slow drift around a resting place, with a way in and a way out."""

    def __init__(
        self,
        rng: np.random.Generator,
        *,
        reach_px: float,
        tilt_deg: float,
        come_px: tuple[float, float],
        go_px: tuple[float, float],
    ) -> None:
        """Draw a path.

        Args:
            rng: where it comes from.
            reach_px: how far it drifts.
            tilt_deg: how far it tilts at most.
            come_px: where it comes from, relative to its resting place.
            go_px: where it goes.
        """
        self._drifts = tuple(Drift(rng, 1.2) for _ in range(4))  # one visit is one unit of their time
        self._reach_px = reach_px
        self._tilt_deg = tilt_deg
        self._rest_deg = float(rng.uniform(-0.6, 0.6)) * tilt_deg
        self._come_px, self._go_px = np.array(come_px), np.array(go_px)

    def pose(self, share: float) -> Pose:
        """Return the pose when a share (0 to 1) of the visit has passed."""
        x, y, tilt, size = (drift(share) for drift in self._drifts)
        coming = max(0.0, 1 - share / _ENTER) ** 2.0
        going = max(0.0, 1 - (1 - share) / _LEAVE) ** 2.0
        offset = self._reach_px * np.array([x, y]) + coming * self._come_px + going * self._go_px
        turn = self._rest_deg + 0.4 * self._tilt_deg * tilt
        return Pose((float(offset[0]), float(offset[1])), turn, 1 + 0.02 * size)


def garment_path(rng: np.random.Generator, size_wh: tuple[int, int]) -> Path2D:
    """Return a path in from one side of the frame and out at another."""
    sides = np.array([(-1, 0), (1, 0), (0, -1), (0, 1)]) * (np.array(size_wh) / 2 + 0.55 * min(size_wh))
    come, go = rng.choice(4, 2, replace=True)
    return Path2D(
        rng,
        reach_px=0.014 * min(size_wh),
        tilt_deg=6.0,
        come_px=(float(sides[come, 0]), float(sides[come, 1])),
        go_px=(float(sides[go, 0]), float(sides[go, 1])),
    )


def photo_path(rng: np.random.Generator, size_wh: tuple[int, int]) -> Path2D:
    """Return a drift on the spot: photos are there from their visit's first frame to its last."""
    return Path2D(rng, reach_px=0.015 * min(size_wh), tilt_deg=2.0, come_px=(0, 0), go_px=(0, 0))
