"""Training photos varied the way a camera varies what it sees.

Each photo is warped once, straight from the source picture to the model's input, so that distance, aspect,
position, tilt and perspective vary with real pixels instead of being cut from an already shrunken square;
then come light, lens, sensor and codec. With identity parameters the result is
:func:`hangtag.preprocess.preprocess`'s, byte for byte, because then it *is* that function.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hangtag.preprocess import Image, Preprocessor, resized, source_rectangle, target_rectangle
from hangtag_train.photometry import compressed, covered, defocused, grainy, relit, smeared
from hangtag_train.surroundings import draw_surroundings
from hangtag_train.warp import Warp

_ENDS: Mapping[str, float] = {
    "zoom_in": 0.95,
    **dict.fromkeys(("zoom_out", "far"), 20.0),
    **dict.fromkeys(("aspect", "shift"), 3.0),
    "rotation_deg": 180.0,
    **dict.fromkeys(("exposure", "darkness", "contrast", "colour", "temperature"), 5.0),
    **dict.fromkeys(("blur_px", "motion_px"), 100.0),
    "noise": 255.0,
    "jpeg": 100.0,
}
"""The highest value of each setting that may go beyond 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """How far each property varies; zero everywhere is the identity.

    Args:
        flip: probability of mirroring left and right.
        zoom_in: largest share of the side cut away (0.3: down to 70 % of the side is seen).
        zoom_out: largest share of the side added around (0.4: the garment shrinks to 1 / 1.4).
        far: the same for photos seen from afar, beyond ``zoom_out``.
        far_odds: probability of seeing a photo from afar.
        aspect: largest change of width against height, as a natural logarithm.
        shift: largest move of the centre, as a share of the side.
        rotation_deg: largest tilt either way, in degrees; small tilts are drawn more often than large ones.
        perspective: largest difference in distance between opposite edges, as a share.
        surroundings: probability that what lies past the picture's edge is a drawn background; else the
            picture goes on mirrored.
        exposure: largest change of brightness, as a natural logarithm.
        darkness: largest darkening of a photo taken in the dark, as a natural logarithm below 1 (2: down to
            an eighth).
        dark_odds: probability of a photo taken in the dark; it gets noise, too.
        contrast: largest change of contrast, as a natural logarithm.
        colour: largest change of each channel's gain, as a natural logarithm.
        temperature: largest warm or cold cast: red up by as much as blue goes down, as a natural logarithm.
        blur_px: largest sigma of a Gaussian blur, in pixels of the input.
        motion_px: largest length of a motion blur, in pixels of the input.
        noise: largest sigma of Gaussian noise, in grey levels.
        jpeg: largest loss of JPEG quality (80: down to quality 20).
        occlusion: largest share of the picture under a patch.
        odds: probability of each of blur, motion blur, noise, JPEG artefacts and occlusion.
    """

    flip: float = 0.5
    zoom_in: float = 0.25
    zoom_out: float = 0.35
    far: float = 1.2
    far_odds: float = 0.35
    aspect: float = 0.15
    shift: float = 0.12
    rotation_deg: float = 25.0
    perspective: float = 0.25
    surroundings: float = 0.7
    exposure: float = 0.4
    darkness: float = 2.0
    dark_odds: float = 0.15
    contrast: float = 0.25
    colour: float = 0.08
    temperature: float = 0.25
    blur_px: float = 2.5
    motion_px: float = 8.0
    noise: float = 24.0
    jpeg: float = 85.0
    occlusion: float = 0.15
    odds: float = 0.2

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            value, end = getattr(self, name), _ENDS.get(name, 1.0)
            if not 0 <= value <= end:
                raise ValueError(f"augmentation {name} is {value}; wanted 0 to {end:g}")


IDENTITY = Augmentation(**dict.fromkeys(Augmentation.__dataclass_fields__, 0.0))
"""Varies nothing."""


def draw_warp(settings: Augmentation, rng: np.random.Generator) -> Warp:
    """Draw one geometry within the settings."""
    low, high = math.log(1 - settings.zoom_in), math.log(1 + settings.zoom_out)
    if rng.random() < settings.far_odds:
        low, high = high, max(high, math.log(1 + settings.far))
    keystone = rng.uniform(-settings.perspective, settings.perspective, 2) * rng.random()
    return Warp(
        mirrored=bool(rng.random() < settings.flip),
        scale=math.exp(rng.uniform(low, high)),
        aspect=math.exp(rng.uniform(-settings.aspect, settings.aspect)),
        shift_xy=(
            float(rng.uniform(-settings.shift, settings.shift)),
            float(rng.uniform(-settings.shift, settings.shift)),
        ),
        rotation_rad=math.radians(rng.uniform(-settings.rotation_deg, settings.rotation_deg) * rng.random()),
        keystone_xy=(float(keystone[0]), float(keystone[1])),
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
    background = rng.random() < settings.surroundings
    image_wh = (image_bgr.shape[1], image_bgr.shape[0])
    source = source_rectangle(image_wh, spec)
    size_wh = target_rectangle(image_wh, spec)[2:]
    if warp == Warp():
        view = resized(image_bgr, source, size_wh, spec.kernel)
    else:
        view = warp.apply(image_bgr, source, size_wh, draw_surroundings(size_wh, rng) if background else None)
    # The view already has the size it has in the input, so this only brings the colours into the contract's
    # order, and puts the bars of a letterbox beside it.
    preprocessor.write_pixels(vary_light(view, settings, rng), pixels)


def vary_light(image_bgr: Image, settings: Augmentation, rng: np.random.Generator) -> Image:
    """Return a BGR picture under other light, covered, blurred, noisy or compressed at random.

    Things happen in the order in which they happen to a camera's picture: something stands in front of the
    garment, the lens and the motion blur it, light and white balance set the levels, the sensor adds noise
    and the codec its blocks. The picture is unchanged where the settings are 0.
    """
    occlusion, blur, motion, noise, jpeg = (
        amount * rng.random() if rng.random() < settings.odds else 0.0
        for amount in (
            settings.occlusion, settings.blur_px, settings.motion_px, settings.noise, settings.jpeg
        )
    )  # fmt: skip
    exposure = rng.uniform(-settings.exposure, settings.exposure)
    if rng.random() < settings.dark_odds:
        exposure = -rng.uniform(0, settings.darkness)
        noise = max(noise, settings.noise * rng.random() / 2)
    cast = rng.uniform(-settings.temperature, settings.temperature) * np.array([-1.0, 0.0, 1.0])
    tint = rng.uniform(-settings.colour, settings.colour, 3)
    gains = np.exp(exposure + cast + tint)
    contrast = math.exp(rng.uniform(-settings.contrast, settings.contrast))
    image = image_bgr
    if occlusion > 0:
        image = covered(image, occlusion, rng)
    if blur > 0:
        image = defocused(image, blur)
    if motion > 0:
        image = smeared(image, motion, rng.uniform(0, math.pi))
    image = relit(image, (float(gains[0]), float(gains[1]), float(gains[2])), contrast)
    if noise > 0:
        image = grainy(image, noise, rng)
    if jpeg > 0:
        image = compressed(image, round(100 - jpeg))
    return image
