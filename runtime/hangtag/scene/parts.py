"""The parts that garments are made of, in the order in which they are laid onto the board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from hangtag.scene.board import Area, Board
from hangtag.scene.colours import Colour
from hangtag.scene.fabric import TILE_UNITS, Fabric
from hangtag.scene.noise import TABLE_PX, Field, noise_table, random_offset, sampled, wrinkle_table
from hangtag.scene.shapes import Points, ellipse, resampled


class Part(Protocol):
    """Something that can be laid onto a board."""

    def bounds(self) -> Points:
        """Return points that the part lies within (empty where it never sticks out)."""

    def lay(self, board: Board, rng: np.random.Generator) -> None:
        """Paint the part over what is already on the board."""


_NOWHERE = np.empty((0, 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A piece of cloth.

    Attributes:
        outline: its closed outline.
        cloth: what it is made of.
        grain_deg: how far the cloth's length, and its folds, are turned clockwise from upright.
        folds: how strong its folds are; 1 is what the cloth does by itself.
        loft: height of the padded edge, in garment units.
        roundness: how far from the edge the loft is reached, in garment units.
        shadow: how dark a shadow it casts on what lies below, 0 to 1.
        applied: True where it is sewn onto the piece below and follows its folds (a pocket).
    """

    outline: Points
    cloth: Fabric
    grain_deg: float = 0.0
    folds: float = 1.0
    loft: float = 0.010
    roundness: float = 0.018
    shadow: float = 0.35
    applied: bool = False

    def bounds(self) -> Points:
        """Return the outline."""
        return self.outline

    def lay(self, board: Board, rng: np.random.Generator) -> None:
        """Cast its shadow, then lay cloth, edge, weave and folds."""
        area = board.area(self.outline, margin=0.03)
        if self.shadow:
            board.cast_shadow(area, 0.009, self.shadow)
            board.cast_shadow(area, 0.0025, 0.3 * self.shadow)
        offset = random_offset(rng)
        tile = _on_board(self.cloth.tile_bgr, board, area, self.grain_deg, offset)
        linear = (tile * np.float32(1 / 255)) ** 2
        board.cover(area, linear, self.cloth.gloss)
        rise = self._edge(board, area)
        rise += _on_board(self.cloth.weave, board, area, self.grain_deg, offset) * np.float32(
            self.cloth.weave_height
        )
        if self.folds:
            rise += _folds(board, area, rng, self.grain_deg) * np.float32(self.cloth.folds * self.folds)
        relief = board.relief[area.where]
        relief += (rise if self.applied else rise - relief) * area.cover

    def _edge(self, board: Board, area: Area) -> Field:
        inside = np.pad((area.cover > 0.5).astype(np.uint8), 1)
        distance = cv2.distanceTransform(inside, cv2.DIST_L2, 3)[1:-1, 1:-1].astype(np.float32)
        # Without smoothing, the lines that are equally far from two edges would show as ridges.
        smooth = board.softened(distance, 0.35 * self.roundness)
        falloff = np.exp(np.minimum(smooth, distance * 1.5) * np.float32(-1 / (self.roundness * board.scale)))
        rise: Field = np.float32(self.loft) * (1 - falloff)
        return rise


@dataclass(frozen=True, slots=True, kw_only=True)
class Groove:
    """A seam, a quilting line, a crease: depth below (or, negative, height above) the cloth around it."""

    paths: Sequence[Points]
    depth: float = 0.003
    width: float = 0.004
    soft: float = 0.003

    def bounds(self) -> Points:
        """Return nothing: it lies on a panel."""
        return _NOWHERE

    def lay(self, board: Board, rng: np.random.Generator) -> None:  # noqa: ARG002 - the protocol's
        """Press it into the relief."""
        area = board.line(list(self.paths), self.width, self.soft)
        board.relief[area.where] -= area.cover * np.float32(self.depth)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stitches:
    """A dashed line of thread."""

    paths: Sequence[Points]
    colour: Colour
    length: float = 0.007
    width: float = 0.0022

    def bounds(self) -> Points:
        """Return nothing: it lies on a panel."""
        return _NOWHERE

    def lay(self, board: Board, rng: np.random.Generator) -> None:  # noqa: ARG002 - the protocol's
        """Draw the thread and sink it a little into the cloth."""
        dashes = [dash for path in self.paths for dash in _dashes(path, self.length)]
        thread = board.line(dashes, self.width)
        board.tint(Area(thread.where, thread.cover * np.float32(0.85)), _linear(self.colour))
        sunk = board.line(list(self.paths), self.width, 0.002)
        board.relief[sunk.where] -= sunk.cover * np.float32(0.0018)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cord:
    """A round string: a lace, a drawstring, a piping, a zip's teeth."""

    paths: Sequence[Points]
    colour: Colour
    width: float = 0.010
    height: float = 0.006
    gloss: float = 0.0
    shadow: float = 0.5

    def bounds(self) -> Points:
        """Return the paths: a string may hang over the garment's edge."""
        return np.vstack(list(self.paths))

    def lay(self, board: Board, rng: np.random.Generator) -> None:  # noqa: ARG002 - the protocol's
        """Lay it over what is there, with its shadow."""
        area = board.line(list(self.paths), self.width, 0.0008)
        shade = board.line(list(self.paths), self.width * 1.5, 0.004)
        board.cast_shadow(shade, 0.003, self.shadow)
        board.cover(area, _linear(self.colour), self.gloss)
        board.relief[area.where] += board.softened(area.cover, self.width / 3) * np.float32(self.height)


@dataclass(frozen=True, slots=True, kw_only=True)
class Disc:
    """A button, a rivet, a snap, an eyelet (height below 0)."""

    at: tuple[float, float]
    radius: float
    colour: Colour
    height: float = 0.005
    gloss: float = 0.25
    holes: int = 4
    thread: Colour = (60.0, 60.0, 60.0)

    def bounds(self) -> Points:
        """Return nothing: it lies on a panel."""
        return _NOWHERE

    def lay(self, board: Board, rng: np.random.Generator) -> None:
        """Lay a rimmed disc with its shadow and its holes."""
        area = board.area(ellipse(*self.at, self.radius, self.radius), margin=0.015)
        board.cast_shadow(area, 0.003, 0.55)
        board.cover(area, _linear(self.colour), self.gloss)
        dish = board.area(ellipse(*self.at, self.radius * 0.62, self.radius * 0.62), margin=0.015)
        rim = board.softened(area.cover, self.radius / 5)
        board.relief[area.where] += rim * np.float32(self.height)
        board.relief[dish.where] -= board.softened(dish.cover, self.radius / 6) * np.float32(
            0.3 * self.height
        )
        turn = rng.uniform(0, np.pi)
        for hole in range(self.holes):
            angle = turn + hole * 2 * np.pi / self.holes
            x, y = (self.at[i] + 0.27 * self.radius * f(angle) for i, f in enumerate((np.cos, np.sin)))
            spot = board.area(ellipse(x, y, self.radius * 0.13, self.radius * 0.13))
            board.tint(spot, _linear(self.thread))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tint:
    """A soft patch of colour on what is already there: fading, wear, the dark inside of a neckline, ink."""

    outline: Points
    colour: Colour
    strength: float = 0.5
    soft: float = 0.02

    def bounds(self) -> Points:
        """Return nothing: it only colours."""
        return _NOWHERE

    def lay(self, board: Board, rng: np.random.Generator) -> None:  # noqa: ARG002 - the protocol's
        """Blend the colour in."""
        area = board.area(self.outline, margin=3 * self.soft)
        cover = board.softened(area.cover, self.soft) * np.float32(self.strength)
        board.tint(Area(area.where, cover), _linear(self.colour))


@dataclass(frozen=True, slots=True, kw_only=True)
class Strokes:
    """Ink or embroidery drawn with a round pen: lettering."""

    paths: Sequence[Points]
    colour: Colour
    width: float
    strength: float = 0.92

    def bounds(self) -> Points:
        """Return nothing: it only colours."""
        return _NOWHERE

    def lay(self, board: Board, rng: np.random.Generator) -> None:  # noqa: ARG002 - the protocol's
        """Draw the strokes."""
        area = board.line(list(self.paths), self.width)
        board.tint(Area(area.where, area.cover * np.float32(self.strength)), _linear(self.colour))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ribs:
    """Knitted ribs on a band: relief only."""

    outline: Points
    turn_deg: float = 0.0
    pitch: float = 0.011
    height: float = 0.0022

    def bounds(self) -> Points:
        """Return nothing: it lies on a panel."""
        return _NOWHERE

    def lay(self, board: Board, rng: np.random.Generator) -> None:  # noqa: ARG002 - the protocol's
        """Raise the ribs; they run along the turned vertical."""
        area = board.area(self.outline)
        rows, columns = np.indices(area.cover.shape, np.float32)
        angle = np.deg2rad(self.turn_deg)
        across = columns * np.float32(np.cos(angle)) + rows * np.float32(np.sin(angle))
        ribs = np.sin(across * np.float32(2 * np.pi / (self.pitch * board.scale)))
        board.relief[area.where] += ribs * area.cover * np.float32(self.height)


@dataclass(frozen=True, slots=True, kw_only=True)
class Creases:
    """Long soft folds along given paths, for where a garment always has them (below an arm, at a hip)."""

    paths: Sequence[Points]
    height: float = 0.012
    width: float = 0.010

    def bounds(self) -> Points:
        """Return nothing: it only shapes."""
        return _NOWHERE

    def lay(self, board: Board, rng: np.random.Generator) -> None:
        """Raise each fold, highest in its middle, where there is cloth."""
        for path in self.paths:
            middle = resampled(path, np.linspace(0.2, 0.8, 9))
            height = np.float32(self.height * rng.uniform(0.4, 1.0))
            for piece, share in ((path, 0.4), (middle, 0.6)):
                area = board.line([piece], self.width * 0.8, self.width * 0.7)
                board.relief[area.where] += area.cover * board.matte[area.where] * height * np.float32(share)


def _linear(colour: Colour) -> npt.NDArray[np.float32]:
    linear: npt.NDArray[np.float32] = np.square(np.array(colour, np.float32) / np.float32(255))
    return linear


def _on_board(
    tile: npt.NDArray[np.float32] | npt.NDArray[np.uint8],
    board: Board,
    area: Area,
    turn_deg: float,
    offset_px: tuple[float, float],
) -> npt.NDArray[np.float32]:
    step = TABLE_PX / TILE_UNITS / board.scale
    return sampled(tile, area.cover.shape, step, turn_deg, offset_px)


def _folds(board: Board, area: Area, rng: np.random.Generator, turn_deg: float) -> Field:
    """Return the heights of random folds: long waves along the drape, and wrinkles in places."""
    variant = int(rng.integers(3))
    step = TABLE_PX / board.scale
    shape = area.cover.shape
    waves = noise_table(150.0, 0.5, 2.2, variant)
    folds = sampled(waves, shape, 0.9 * step, turn_deg + rng.normal(0, 8), random_offset(rng))
    folds *= np.float32(0.35)
    crossing = turn_deg + rng.normal(0, 8)
    wrinkles = sampled(
        wrinkle_table(variant), shape, rng.uniform(0.7, 1.1) * step, crossing, random_offset(rng)
    )
    folds += wrinkles * np.float32(0.75)
    return folds


def _dashes(path: Points, length: float) -> list[Points]:
    """Return the pieces of a path that a running stitch shows."""
    total = float(np.hypot(*np.diff(path, axis=0).T).sum())
    count = max(1, round(total / (1.6 * length)))
    ends = resampled(path, (np.arange(count)[:, None] + np.array([0.0, 0.62])).ravel() / count)
    return list(ends.reshape(count, 2, 2))
