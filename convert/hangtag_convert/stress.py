"""What a camera does to a picture, applied to photos, to say in numbers what a model is bad at."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np

from hangtag.classifier import Classifier
from hangtag.labelled_folder import LabelledFolder
from hangtag.metrics import top_k
from hangtag.photos import read_photo
from hangtag.preprocess import Image
from hangtag.progress import Progress

_BLUR_SIGMA_PX = 5.0
_NOISE_SIGMA = 25.0
_DARK = 0.35


def stress_top1(classifier: Classifier, photos: LabelledFolder, progress: Progress) -> Mapping[str, float]:
    """Return the top-1 accuracy (0 to 1) under each stress, by its name; ``as it is`` is the first."""
    targets = np.array(photos.targets)
    scores = {name: np.empty((len(targets), len(photos.labels))) for name in _STRESSES}
    with progress.bar("stress", len(targets)) as advance:
        for row, photo in enumerate(photos.photos):
            image = read_photo(photo.path)
            for name, stress in _STRESSES.items():
                scores[name][row] = classifier.scores(stress(image))
            advance()
    return {name: top_k(found, targets, 1) for name, found in scores.items()}


def _blurred(image: Image) -> Image:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), _BLUR_SIGMA_PX), np.uint8)


def _noisy(image: Image) -> Image:
    noise = np.random.default_rng(0).normal(0, _NOISE_SIGMA, image.shape)
    noisy: Image = np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)
    return noisy


def _dark(image: Image) -> Image:
    dark: Image = np.rint(image * _DARK).astype(np.uint8)
    return dark


def _sideways(image: Image) -> Image:
    return np.asarray(cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE), np.uint8)


def _small(image: Image) -> Image:
    """Half the size, with its surroundings mirrored around it."""
    height, width = image.shape[0] // 2, image.shape[1] // 2
    around = cv2.copyMakeBorder(image, height, height, width, width, cv2.BORDER_REFLECT_101)
    return np.asarray(around, np.uint8)


def _stretched(image: Image) -> Image:
    side = min(image.shape[:2])
    return np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


_STRESSES: Mapping[str, Callable[[Image], Image]] = {
    "as it is": lambda image: image,
    f"brightness x {_DARK:g}": _dark,
    f"blur, sigma {_BLUR_SIGMA_PX:g} px of the photo": _blurred,
    f"Gaussian noise, sigma {_NOISE_SIGMA:g}": _noisy,
    "whole photo stretched to a square (what a phone app must not do)": _stretched,
    "garment at half size": _small,
    "turned by 90 degrees": _sideways,
}
