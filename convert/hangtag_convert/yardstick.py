"""What a model and the files made from it are compared on: photos, or rendered garments for want of any."""

from __future__ import annotations

import dataclasses
import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from hangtag.classifier import Classifier
from hangtag.labelled_folder import LabelledFolder
from hangtag.metrics import Scores, Targets
from hangtag.preprocess import Image
from hangtag.progress import Progress
from hangtag.scene import Scene, SceneSettings
from hangtag.scoring import PhotoScores, Scorer, measure_photos

_MOST_CORES = 4
"""Cores that score at once: each holds a model of its own in memory."""
RENDERED_FRAMES = 40
"""How many garments are rendered where a run has no photos."""


@dataclass(frozen=True, slots=True)
class Yardstick:
    """Labelled photos; or BGR frames without labels, which can show agreement and no accuracy."""

    photos: LabelledFolder | None = None
    frames: tuple[Image, ...] = ()

    @property
    def targets(self) -> Targets | None:
        """The right label of each photo, or None where nobody knows."""
        return None if self.photos is None else np.array(self.photos.targets)

    def scores(self, model: Classifier | Scorer, progress: Progress, title: str | None = None) -> Scores:
        """Return a model's scores, float64, shape (photos or frames, labels).

        Raises:
            PhotoError: a photo cannot be read.
            ModelFileError: the model computes something that is not a number.
        """
        return self.measure(model, progress, title).scores

    def measure(
        self, model: Classifier | Scorer, progress: Progress, title: str | None = None
    ) -> PhotoScores:
        """Return :meth:`scores`, and energies where the model has them; it raises what that raises."""
        if self.photos is not None and isinstance(model, Classifier):
            return _measured_side_by_side(model, self.photos, progress, title)
        if self.photos is not None:
            return measure_photos(model, self.photos, progress, title)
        scorer = Scorer.of_classifier(model) if isinstance(model, Classifier) else model
        return scorer.measure(self.frames)


def _measured_side_by_side(
    model: Classifier, folder: LabelledFolder, progress: Progress, title: str | None
) -> PhotoScores:
    """Return what :func:`measure_photos` returns, each core scoring its share of the photos."""
    cores = min(os.cpu_count() or 1, _MOST_CORES, len(folder.photos))
    ends = [len(folder.photos) * core // cores for core in range(cores + 1)]
    shares = [
        dataclasses.replace(folder, photos=folder.photos[start:end])
        for start, end in itertools.pairwise(ends)
    ]

    def measured(core: int) -> PhotoScores:
        own = model if core == 0 else Classifier(model.model, energy=model.logits is not None)
        return measure_photos(own, shares[core], progress, title if core == 0 else None)

    with ThreadPoolExecutor(cores) as pool:
        return PhotoScores.joined(list(pool.map(measured, range(cores))))


def rendered_garments(progress: Progress, count: int = RENDERED_FRAMES) -> Yardstick:
    """Return so many frames of the simulated camera, each of another garment in the middle of its visit."""
    settings = SceneSettings(seed=3, size_wh=(384, 288))
    scene, visit = Scene(settings), round(settings.visit_s * settings.fps)
    frames = []
    with progress.bar("rendering garments", count) as advance:
        for number in range(count):
            frames.append(scene.frame(number * visit + visit // 2).image_bgr)
            advance()
    return Yardstick(frames=tuple(frames))
