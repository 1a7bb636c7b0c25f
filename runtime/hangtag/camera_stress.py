"""The same photos as a camera would see them: what a model meets in use and a clean test set never shows.

Every stress turns a photo into the frame that a camera would deliver; the model's own preprocessing then sees
that frame. Two scenes are built first:

- *The whole garment in a landscape frame*: the photo fits the frame (its full height, unless it is wider than
  the frame), centred on a background. Frames are 640 x 480 px, or 640 x 360 px in 16:9. A contract of the
  centre square then sees the middle 480 x 480 px (360 x 360).
- *Close up*: the camera stands where the photographer stood and the photo fills the frame, its short side
  scaled to 480 px and the long side cut to the middle 640 px. The centre square is the photo's own, so that
  pixels of blur and motion are pixels "at 640 x 480" and nothing but the named thing changes. Tilted or off
  centre, a background shows where the photo ends.

Photos are shrunk by area and enlarged linearly. Backgrounds are rendered by
:mod:`hangtag.stress_backgrounds` and, like all that is drawn by chance here, depend on the seed, the stress
and the photo's number alone. No code or background here may serve to train.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
import numpy.typing as npt

from hangtag.preprocess import Image, check_image
from hangtag.stress_backgrounds import draw_background

STEP_NAMES = {0: "-", 1: "moderate", 2: "hard", 3: "beyond"}
"""What the steps of a stress's level are called in tables."""

Apply = Callable[[Image, np.random.Generator], Image]

_FRAME_4_3_WH = (640, 480)
_FRAME_16_9_WH = (640, 360)
_SHORT_PX, _LONG_PX = 480, 640

_DARK_NOISE_SIGMA = 5.0
"""Grey levels of noise that a sensor adds when there is little light: about an eighth of what is left of a
mid grey at x0.35, and a quarter at x0.15."""

_WARM_GAINS_BGR = (0.75, 0.93, 1.15)
"""Lamps of about 4000 K with the white balance left on daylight."""

_COLD_GAINS_BGR = (1.25, 1.0, 0.80)
"""Deep shade with the white balance left on daylight."""


@dataclass(frozen=True, slots=True)
class Stress:
    """One thing that a camera does to a photo, at one level.

    Args:
        group: what is done ("tilt"); the stresses of a group differ in their level alone.
        level: how much, with its unit ("15°").
        step: place in its group, a key of :data:`STEP_NAMES`: 1 is the moderate level, 2 the hard one, 3
            beyond; 0 stands outside the averages, for information.
        apply: gives the camera's frame (BGR uint8) for a photo (BGR uint8, any size) and a generator.
    """

    group: str
    level: str
    step: int
    apply: Apply

    @property
    def name(self) -> str:
        """Group and level: "tilt 15°"."""
        return f"{self.group} {self.level}".rstrip()

    @property
    def moderate(self) -> bool:
        """True for the first level of a group, the one that a model is judged by."""
        return self.step == 1


def stressed_frame(stress: Stress, image_bgr: Image, photo_number: int, seed: int = 0) -> Image:
    """Return the camera's frame of a photo: BGR uint8, the same for the same seed, stress and number.

    Args:
        stress: one of :data:`STRESSES`.
        image_bgr: the photo, upright, any size.
        photo_number: its place in its folder, from 0.
        seed: another seed, other backgrounds, directions and noise.

    Raises:
        TypeError: the photo is not a uint8 array.
        ValueError: the photo has no pixels or not three channels, or the seed or number is negative.
    """
    check_image(image_bgr)
    index = STRESSES.index(stress)
    return stress.apply(image_bgr, np.random.default_rng([seed, index, photo_number]))


def _in_frame(
    image: Image, rng: np.random.Generator, *, frame_wh: tuple[int, int], share: float = 1.0
) -> Image:
    """Centre a photo on a background, as large as ``share`` of what fits the frame."""
    height, width = image.shape[:2]
    scale = share * min(frame_wh[0] / width, frame_wh[1] / height)
    inner = _resized(image, (max(1, round(width * scale)), max(1, round(height * scale))))
    left, top = (frame_wh[0] - inner.shape[1]) // 2, (frame_wh[1] - inner.shape[0]) // 2
    frame = draw_background(rng, frame_wh)
    frame[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    return frame


def _close_up(image: Image) -> Image:
    """Scale a photo's short side to 480 px and cut its long side to the middle 640 px at most."""
    height, width = image.shape[:2]
    short = min(height, width)
    # Cut first: a thousand times as long as wide is a photo, too.
    longest = max(1, short * _LONG_PX // _SHORT_PX)
    cut_w, cut_h = min(width, longest), min(height, longest)
    left, top = (width - cut_w) // 2, (height - cut_h) // 2
    size_wh = (round(cut_w * _SHORT_PX / short), round(cut_h * _SHORT_PX / short))
    return _resized(image[top : top + cut_h, left : left + cut_w], size_wh)


def _moved(
    image: Image, rng: np.random.Generator, *, shift_share: float = 0.0, tilt_deg: float = 0.0
) -> Image:
    """Shift the close-up in any direction by a share of the square's side, or tilt it either way."""
    close = _close_up(image)
    height, width = close.shape[:2]
    side, direction = rng.choice([-1.0, 1.0]), rng.uniform(0, 2 * np.pi)
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), float(side * tilt_deg), 1.0)
    matrix[0, 2] += shift_share * _SHORT_PX * np.cos(direction)
    matrix[1, 2] += shift_share * _SHORT_PX * np.sin(direction)
    moved = cv2.warpAffine(close, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    # How much of a pixel the photo covers: its edge is drawn without stairs.
    cover = cv2.warpAffine(np.ones((height, width), np.float32), matrix, (width, height))[..., None]
    return _as_image(moved * cover + draw_background(rng, (width, height)) * (1 - cover))


def _blurred(image: Image, rng: np.random.Generator, *, sigma_px: float) -> Image:
    """Out of focus: a Gaussian of the given sigma."""
    del rng
    return np.asarray(cv2.GaussianBlur(_close_up(image), (0, 0), sigma_px), np.uint8)


def _motion_blurred(image: Image, rng: np.random.Generator, *, length_px: int) -> Image:
    """Moved while the shutter was open: averaged along a line of the given length in any direction."""
    kernel = _line_kernel(length_px, rng.uniform(0, np.pi))
    return np.asarray(cv2.filter2D(_close_up(image), -1, kernel), np.uint8)


def _line_kernel(length_px: int, direction_rad: float) -> npt.NDArray[np.float32]:
    """Return weights adding up to 1 along a centred line: shape (length_px, length_px), an odd number."""
    middle = length_px // 2
    kernel = np.zeros((length_px, length_px), np.float32)
    # Points along the line, each shared out over the four pixels around it.
    for along in np.linspace(-middle, middle, 8 * length_px):
        x, y = middle + along * np.cos(direction_rad), middle + along * np.sin(direction_rad)
        left, top = int(min(x, length_px - 2)), int(min(y, length_px - 2))
        share_x, share_y = x - left, y - top
        kernel[top, left] += (1 - share_y) * (1 - share_x)
        kernel[top, left + 1] += (1 - share_y) * share_x
        kernel[top + 1, left] += share_y * (1 - share_x)
        kernel[top + 1, left + 1] += share_y * share_x
    total: npt.NDArray[np.float32] = kernel / kernel.sum()
    return total


def _lit(
    image: Image,
    rng: np.random.Generator,
    *,
    gains_bgr: tuple[float, float, float] = (1.0, 1.0, 1.0),
    noise_sigma: float = 0.0,
) -> Image:
    """Multiply each channel (clipped at 255), then add Gaussian noise of a sigma in grey levels.

    Noise differs from pixel to pixel and channel to channel of the 480 px close-up.
    """
    close = _close_up(image)
    lit = np.minimum(close * np.array(gains_bgr, np.float32), 255)
    if noise_sigma:
        lit = lit + noise_sigma * rng.standard_normal(close.shape, np.float32)
    return _as_image(lit)


def _compressed(image: Image, rng: np.random.Generator, *, quality: int) -> Image:
    """Through JPEG of the given quality (1 to 100, libjpeg's scale, chroma halved) and back."""
    del rng
    _, data = cv2.imencode(".jpg", _close_up(image), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _untouched(image: Image, rng: np.random.Generator) -> Image:
    del rng
    return image


def _turned(image: Image, rng: np.random.Generator) -> Image:
    """A quarter turn clockwise: a device mounted on its side."""
    del rng
    return np.asarray(cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE), np.uint8)


def _stretched(image: Image, rng: np.random.Generator) -> Image:
    """The whole photo without regard to its aspect: what a client does that ignores the contract."""
    del rng
    return _resized(image, (_SHORT_PX, _SHORT_PX))


def _resized(image: Image, size_wh: tuple[int, int]) -> Image:
    """Resize by area where the picture shrinks, linearly where it grows."""
    shrinks = size_wh[0] * size_wh[1] < image.shape[0] * image.shape[1]
    kernel = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size_wh, interpolation=kernel), np.uint8)


def _as_image(values: npt.NDArray[np.floating]) -> Image:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)


CLEAN = Stress("as it is", "", 0, _untouched)
"""The photo itself, which every drop is counted from."""

STRESSES: tuple[Stress, ...] = (
    CLEAN,
    Stress("whole garment in a frame", "4:3", 1, partial(_in_frame, frame_wh=_FRAME_4_3_WH)),
    Stress("whole garment in a frame", "16:9", 2, partial(_in_frame, frame_wh=_FRAME_16_9_WH)),
    Stress("height in the frame", "98 %", 1, partial(_in_frame, frame_wh=_FRAME_4_3_WH, share=0.98)),
    Stress("height in the frame", "75 %", 2, partial(_in_frame, frame_wh=_FRAME_4_3_WH, share=0.75)),
    Stress("height in the frame", "50 %", 3, partial(_in_frame, frame_wh=_FRAME_4_3_WH, share=0.50)),
    Stress("off centre", "8 %", 1, partial(_moved, shift_share=0.08)),
    Stress("off centre", "15 %", 2, partial(_moved, shift_share=0.15)),
    Stress("tilted", "15°", 1, partial(_moved, tilt_deg=15)),
    Stress("tilted", "30°", 2, partial(_moved, tilt_deg=30)),
    Stress("blur, sigma", "2.5 px", 1, partial(_blurred, sigma_px=2.5)),
    Stress("blur, sigma", "5 px", 2, partial(_blurred, sigma_px=5.0)),
    Stress("motion blur", "9 px", 1, partial(_motion_blurred, length_px=9)),
    Stress("motion blur", "17 px", 2, partial(_motion_blurred, length_px=17)),
    Stress("noise, sigma", "15", 1, partial(_lit, noise_sigma=15)),
    Stress("noise, sigma", "30", 2, partial(_lit, noise_sigma=30)),
    Stress("brightness", "x 0.35", 1, partial(_lit, gains_bgr=(0.35,) * 3, noise_sigma=_DARK_NOISE_SIGMA)),
    Stress("brightness", "x 0.15", 2, partial(_lit, gains_bgr=(0.15,) * 3, noise_sigma=_DARK_NOISE_SIGMA)),
    Stress("light", "warm", 1, partial(_lit, gains_bgr=_WARM_GAINS_BGR)),
    Stress("light", "cold", 2, partial(_lit, gains_bgr=_COLD_GAINS_BGR)),
    Stress("JPEG quality", "30", 1, partial(_compressed, quality=30)),
    Stress("JPEG quality", "10", 2, partial(_compressed, quality=10)),
    Stress("turned by", "90°", 0, _turned),
    Stress("whole photo stretched", "to a square", 0, _stretched),
)
"""The photo as it is, ten groups of camera stresses, and two mistakes of mounting and clients.

The place of a stress here is part of what its chance is drawn from: add new ones at the end.
"""
