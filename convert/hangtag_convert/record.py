"""What a conversion did and found: ``conversion.json``, of which the page and the table show the same."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hangtag.comparison import Comparison, Flip
from hangtag.contract import ModelContract
from hangtag.files import json_bytes, write_all
from hangtag_convert.gate import Judged
from hangtag_convert.layers import LayerError
from hangtag_convert.yardstick import Yardstick

RECORD_NAME = "conversion.json"
PAGE_NAME = "conversion.html"
_REPORT_NAME = "report.html"
"""What training leaves in a run's folder."""
SCHEMA_VERSION = 2
"""Of ``conversion.json``; version 1 knew no gate."""
_MOST_LAYERS = 20


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way that was tried, and the percentage points of top-1 lost (None: nothing to measure)."""

    how: str
    drop_points: float | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One format's end: what was judged, the file's bytes, how it was calibrated, which layers lost most.

    ``attempts`` are the ways that were tried, in order; a file that did not pass is not written.
    """

    judged: Judged
    data: bytes
    calibration: str | None
    attempts: tuple[Attempt, ...]
    layers: tuple[LayerError, ...]

    @property
    def file(self) -> str | None:
        """The file's name; None where the gate kept it back."""
        judged = self.judged
        return f"{judged.contract.name}-{judged.format.value}.tflite" if judged.passed else None


@dataclass(frozen=True, slots=True)
class Conversion:
    """All formats of one conversion and the model that they came from.

    They were compared on so many validation ``photos``; or, where there are none, on so many
    ``rendered_frames``, and nothing is known about accuracy then. ``left_out`` tells, by format, why one that
    nobody asked for by name was not possible.
    """

    contract: ModelContract
    yardstick: Yardstick
    parent_top1: float | None
    max_drop_points: float
    outcomes: tuple[Outcome, ...]
    versions: Mapping[str, str]
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def photos(self) -> int:
        """Validation photos that the files were measured on."""
        return 0 if self.yardstick.photos is None else len(self.yardstick.photos.photos)

    @property
    def rendered_frames(self) -> int:
        """Rendered garments that they were compared on for want of photos."""
        return len(self.yardstick.frames)

    @property
    def failures(self) -> tuple[str, ...]:
        """A line for each format that the gate kept back."""
        return tuple(outcome.judged.verdict for outcome in self.outcomes if not outcome.judged.passed)

    def as_json(self) -> dict[str, Any]:
        """Return what ``conversion.json`` holds: plain values, nothing about the machine or the hour."""
        return {
            "schema_version": SCHEMA_VERSION,
            "name": self.contract.name,
            "parent_top1": self.parent_top1,
            "photos": self.photos,
            "rendered_frames": self.rendered_frames,
            "max_drop_points": self.max_drop_points,
            "passed": not self.failures,
            "left_out": dict(self.left_out),
            "versions": dict(self.versions),
            "files": [self._row(outcome) for outcome in self.outcomes],
        }

    def _row(self, outcome: Outcome) -> dict[str, Any]:
        judged, comparison = outcome.judged, outcome.judged.comparison
        return {
            "format": judged.format.value,
            "file": outcome.file,
            "sha256": hashlib.sha256(outcome.data).hexdigest(),
            "size_bytes": len(outcome.data),
            "passed": judged.passed,
            "verdict": judged.verdict or None,
            "agreement": comparison.agreement,
            "mean_difference": comparison.mean_difference,
            "worst_difference": comparison.worst_difference,
            "accuracy": _accuracy(comparison),
            "unknown_threshold": {
                "before": self.contract.calibration.unknown_threshold,
                "after": judged.contract.calibration.unknown_threshold,
            },
            "energy_threshold": judged.contract.calibration.energy_threshold,
            "flips": [self._flip(flip) for flip in comparison.flips],
            "calibration": outcome.calibration,
            "attempts": [dataclasses.asdict(attempt) for attempt in outcome.attempts],
            "layers": [dataclasses.asdict(row) for row in outcome.layers[:_MOST_LAYERS]],
        }

    def _flip(self, flip: Flip) -> dict[str, Any]:
        labels = self.contract.labels
        return {
            "photo": self.photo_name(flip.photo),
            "label": None if flip.target is None else labels[flip.target],
            "before": labels[flip.before],
            "before_score": flip.before_score,
            "after": labels[flip.after],
            "after_score": flip.after_score,
        }

    def photo_name(self, number: int) -> str:
        """Return what a photo is called: its path in the data set, or its number among rendered ones."""
        folder = self.yardstick.photos
        if folder is None:
            return f"rendered garment {number}"
        return folder.photos[number].path.relative_to(folder.path.parent).as_posix()


def _accuracy(comparison: Comparison) -> dict[str, Any] | None:
    accuracy = comparison.accuracy
    if accuracy is None:
        return None
    return {
        "before_top1": accuracy.before_top1,
        "after_top1": accuracy.after_top1,
        "drop_points": accuracy.drop_points,
        "drop_points_interval": [100 * accuracy.drop_interval.low, 100 * accuracy.drop_interval.high],
        "lost": accuracy.lost,
        "gained": accuracy.gained,
        "mcnemar_p": accuracy.p_value,
        "before_calibration_error": accuracy.before_calibration_error,
        "after_calibration_error": accuracy.after_calibration_error,
        "by_label": [dataclasses.asdict(row) for row in accuracy.by_label],
    }


def write_conversion(result: Conversion, folder: Path) -> None:
    """Write the files that passed, the record and the page: all of them, or none.

    Raises:
        OutputError: one of them cannot be written.
    """
    from hangtag_convert.page import render

    files = {outcome.file: outcome.data for outcome in result.outcomes if outcome.file is not None}
    files[RECORD_NAME] = json_bytes(result.as_json())
    report = _REPORT_NAME if (folder / _REPORT_NAME).is_file() else None
    files[PAGE_NAME] = render(result, report=report).encode(errors="backslashreplace")
    write_all({folder / name: data for name, data in files.items()})
