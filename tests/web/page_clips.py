"""Clips for the browser's pretended camera: JPEGs one after another, of garments that the model knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from hangtag import Classifier
from hangtag.preprocess import Image
from hangtag.scene import render_garment

CAMERA_FPS = 30
"""Chromium plays such a clip at this rate, over and over."""

_SURE = 0.8


def garment_picture(label: str, seed: int, size_wh: tuple[int, int] = (640, 480)) -> Image:
    """Return a drawn garment in the middle of a light wall."""
    width, height = size_wh
    picture, matte = render_garment(label, np.random.default_rng([seed, 7]), int(0.86 * min(size_wh)))
    picture, matte = picture[:, :width], matte[:, :width]
    wall = np.full((height, width, 3), (214, 220, 222), np.uint8)
    top, left = (height - picture.shape[0]) // 2, (width - picture.shape[1]) // 2
    place = wall[top : top + picture.shape[0], left : left + picture.shape[1]]
    share = matte[..., None].astype(np.float32) / 255
    place[:] = np.rint(picture * share + place * (1 - share)).astype(np.uint8)
    return wall


def known_garments(classifier: Classifier, size_wh: tuple[int, int] = (640, 480)) -> dict[str, Image]:
    """Return a drawn garment of each label that the model names surely, so that tests can expect it."""
    return dict(_known(classifier, size_wh))


def _known(classifier: Classifier, size_wh: tuple[int, int]) -> Iterator[tuple[str, Image]]:
    for label in classifier.contract.labels:
        for seed in range(12):
            picture = garment_picture(label, seed, size_wh)
            # As the camera will give it: a JPEG in between.
            seen = cv2.imdecode(cv2.imencode(".jpg", picture)[1], cv2.IMREAD_COLOR)
            prediction = classifier.classify(seen)
            if prediction.label == label and prediction.score > _SURE and not prediction.unknown:
                yield label, picture
                break


def write_clip(path: Path, pictures: Sequence[Image], seconds_each: float) -> Path:
    """Write each picture for so long; return the path. All must have one size, of even sides."""
    with path.open("wb") as clip:
        for picture in pictures:
            data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()
            clip.write(data * max(1, round(seconds_each * CAMERA_FPS)))
    return path
