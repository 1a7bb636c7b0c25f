"""Frames that a camera delivers and that show nothing: black, grey, cut off, of another size, frozen.

Drivers and decoders deliver such pictures when a cable is loose, a packet is lost or a sensor hangs; a
classifier would name them like any other. Only live sources are checked: in files and photos a black picture
is what somebody put there.
"""

from __future__ import annotations

import enum

import numpy as np

from hangtag.preprocess import Image

_GRID = (48, 64)
"""Rows and columns that are looked at: enough to see, little enough to cost some 20 microseconds."""

_UNIFORM_SPREAD = 1.0
"""Standard deviation of every channel under which a picture is one colour; sensors have more noise."""

_BLACK_MEAN, _BLACK_MOST = 6.0, 20
_CUT_SHARE = 1 / 8
_SATURATED = 250
_SIZE_FRAMES = 3
FROZEN_S = 10.0
"""How long a picture may stay the same to the byte; coders repeat one for a moment where nothing moves."""


class Fault(str, enum.Enum):
    """What is wrong with a frame."""

    BLANK = "blank frames (black or one colour)"
    CUT_OFF = "cut-off frames"
    RESIZED = "frames of changing size"
    FROZEN = "a frozen picture"
    TOO_SMALL = "frames that do not hold the region of interest"

    # So that a message shows the words, and not Fault.BLANK.
    __str__ = str.__str__


class FrameCheck:
    """Judges the frames of one live source, in their order. Not thread-safe."""

    def __init__(self) -> None:
        self._size_hw: tuple[int, int] | None = None
        self._new_size_hw: tuple[int, int] | None = None
        self._new_size_frames = 0
        self._last: Image | None = None
        self._last_changed_s = 0.0

    def fault(self, image_bgr: Image, captured_s: float) -> Fault | None:
        """Return what is wrong with the next frame, None where it may be classified.

        Args:
            image_bgr: uint8, shape (height, width, 3).
            captured_s: when it was captured, in seconds of any clock that goes forward.
        """
        if not self._size_stands(image_bgr.shape[:2]):
            return Fault.RESIZED
        grid = np.ascontiguousarray(image_bgr[:: _step(image_bgr, 0), :: _step(image_bgr, 1)])
        if is_blank(grid):
            return Fault.BLANK
        if is_cut_off(grid):
            return Fault.CUT_OFF
        return Fault.FROZEN if self._is_frozen(grid, captured_s) else None

    def _size_stands(self, size_hw: tuple[int, int]) -> bool:
        """A new size counts when a few frames in a row have it; a single odd one is a broken frame."""
        if self._size_hw is None or size_hw == self._size_hw:
            self._size_hw = size_hw
            self._new_size_frames = 0
            return True
        if size_hw != self._new_size_hw:
            self._new_size_hw, self._new_size_frames = size_hw, 0
        self._new_size_frames += 1
        if self._new_size_frames < _SIZE_FRAMES:
            return False
        self._size_hw, self._new_size_frames = size_hw, 0
        return True

    def _is_frozen(self, grid: Image, captured_s: float) -> bool:
        if self._last is None or not np.array_equal(grid, self._last):
            self._last, self._last_changed_s = grid, captured_s
        return captured_s - self._last_changed_s >= FROZEN_S


def _step(image_bgr: Image, axis: int) -> int:
    side: int = image_bgr.shape[axis]
    return max(1, side // _GRID[axis])


def is_blank(grid_bgr: Image) -> bool:
    """Return True for a picture of one colour, or one that is black but for its noise."""
    pixels = grid_bgr.reshape(-1, 3)
    if pixels.mean() < _BLACK_MEAN and float(np.percentile(pixels, 99)) < _BLACK_MOST:
        return True
    return bool(pixels.std(axis=0).max() < _UNIFORM_SPREAD)


def is_cut_off(grid_bgr: Image) -> bool:
    """Return True where the lower part (an eighth or more) was never delivered: it is one colour to the byte.

    Decoders fill what is missing with grey, green, black or the last colour they had. Two things look alike
    and are not meant: overexposed white, and the black bars above and below a wide picture.
    """
    filling = grid_bgr[-1, -1]
    if bool((filling >= _SATURATED).all()):
        return False
    same = (grid_bgr == filling).all(axis=(1, 2))
    rows = _leading(same[::-1])
    if rows < max(2, _CUT_SHARE * len(same)):
        return False
    bar_above = _leading((grid_bgr == grid_bgr[0, 0]).all(axis=(1, 2)))
    is_letterbox = bool((grid_bgr[0, 0] == filling).all()) and bar_above >= rows / 2
    return not is_letterbox


def _leading(flags: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> int:
    """Return how many of the first flags are set."""
    return len(flags) if bool(flags.all()) else int(flags.argmin())
