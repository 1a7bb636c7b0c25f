"""Pictures no larger than what shows them needs."""

from __future__ import annotations

import cv2
import numpy as np

from hangtag.preprocess import Image


def fitted(picture: Image, most_side_px: int) -> Image:
    """Return a picture whose longer side is at most so many pixels; the same one where it is already."""
    height, width = picture.shape[:2]
    share = most_side_px / max(height, width)
    if share >= 1:
        return picture
    size_wh = (max(1, round(share * width)), max(1, round(share * height)))
    return np.asarray(cv2.resize(picture, size_wh, interpolation=cv2.INTER_AREA), np.uint8)
