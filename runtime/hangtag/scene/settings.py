"""What a simulated camera is asked for, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass

from hangtag.preprocess import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneSettings:
    """A simulated camera's settings; equal settings give equal frames.

    Attributes:
        seed: which scene it is: garments, backgrounds, light, noise; 0 or more.
        size_wh: width and height of the frames in pixels, each at least 32.
        fps: frames per second of scene time.
        visit_s: how long each garment is in front of the camera, in seconds; at least one frame.
    """

    seed: int = 0
    size_wh: tuple[int, int] = (640, 480)
    fps: float = 25.0
    visit_s: float = 2.4

    def __post_init__(self) -> None:
        """Check the ranges."""
        if self.seed < 0:
            raise ValueError(f"seed must be 0 or more, got {self.seed}")
        if min(self.size_wh) < 32:
            raise ValueError(f"size_wh must be at least 32 x 32 pixels, got {self.size_wh}")
        if not self.fps > 0:
            raise ValueError(f"fps must be above 0, got {self.fps}")
        if not self.visit_s * self.fps >= 1:
            raise ValueError(f"visit_s must last a frame ({1 / self.fps:.3g} s) or more, got {self.visit_s}")


@dataclass(frozen=True, slots=True)
class SceneFrame:
    """One picture of the simulated camera and the truth about it.

    Attributes:
        image_bgr: uint8, shape (height, width, 3), BGR; the caller may write to it.
        label: the true label; None while no garment is wholly in view, or where a photo has none.
        number: the frame's number, from 0.
        time_s: its scene time in seconds, ``number / fps``.
    """

    image_bgr: Image
    label: str | None
    number: int
    time_s: float
