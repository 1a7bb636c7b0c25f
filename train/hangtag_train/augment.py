"""Training photos varied the way a camera varies what it sees.

Each photo is warped once, straight from the source picture to the model's input, so that distance, aspect,
position and tilt vary with real pixels instead of being cut from an already shrunken square; then light,
colour, blur and noise follow. With identity parameters the result is :func:`hangtag.preprocess.preprocess`'s,
byte for byte, because then it *is* that function.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from hangtag.preprocess import Image, Preprocessor, source_rectangle


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """How far each property varies; zero everywhere is the identity.

    Args:
        flip: probability of mirroring left and right.
        zoom_in: largest share of the side cut away (0.3: down to 70 % of the side is seen).
        zoom_out: largest share of the side added around (0.4: the garment shrinks to 1 / 1.4).
        aspect: largest change of width against height, as a natural logarithm.
        shift: largest move of the centre, as a share of the side.
        rotation_deg: largest tilt either way, in degrees.
        exposure: largest change of brightness, as a natural logarithm.
        contrast: largest change of contrast, as a natural logarithm.
        colour: largest change of each channel's gain, as a natural logarithm (colour temperature).
        blur_px: largest sigma of a Gaussian blur, in pixels of the input; a quarter of photos get one.
        noise: largest sigma of Gaussian noise, in grey levels; a quarter of photos get some.
    """

    flip: float = 0.5
    zoom_in: float = 0.25
    zoom_out: float = 0.35
    aspect: float = 0.15
    shift: float = 0.08
    rotation_deg: float = 12.0
    exposure: float = 0.4
    contrast: float = 0.25
    colour: float = 0.12
    blur_px: float = 2.0
    noise: float = 14.0


IDENTITY = Augmentation(
    flip=0, zoom_in=0, zoom_out=0, aspect=0, shift=0, rotation_deg=0, exposure=0, contrast=0, colour=0,
    blur_px=0, noise=0,
)  # fmt: skip
"""Varies nothing."""

_ODDS_OF_BLUR_OR_NOISE = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Warp:
    """One drawn geometry. ``scale`` above 1 sees more than the contract's rectangle, below 1 less."""

    mirrored: bool = False
    scale: float = 1.0
    aspect: float = 1.0
    shift_xy: tuple[float, float] = (0.0, 0.0)
    rotation_rad: float = 0.0

    def matrix(self, source: tuple[int, int, int, int], size_wh: tuple[int, int]) -> npt.NDArray[np.float64]:
        """Return the 2 x 3 matrix from input pixels to source pixels (both counted at pixel centres).

        The identity gives the half-pixel-centred grid that ``cv2.resize`` samples.
        """
        x, y, width, height = source
        out_w, out_h = size_wh
        step_x = width * self.scale * math.sqrt(self.aspect) / out_w * (-1 if self.mirrored else 1)
        step_y = height * self.scale / math.sqrt(self.aspect) / out_h
        cos, sin = math.cos(self.rotation_rad), math.sin(self.rotation_rad)
        linear = np.array([[cos, -sin], [sin, cos]]) @ np.diag([step_x, step_y])
        centre = np.array([x + width * (0.5 + self.shift_xy[0]), y + height * (0.5 + self.shift_xy[1])]) - 0.5
        offset = centre - linear @ np.array([(out_w - 1) / 2, (out_h - 1) / 2])
        return np.column_stack([linear, offset])


def draw_warp(settings: Augmentation, rng: np.random.Generator) -> Warp:
    """Draw one geometry within the settings."""
    low, high = math.log(1 - settings.zoom_in), math.log(1 + settings.zoom_out)
    return Warp(
        mirrored=bool(rng.random() < settings.flip),
        scale=math.exp(rng.uniform(low, high)),
        aspect=math.exp(rng.uniform(-settings.aspect, settings.aspect)),
        shift_xy=(
            float(rng.uniform(-settings.shift, settings.shift)),
            float(rng.uniform(-settings.shift, settings.shift)),
        ),
        rotation_rad=math.radians(rng.uniform(-settings.rotation_deg, settings.rotation_deg)),
    )


def write_augmented(
    image_bgr: Image,
    settings: Augmentation,
    rng: np.random.Generator,
    preprocessor: Preprocessor,
    pixels: Image,
) -> None:
    """Fill ``pixels`` (uint8, the input's height, width and channels) with a varied view of a BGR photo."""
    spec = preprocessor.spec
    warp = draw_warp(settings, rng)
    if warp == Warp():
        preprocessor.write_pixels(vary_light(image_bgr, settings, rng), pixels)
        return
    source = source_rectangle((image_bgr.shape[1], image_bgr.shape[0]), spec)
    view = cv2.warpAffine(
        image_bgr,
        warp.matrix(source, (spec.width_px, spec.height_px)),
        (spec.width_px, spec.height_px),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    # The view already has the input's size, so this only brings the colours into the contract's order.
    preprocessor.write_pixels(vary_light(view.astype(np.uint8, copy=False), settings, rng), pixels)


def vary_light(image_bgr: Image, settings: Augmentation, rng: np.random.Generator) -> Image:
    """Return a BGR picture under other light, blurred or noisy at random; unchanged where settings are 0."""
    gains = np.exp(
        rng.uniform(-settings.exposure, settings.exposure)
        + rng.uniform(-settings.colour, settings.colour, size=3)
    )
    contrast = math.exp(rng.uniform(-settings.contrast, settings.contrast))
    blur = settings.blur_px * rng.random() if rng.random() < _ODDS_OF_BLUR_OR_NOISE else 0.0
    noise = settings.noise * rng.random() if rng.random() < _ODDS_OF_BLUR_OR_NOISE else 0.0
    image = image_bgr
    if contrast != 1.0 or (gains != 1.0).any():
        levels = np.arange(256, dtype=np.float64)[:, None] * gains
        middle = 110.0  # about the mean grey of a photo, so that contrast alone keeps its brightness
        table = np.clip((levels - middle) * contrast + middle, 0, 255)
        image = cv2.LUT(image, np.rint(table).astype(np.uint8)[None]).astype(np.uint8, copy=False)
    if blur > 0:
        image = cv2.GaussianBlur(image, (0, 0), max(blur, 0.1)).astype(np.uint8, copy=False)
    if noise > 0:
        grain = rng.normal(0.0, noise, image.shape)
        image = np.clip(np.rint(image + grain), 0, 255).astype(np.uint8)
    return image
