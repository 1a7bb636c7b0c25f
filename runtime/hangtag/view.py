"""What part of a camera's picture the model is shown, and which way up."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

import cv2
import numpy as np

from hangtag.contract import InputSpec
from hangtag.errors import SourceError
from hangtag.preprocess import Image, Rectangle, source_rectangle


class Flip(str, enum.Enum):
    """How a picture is mirrored: a camera behind glass, or one that looks into a mirror, needs it."""

    HORIZONTAL = "horizontal"
    VERTICAL = "vertical"


_TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
_FLIPS = {Flip.HORIZONTAL: 1, Flip.VERTICAL: 0}


@dataclass(frozen=True, slots=True)
class View:
    """Turned clockwise, then mirrored, then cut to the region of interest.

    Args:
        roi: x, y, width, height of the region of interest in the upright (turned and mirrored) picture:
            whole pixels, or shares of its sides where ``shares`` is True; None for all of it. The contract's
            geometry, a centre square say, is applied inside.
        shares: how ``roi`` is meant.
        rotate_deg: 0, 90, 180 or 270, clockwise.
        flip: mirror after turning.

    Raises:
        ValueError: the region has no area or begins before the picture, or the angle is another one.
    """

    roi: tuple[float, float, float, float] | None = None
    shares: bool = False
    rotate_deg: int = 0
    flip: Flip | None = None

    def __post_init__(self) -> None:
        """Check what can be checked without a picture."""
        if self.rotate_deg not in (0, *_TURNS):
            raise ValueError(f"rotate_deg is {self.rotate_deg}; wanted 0, 90, 180 or 270")
        if self.roi is None:
            return
        x, y, width, height = self.roi
        if not (all(map(math.isfinite, self.roi)) and x >= 0 and y >= 0 and width > 0 and height > 0):
            raise ValueError(
                f"the region of interest is {self.roi}; wanted x, y from 0, width, height above 0"
            )
        if self.shares and (x + width > 1 or y + height > 1):
            raise ValueError(f"the region of interest {self.roi} reaches beyond the picture (1 is its side)")

    @classmethod
    def parse_roi(cls, text: str) -> tuple[tuple[float, float, float, float], bool]:
        """Return a region written ``x,y,w,h`` and whether it is in shares: it is where a number has a point.

        Raises:
            ValueError: it is not four numbers.
        """
        parts = text.split(",")
        try:
            x, y, width, height = (float(part) for part in parts)
        except ValueError:
            raise ValueError(
                f"{text!r} is not a region like 100,0,480,480 (pixels) or 0.25,0.0,0.5,1.0 (shares)"
            ) from None
        return (x, y, width, height), "." in text

    @property
    def turns(self) -> bool:
        """True when the picture is turned or mirrored."""
        return self.rotate_deg != 0 or self.flip is not None

    def upright(self, image_bgr: Image) -> Image:
        """Return the whole picture turned and mirrored; the very same array where neither is asked for."""
        image = image_bgr
        if self.rotate_deg:
            image = np.asarray(cv2.rotate(image, _TURNS[self.rotate_deg]), np.uint8)
        if self.flip is not None:
            image = np.asarray(cv2.flip(image, _FLIPS[self.flip]), np.uint8)
        return image

    def upright_wh(self, image_wh: tuple[int, int]) -> tuple[int, int]:
        """Return the upright picture's width and height."""
        return (image_wh[1], image_wh[0]) if self.rotate_deg in (90, 270) else image_wh

    def region(self, image_wh: tuple[int, int]) -> Rectangle:
        """Return the region of interest in pixels of the upright picture.

        Args:
            image_wh: width and height of the picture as the source gives it.

        Raises:
            SourceError: the picture is too small for it.
        """
        width, height = self.upright_wh(image_wh)
        if self.roi is None:
            return (0, 0, width, height)
        x, y, roi_w, roi_h = self.roi
        if self.shares:
            left, top = round(x * width), round(y * height)
            right, bottom = round((x + roi_w) * width), round((y + roi_h) * height)
            return (min(left, width - 1), min(top, height - 1), max(1, right - left), max(1, bottom - top))
        rectangle = (round(x), round(y), max(1, round(roi_w)), max(1, round(roi_h)))
        if rectangle[0] + rectangle[2] > width or rectangle[1] + rectangle[3] > height:
            raise SourceError(
                f"the region of interest {','.join(map(str, rectangle))} reaches beyond the picture of "
                f"{width}x{height}: choose a smaller one, or shares like 0.25,0.0,0.5,1.0"
            )
        return rectangle

    def fits(self, image_wh: tuple[int, int]) -> bool:
        """Return whether a picture of this width and height holds the region of interest."""
        try:
            self.region(image_wh)
        except SourceError:
            return False
        return True

    def seen(self, image_bgr: Image) -> Image:
        """Return the region of interest, upright: a view of ``image_bgr`` where nothing is turned.

        Raises:
            SourceError: the picture is too small for the region.
        """
        if self.roi is None:
            return self.upright(image_bgr)
        height, width = image_bgr.shape[:2]
        x, y, roi_w, roi_h = self._in_source(self.region((width, height)), (width, height))
        # Only what is looked at is turned: the same pixels as if all were, in less time.
        return self.upright(image_bgr[y : y + roi_h, x : x + roi_w])

    def model_rectangle(self, image_wh: tuple[int, int], spec: InputSpec) -> Rectangle:
        """Return what the model sees, in pixels of the upright picture: for drawing.

        Raises:
            SourceError: the picture is too small for the region.
        """
        left, top, width, height = self.region(image_wh)
        x, y, inner_w, inner_h = source_rectangle((width, height), spec)
        return (left + x, top + y, inner_w, inner_h)

    def _in_source(self, rectangle: Rectangle, image_wh: tuple[int, int]) -> Rectangle:
        """Return where a rectangle of the upright picture lies in the picture as the source gives it."""
        x, y, width, height = rectangle
        upright_w, upright_h = self.upright_wh(image_wh)
        if self.flip is Flip.HORIZONTAL:
            x = upright_w - x - width
        elif self.flip is Flip.VERTICAL:
            y = upright_h - y - height
        if self.rotate_deg == 90:
            return (y, upright_w - x - width, height, width)
        if self.rotate_deg == 180:
            return (upright_w - x - width, upright_h - y - height, width, height)
        if self.rotate_deg == 270:
            return (upright_h - y - height, x, height, width)
        return (x, y, width, height)
