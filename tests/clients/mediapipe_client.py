"""A MediaPipe Tasks ImageClassifier that answers pictures: ``python mediapipe_client.py MODEL [LOCALE]``.

It knows nothing of Hangtag. A request is a uint8 RGB picture, shape (height, width, 3), and may hold a
``region`` with ``left``, ``top``, ``right`` and ``bottom`` in 0..1; an answer lists ``categories``, the best
one first. See ``array_stream.py``.
"""

from __future__ import annotations

import sys
from typing import Any

import mediapipe
from array_stream import Answerer, Array, serve
from mediapipe.tasks.python import BaseOptions, vision
from mediapipe.tasks.python.components.containers.rect import RectF
from mediapipe.tasks.python.vision.core.image_processing_options import ImageProcessingOptions


def load(model: str, locale: str | None = None) -> tuple[dict[str, Any], Answerer]:
    """Open a model file and return the function that classifies with it."""
    classifier = vision.ImageClassifier.create_from_options(
        vision.ImageClassifierOptions(
            base_options=BaseOptions(model_asset_path=model), display_names_locale=locale
        )
    )

    def classify(picture: Array, fields: dict[str, Any]) -> dict[str, Any]:
        image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=picture)
        # Keywords: its positional order is left, top, bottom, right.
        region = RectF(**fields["region"]) if fields.get("region") else None
        result = classifier.classify(image, ImageProcessingOptions(region_of_interest=region))
        (head,) = result.classifications
        return {
            "categories": [
                {
                    "index": category.index,
                    "score": category.score,
                    "name": category.category_name,
                    "display_name": category.display_name,
                }
                for category in head.categories
            ]
        }

    return {"version": mediapipe.__version__}, classify


if __name__ == "__main__":
    serve(lambda: load(*sys.argv[1:]))
