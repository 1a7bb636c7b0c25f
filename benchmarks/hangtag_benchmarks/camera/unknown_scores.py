"""What unknown rejection is measured on, scored: known photos, those as cameras see them, other pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hangtag.calibration import Confidences, confidences
from hangtag.camera_stress import STEP_NAMES, STRESSES, Stress, stressed_frame
from hangtag.classifier import Classifier
from hangtag.errors import BenchmarkError
from hangtag.labelled_folder import LabelledFolder, read_split
from hangtag.logits_output import why_no_energy
from hangtag.metrics import Scores
from hangtag.photos import find_photos, read_photo
from hangtag.preprocess import Image
from hangtag.progress import Progress
from hangtag.scoring import PhotoScores, Scorer, measure_photos
from hangtag_benchmarks.camera.natural_pictures import DIGESTS, Picture, digest
from hangtag_benchmarks.camera.picture_packages import Part

_MODERATE = 1
_HALF_A_STEP = 1 / 512
"""Half the smallest score that an 8-bit output tells from none: what 0 counts as in logarithms."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures of one part: their packages, their places below the folder of all, what was found."""

    packages: tuple[str, ...]
    places: tuple[str, ...]
    found: PhotoScores
    as_published: bool


@dataclass(frozen=True, slots=True)
class Measured:
    """All that is scored: known photos by split, pictures by part, the model's labels.

    ``decides`` is what the runtime goes by, a key of :data:`CONFIDENCES`; ``stressed`` are the validation
    photos by what a camera did to them.
    """

    labels: tuple[str, ...]
    decides: str
    validation: PhotoScores
    test: PhotoScores
    pictures: Mapping[Part, Pictures]
    stressed: Mapping[str, PhotoScores]

    @property
    def names(self) -> tuple[str, ...]:
        """What there are thresholds of, what decides first: the score, and the energy where there is one."""
        names = CONFIDENCES if self.test.energies is not None else [SCORE]
        return tuple(sorted(names, key=lambda name: name != self.decides))


def _margin(scores: Scores) -> Confidences:
    ranked = np.sort(scores, axis=1)
    return np.asarray(ranked[:, -1] - ranked[:, -2])


def _negative_entropy(scores: Scores) -> Confidences:
    return np.asarray((scores * np.log(np.maximum(scores, 1e-12))).sum(axis=1))


def _mean_log(scores: Scores) -> Confidences:
    """How far the scores are from all being the same: their divergence from that, but for a constant."""
    return np.asarray(-np.log(np.maximum(scores, _HALF_A_STEP)).mean(axis=1))


def _energies(found: PhotoScores) -> Confidences:
    if found.energies is None:
        raise ValueError("the model gives no energies")
    return found.energies


ENERGY, SCORE = "energy", "best score"
CONFIDENCES: Mapping[str, Callable[[PhotoScores], Confidences]] = {
    ENERGY: _energies,
    SCORE: lambda found: confidences(found.scores),
}
"""What a contract has thresholds of."""

STATISTICS: Mapping[str, Callable[[Scores], Confidences]] = {
    SCORE: confidences,
    "margin of the best two": _margin,
    "negative entropy": _negative_entropy,
    "mean of -log score": _mean_log,
}
"""What any client could compute of its scores."""


def with_energy(classifier: Classifier) -> Classifier:
    """Return a classifier of the same model that gives energies, or itself where there are none to give."""
    model = classifier.model
    if classifier.logits is not None or why_no_energy(model.data, model.contract) is not None:
        return classifier
    return Classifier(model, energy=True)


def measure(classifier: Classifier, data: Path, folder: Path, progress: Progress) -> Measured:
    """Score validation and test photos, the first as cameras see them, too, and the pictures of each part.

    Raises:
        DatasetError: the data set is laid out otherwise, or its labels are not the model's.
        PhotoError: a photo cannot be read.
        BenchmarkError: a part has no pictures.
    """
    labels = classifier.contract.labels
    scorer = Scorer.of_classifier(classifier)
    validation, test = (read_split(data, split, labels) for split in ("validation", "test"))
    calibration = classifier.contract.calibration
    return Measured(
        labels=labels,
        decides=SCORE if calibration.energy_threshold is None else ENERGY,
        validation=measure_photos(scorer, validation, progress, "validation"),
        test=measure_photos(scorer, test, progress, "test"),
        pictures={part: _scored(scorer, folder, part, progress) for part in Part},
        stressed={
            f"{stress.name} ({STEP_NAMES[stress.step]})": _stressed(scorer, validation, stress, progress)
            for stress in STRESSES
            if stress.step == _MODERATE
        },
    )


def _stressed(scorer: Scorer, photos: LabelledFolder, stress: Stress, progress: Progress) -> PhotoScores:
    with progress.bar(stress.name, len(photos.photos)) as advance:

        def frames() -> Iterator[Image]:
            for index, photo in enumerate(photos.photos):
                yield stressed_frame(stress, read_photo(photo.path), index)
                advance()

        return scorer.measure(frames())


def _scored(scorer: Scorer, folder: Path, part: Part, progress: Progress) -> Pictures:
    if not (folder / part.value).is_dir():
        raise BenchmarkError(
            f"{folder} has no folder {part.value!r}; make it with: "
            f"python -m hangtag_benchmarks.camera.natural_pictures {folder}"
        )
    paths = list(find_photos([folder / part.value]))
    with progress.bar(part.value, len(paths)) as advance:

        def frames() -> Iterator[Image]:
            for path in paths:
                yield read_photo(path)
                advance()

        made = scorer.measure(frames())
    found = [Picture(part, path.parent.name, path.name, path.read_bytes()) for path in paths]
    return Pictures(
        packages=tuple(one.package for one in found),
        places=tuple(one.place for one in found),
        found=made,
        as_published=DIGESTS.get(part, digest(found, part)) == digest(found, part),
    )
