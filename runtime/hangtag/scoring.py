"""A classifier's scores for every photo of a folder."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hangtag.classifier import Classifier
from hangtag.labelled_folder import LabelledFolder
from hangtag.photos import read_photo
from hangtag.progress import Progress


def score_photos(
    classifier: Classifier, photos: LabelledFolder, progress: Progress, title: str | None = None
) -> npt.NDArray[np.float64]:
    """Return scores of shape (photos, labels), in the folder's order.

    Raises:
        PhotoError: a photo cannot be read.
    """
    scores = np.empty((len(photos.photos), len(classifier.contract.labels)))
    with progress.bar(title, len(scores)) as advance:
        for row, photo in enumerate(photos.photos):
            scores[row] = classifier.scores(read_photo(photo.path))
            advance()
    return scores
