"""Hangtag's runtime: a clothing classifier, or any adopted one, from a camera to labels, without TensorFlow.

>>> import cv2
>>> from hangtag import Classifier
>>> Classifier.bundled().classify(cv2.imread("photo.jpg")).label  # doctest: +SKIP
'dress'
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hangtag.classifier import Classifier as Classifier
    from hangtag.classifier import Prediction as Prediction
    from hangtag.contract import ModelContract as ModelContract
    from hangtag.errors import HangtagError as HangtagError
    from hangtag.sources import Frame as Frame
    from hangtag.sources import open_source as open_source

__version__ = "0.1.0"

_HOMES = {
    "Classifier": "hangtag.classifier",
    "Prediction": "hangtag.classifier",
    "ModelContract": "hangtag.contract",
    "HangtagError": "hangtag.errors",
    "Frame": "hangtag.sources",
    "open_source": "hangtag.sources",
}

__all__ = ["Classifier", "Frame", "HangtagError", "ModelContract", "Prediction", "__version__", "open_source"]


def __getattr__(name: str) -> Any:
    # NumPy and OpenCV are loaded on first use, so that `hangtag --help` answers at once.
    if name not in _HOMES:
        raise AttributeError(f"module 'hangtag' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
