"""What stands in front of the camera during one visit: a rendered garment on a background, or a photo."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from hangtag.photos import read_photo
from hangtag.preprocess import Image
from hangtag.scene.backgrounds import background
from hangtag.scene.board import Light
from hangtag.scene.colours import as_colour
from hangtag.scene.garments import garment_picture
from hangtag.scene.garments.render import Matte
from hangtag.scene.motion import Path2D, Pose, garment_path, photo_path
from hangtag.scene.noise import Field

_ROOM = 0.04  # how much larger than the frame a background is, on each side: room for the hand's sway


class Actor(Protocol):
    """One visit's content."""

    def picture(self, share: float, step: float, sway_px: tuple[float, float]) -> tuple[Image, str | None]:
        """Return what is before the lens, and its label.

        Args:
            share: how much of the visit has passed, 0 to 1.
            step: how much of the visit one frame lasts.
            sway_px: how far the camera's hand has moved the picture.
        """


@dataclass(frozen=True, slots=True)
class Sprite:
    """A garment with its shadow.

    Attributes:
        bgra: colours premultiplied by alpha, and alpha (garment and shadow together): uint8.
        anchors: points spread over the garment, float64 (n, 2): x and y in the sprite's pixels.
        middle: the sprite's middle in its pixels.
    """

    bgra: npt.NDArray[np.uint8]
    anchors: npt.NDArray[np.float64]
    middle: tuple[float, float]


class GarmentActor:
    """A rendered garment that slides across a background."""

    def __init__(self, seed: int, visit: int, label: str, size_wh: tuple[int, int]) -> None:
        """Render the garment and the background of a visit."""
        rng = np.random.default_rng([seed, 3, visit])
        self._label = label
        self._size_wh = size_wh
        side = min(size_wh)
        light = Light(float(rng.uniform(200, 260)), float(rng.uniform(0.6, 0.9)))
        self._path: Path2D = garment_path(rng, size_wh)
        box = side * float(rng.uniform(0.84, 0.92))
        picture, matte = garment_picture(label, rng, light, (box, box))
        self._sprite = _sprite(picture, matte, light)
        room = round(_ROOM * side) + 1
        self._room = room
        mean = cv2.mean(picture, matte)[:3]
        larger = (size_wh[0] + 2 * room, size_wh[1] + 2 * room)
        self._background = background(rng, larger, light, as_colour(mean))

    def picture(self, share: float, step: float, sway_px: tuple[float, float]) -> tuple[Image, str | None]:
        """Return the garment at its place on the background; see ``Actor``."""
        pose = self._path.pose(share)
        before = self._path.pose(share - 0.5 * step)
        matrix = _matrix(pose, self._sprite.middle, self._size_wh, sway_px)
        ground = _shifted(self._background, self._size_wh, self._room, sway_px)
        layer = cv2.warpAffine(self._sprite.bgra, matrix, self._size_wh, flags=cv2.INTER_LINEAR).astype(
            np.uint8
        )
        layer = _motion_blurred(layer, pose, before)
        label = self._label if _in_square(self._sprite.anchors, matrix, self._size_wh) else None
        return _over(layer, ground), label


class PhotoActor:
    """A photo that about fills the frame's centre square, drifting; its blurred edges fill the rest."""

    def __init__(
        self, seed: int, visit: int, path: Path, label: str | None, size_wh: tuple[int, int]
    ) -> None:
        """Read the photo.

        Raises:
            PhotoError: it cannot be read.
        """
        rng = np.random.default_rng([seed, 4, visit])
        self._label = label
        self._size_wh = size_wh
        self._path = photo_path(rng, size_wh)
        self._canvas = _extended(read_photo(path), size_wh, float(rng.uniform(1.03, 1.10)))

    def picture(self, share: float, step: float, sway_px: tuple[float, float]) -> tuple[Image, str | None]:  # noqa: ARG002
        """Return the photo at its place; see ``Actor``."""
        height, width = self._canvas.shape[:2]
        matrix = _matrix(self._path.pose(share), (width / 2, height / 2), self._size_wh, sway_px)
        moved = cv2.warpAffine(
            self._canvas, matrix, self._size_wh, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
        )
        return moved, self._label  # type: ignore[return-value]


def _matrix(
    pose: Pose, middle: tuple[float, float], size_wh: tuple[int, int], sway_px: tuple[float, float]
) -> npt.NDArray[np.float64]:
    """Return the map from a sprite's pixels to the frame's."""
    turn = cv2.getRotationMatrix2D(middle, -pose.tilt_deg, pose.scale)
    matrix = turn.astype(np.float64)
    matrix[:, 2] += np.subtract(size_wh, 1) / 2 - middle + pose.offset_px + sway_px
    return matrix


def _shifted(ground: Image, size_wh: tuple[int, int], room: int, sway_px: tuple[float, float]) -> Image:
    matrix = np.array([[1, 0, sway_px[0] - room], [0, 1, sway_px[1] - room]], np.float64)
    return cv2.warpAffine(ground, matrix, size_wh, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[return-value]


def _motion_blurred(layer: npt.NDArray[np.uint8], pose: Pose, before: Pose) -> npt.NDArray[np.uint8]:
    """Return the layer smeared along its path, for a shutter that is open a fourth of the frame's time."""
    x, y = (abs(now - then) * 0.5 for now, then in zip(pose.offset_px, before.offset_px, strict=True))
    if max(x, y) < 1:
        return layer
    return cv2.blur(layer, (round(x) + 1, round(y) + 1))  # type: ignore[return-value]


def _over(layer: npt.NDArray[np.uint8], ground: Image) -> Image:
    """Return a premultiplied layer over the ground."""
    clear = cv2.bitwise_not(cv2.extractChannel(layer, 3))
    seen = cv2.multiply(ground, cv2.merge([clear, clear, clear]), scale=1 / 255)
    return cv2.add(seen, cv2.cvtColor(layer, cv2.COLOR_BGRA2BGR))  # type: ignore[return-value]


def _in_square(
    anchors: npt.NDArray[np.float64], matrix: npt.NDArray[np.float64], size_wh: tuple[int, int]
) -> bool:
    """True when all but a hundredth of the garment lies in the frame's centre square."""
    places = anchors @ matrix[:, :2].T + matrix[:, 2]
    off = np.abs(places - np.subtract(size_wh, 1) / 2).max(axis=1)
    return bool((off <= min(size_wh) / 2).mean() >= 0.99)


def _sprite(picture: Image, matte: Matte, light: Light) -> Sprite:
    side = max(matte.shape)
    pad = round(0.07 * side) + 2
    alpha: Field = cv2.copyMakeBorder(matte, pad, pad, pad, pad, cv2.BORDER_CONSTANT).astype(np.float32)
    alpha /= 255
    colour = cv2.copyMakeBorder(picture, pad, pad, pad, pad, cv2.BORDER_CONSTANT)
    shadow = 0.45 * _cast(alpha, light, 0.020 * side)
    shadow += 0.40 * _cast(alpha, light, 0.006 * side)
    both = alpha + (1 - alpha) * shadow
    bgra = np.dstack([colour * alpha[..., None], both * 255]).astype(np.uint8)
    rows, columns = np.nonzero(alpha[::6, ::6] > 0.5)
    anchors = 6.0 * np.stack([columns, rows], axis=1).astype(np.float64)
    return Sprite(bgra, anchors, ((alpha.shape[1] - 1) / 2, (alpha.shape[0] - 1) / 2))


def _cast(alpha: Field, light: Light, reach_px: float) -> Field:
    """Return the alpha blurred and pushed away from the light."""
    x, y = (-reach_px * towards for towards in light.towards)
    soft = cv2.GaussianBlur(alpha, (0, 0), max(0.5, reach_px))
    return cv2.warpAffine(soft, np.array([[1, 0, x], [0, 1, y]], np.float64), alpha.shape[::-1])  # type: ignore[return-value]


def _extended(photo: Image, size_wh: tuple[int, int], fill: float) -> Image:
    """Return the photo scaled to its place, continued out of focus to a little more than the frame."""
    height, width = photo.shape[:2]
    scale = fill * min(size_wh) / min(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    placed = cv2.resize(photo, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    missing = [max(0, round(1.12 * want - have)) for want, have in zip(size_wh, size, strict=True)]
    left, top = missing[0] // 2, missing[1] // 2
    right, bottom = missing[0] - left, missing[1] - top
    wide = cv2.copyMakeBorder(placed, top, bottom, left, right, cv2.BORDER_REFLECT)
    out_of_focus = cv2.GaussianBlur(wide, (0, 0), 0.025 * min(size_wh))
    out_of_focus[top : top + size[1], left : left + size[0]] = placed
    return out_of_focus  # type: ignore[return-value]
