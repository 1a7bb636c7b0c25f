"""A model's accuracy under every camera stress, and how far it falls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hangtag.camera_stress import CLEAN, STRESSES, stressed_frame
from hangtag.labelled_folder import LabelledFolder
from hangtag.metrics import top_k
from hangtag.photos import read_photo
from hangtag.progress import Progress
from hangtag.scoring import Scorer


@dataclass(frozen=True, slots=True)
class StressRow:
    """Top-1 accuracy (0 to 1) under one stress; ``step`` is as in :class:`hangtag.camera_stress.Stress`."""

    name: str
    group: str
    level: str
    step: int
    top1: float


@dataclass(frozen=True, slots=True)
class StressReport:
    """Accuracy as it is and under each stress. Drops are in percentage points under the clean figure."""

    photos: int
    seed: int
    clean_top1: float
    rows: tuple[StressRow, ...]

    def at(self, step: int) -> tuple[StressRow, ...]:
        """Return the rows of one level: 1 moderate, 2 hard, 3 beyond, 0 outside the averages."""
        return tuple(row for row in self.rows if row.step == step)

    def mean_top1(self, step: int) -> float:
        """Return the mean accuracy over the groups at one level."""
        return float(np.mean([row.top1 for row in self.at(step)]))

    @property
    def photo_points(self) -> float:
        """Return how many percentage points one photo is worth: no smaller difference can be seen."""
        return 100 / self.photos

    def drop_points(self, row: StressRow) -> float:
        """Return how far a row lies under the clean accuracy (negative: above it)."""
        return 100 * (self.clean_top1 - row.top1)

    def mean_drop_points(self, step: int) -> float:
        """Return how far the mean at one level lies under the clean accuracy."""
        return 100 * (self.clean_top1 - self.mean_top1(step))

    def worst(self, step: int) -> StressRow:
        """Return the row with the lowest accuracy at one level (ties: the first)."""
        return min(self.at(step), key=lambda row: row.top1)

    def as_record(self) -> dict[str, Any]:
        """Return everything as plain values for JSON."""
        return {
            "photos": self.photos,
            "seed": self.seed,
            "clean_top1": self.clean_top1,
            "rows": [
                {
                    "name": row.name,
                    "group": row.group,
                    "level": row.level,
                    "step": row.step,
                    "moderate": row.step == 1,
                    "top1": row.top1,
                    "drop_points": self.drop_points(row),
                }
                for row in self.rows
            ],
            **{
                name: {
                    "mean_top1": self.mean_top1(step),
                    "mean_drop_points": self.mean_drop_points(step),
                    "worst": self.worst(step).name,
                    "worst_drop_points": self.drop_points(self.worst(step)),
                }
                for step, name in ((1, "moderate"), (2, "hard"))
            },
        }


def stress_scores(scorer: Scorer, photos: LabelledFolder, progress: Progress, seed: int = 0) -> StressReport:
    """Measure top-1 accuracy on the photos of a split under every stress.

    Each photo is decoded once and its frames are scored together.

    Raises:
        PhotoError: a photo cannot be read.
        ValueError: the split holds no photo.
    """
    targets = np.array(photos.targets)
    if not len(targets):
        raise ValueError(f"{photos.path} holds no photo to measure on")
    scores = np.empty((len(STRESSES), len(targets), len(photos.labels)))
    with progress.bar("camera stress", len(targets)) as advance:
        for number, photo in enumerate(photos.photos):
            image = read_photo(photo.path)
            scores[:, number] = scorer.scores(
                stressed_frame(stress, image, number, seed) for stress in STRESSES
            )
            advance()
    top1 = {stress: top_k(found, targets, 1) for stress, found in zip(STRESSES, scores, strict=True)}
    rows = tuple(
        StressRow(stress.name, stress.group, stress.level, stress.step, value)
        for stress, value in top1.items()
        if stress is not CLEAN
    )
    return StressReport(len(targets), seed, top1[CLEAN], rows)
