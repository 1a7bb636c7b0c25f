"""Outlines of garments: smooth curves that meet in corners, in garment units.

One garment unit is about the longer side of the garment; x runs to the right from the garment's middle, y
runs down. Points are float64 arrays of shape (n, 2).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]
"""Points of a path or outline: float64, shape (n, 2), columns x and y."""

Curve = Sequence[tuple[float, float]]
"""The few points that a smooth curve goes through."""

_STEPS = 10


def curve(through: Curve | Points) -> Points:
    """Return a smooth open path through the given points (a cubic Catmull-Rom spline)."""
    knots = np.asarray(through, np.float64)
    if len(knots) < 3:
        return knots
    before = 2 * knots[0] - knots[1]
    after = 2 * knots[-1] - knots[-2]
    padded = np.vstack([before, knots, after])
    t = np.linspace(0, 1, _STEPS, endpoint=False)[None, :, None]
    p0, p1, p2, p3 = (padded[i : len(padded) - 3 + i, None, :] for i in range(4))
    bent = 2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * (p1 - p2) + p3 - p0) * t**3
    return np.vstack([0.5 * bent.reshape(-1, 2), knots[-1:]])


def outline(*curves: Curve | Points) -> Points:
    """Return a closed outline made of smooth curves, each starting where the one before ends."""
    return np.vstack([curve(part)[:-1] for part in curves])


def blob(through: Curve | Points) -> Points:
    """Return a closed outline without corners through the given points."""
    knots = np.asarray(through, np.float64)
    around = curve(np.vstack([knots[-2:], knots, knots[:3]]))
    return around[2 * _STEPS : (2 + len(knots)) * _STEPS]


def symmetric(*right: Curve) -> Points:
    """Return a closed outline from its right half: curves from the top's middle to the bottom's middle.

    The first and the last curve are continued smoothly across the middle; the others meet in corners.
    """
    first, *middle, last = (np.asarray(part, np.float64) for part in right)
    top = np.vstack([mirror(first)[::-1], first[1:]])
    bottom = np.vstack([last, mirror(last)[::-1][1:]])
    back = [mirror(part)[::-1] for part in reversed(middle)]
    return outline(top, *middle, bottom, *back)


def mirror(points: Curve | Points) -> Points:
    """Return the points with left and right exchanged."""
    mirrored: Points = np.asarray(points, np.float64) * np.array([-1.0, 1.0])
    return mirrored


def moved(points: Points, x: float, y: float, turn_deg: float = 0.0) -> Points:
    """Return the points turned clockwise (as seen) about the origin, then moved by (x, y)."""
    angle = np.deg2rad(turn_deg)
    rotation = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    turned: Points = points @ rotation + np.array([x, y])
    return turned


def shifted(points: Points, x: float, y: float) -> Points:
    """Return the points moved by (x, y)."""
    placed: Points = points + np.array([x, y])
    return placed


def both(points: Curve | Points) -> list[Points]:
    """Return the points and their mirror image: the right and the left one of a pair."""
    right = np.asarray(points, np.float64)
    return [right, mirror(right)]


def whole(right: Curve | Points) -> Points:
    """Return the path from left to right whose right half starts in the middle (x 0)."""
    half = curve(right)
    return np.vstack([mirror(half)[::-1], half[1:]])


def ellipse(x: float, y: float, radius_x: float, radius_y: float) -> Points:
    """Return an ellipse's outline."""
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    return np.stack([x + radius_x * np.cos(angle), y + radius_y * np.sin(angle)], axis=1)


def box(left: float, top: float, right: float, bottom: float) -> Points:
    """Return a rectangle's outline."""
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float64)


def between(start: Points, end: Points, share: float) -> Points:
    """Return the path that lies between two paths of equal length: ``share`` 0 is ``start``, 1 is ``end``."""
    path: Points = start + (end - start) * share
    return path


def resampled(path: Points, shares: npt.NDArray[np.float64]) -> Points:
    """Return the points at the given shares (0 to 1) of a path's length."""
    steps = np.hypot(*np.diff(path, axis=0).T)
    length = np.concatenate([[0.0], np.cumsum(steps)])
    at = shares * length[-1]
    return np.stack([np.interp(at, length, path[:, 0]), np.interp(at, length, path[:, 1])], axis=1)
