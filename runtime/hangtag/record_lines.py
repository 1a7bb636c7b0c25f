"""The lines of a record: one for each frame that was kept, one for each outage."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from hangtag.classifier import Scores
from hangtag.errors import SourceError, shortened
from hangtag.record_header import RecordedModel, RecordFields
from hangtag.result import Result
from hangtag.sources.account import Outage

_FRAME_FILE = re.compile(r"[0-9]{6,16}\.png")
_MOST_NUMBER = 10**15
_MOST_SECONDS = 1e12
_MOST_MS = 1e12
_MOST_SCORE = 1e6


@dataclass(frozen=True, slots=True)
class KeptFrame:
    """One frame: a line of ``frames.jsonl``.

    Args:
        number: see :class:`hangtag.sources.Frame`.
        time_s: likewise.
        wall_s: likewise.
        file: the PNG's name.
        scores: of this frame alone, float64, in the order of the record's labels.
        energy: of this frame alone (:mod:`hangtag.logits_output`); None where it was not computed.
        shown: what was shown: a label, or "unknown".
        score: its score, smoothed.
        prepare_ms: as they were then.
        infer_ms: likewise.
        age_ms: likewise.
        dropped: frames that were never classified, so far.
        missed: results that came too fast to be kept, so far.
        true_label: where the source knew it.
        name: the file that the frame came from, where it was one.
    """

    number: int
    time_s: float
    wall_s: float
    file: str
    scores: Scores
    energy: float | None
    shown: str
    score: float
    prepare_ms: float
    infer_ms: float
    age_ms: float
    dropped: int
    missed: int
    true_label: str | None
    name: str | None

    @classmethod
    def of(cls, result: Result, missed: int) -> KeptFrame:
        """Return what is kept of a result."""
        frame = result.frame
        return cls(
            number=frame.number,
            time_s=frame.time_s,
            wall_s=frame.wall_s,
            file=f"{frame.number:06}.png",
            scores=result.scores,
            energy=result.alone.energy,
            shown=result.prediction.shown,
            score=result.prediction.score,
            prepare_ms=result.prepare_ms,
            infer_ms=result.infer_ms,
            age_ms=result.age_ms,
            dropped=result.counts.dropped,
            missed=missed,
            true_label=frame.label,
            name=frame.name,
        )

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values; no number is rounded, so that a replay decides as the loop did."""
        return {
            "frame": self.number,
            "time_s": self.time_s,
            "wall_s": self.wall_s,
            "file": self.file,
            "scores": self.scores.tolist(),
            "energy": self.energy,
            "shown": self.shown,
            "score": self.score,
            "prepare_ms": self.prepare_ms,
            "infer_ms": self.infer_ms,
            "age_ms": self.age_ms,
            "dropped": self.dropped,
            "missed": self.missed,
            "true_label": self.true_label,
            "name": self.name,
        }

    @classmethod
    def from_json(cls, plain: Any, where: str, model: RecordedModel) -> KeptFrame:
        """Read a line of unknown origin.

        Args:
            plain: the line's value.
            where: what messages call it.
            model: whose scores they are.

        Raises:
            SourceError: a field is missing or cannot be what it says.
        """
        fields = RecordFields(plain, where)
        scores = np.array(fields.take_numbers("scores"), np.float64)
        labels = len(model.labels)
        if len(scores) != labels or not (np.abs(scores) <= _MOST_SCORE).all():
            raise SourceError(f"{where} has {len(scores)} scores; wanted {labels}, one per label, of 0 to 1")
        energy = fields.take("energy", float, type(None))
        if energy is None and model.energy_threshold is not None:
            raise SourceError(f"{where} has no energy, by which the record's model decides")
        file = fields.take("file", str)
        if not _FRAME_FILE.fullmatch(file):
            raise SourceError(f"{where}.file is {shortened(file)}; wanted a name like 000123.png")
        return cls(
            number=fields.take_between("frame", int, 0, _MOST_NUMBER),
            time_s=fields.take_between("time_s", float, -_MOST_SECONDS, _MOST_SECONDS),
            wall_s=fields.take("wall_s", float),
            file=file,
            scores=scores,
            energy=energy,
            shown=fields.take("shown", str),
            score=fields.take("score", float),
            prepare_ms=fields.take_between("prepare_ms", float, 0, _MOST_MS),
            infer_ms=fields.take_between("infer_ms", float, 0, _MOST_MS),
            age_ms=fields.take("age_ms", float),
            dropped=fields.take_between("dropped", int, 0, _MOST_NUMBER),
            missed=fields.take_between("missed", int, 0, _MOST_NUMBER),
            true_label=fields.take("true_label", str, type(None)),
            name=fields.take("name", str, type(None)),
        )


@dataclass(frozen=True, slots=True)
class KeptOutage:
    """There were no frames for a while, and whatever was shown was stale: a line of ``frames.jsonl``."""

    time_s: float
    wall_s: float
    reason: str

    @classmethod
    def of(cls, outage: Outage) -> KeptOutage:
        """Return what is kept of an outage."""
        return cls(outage.time_s, outage.wall_s, outage.reason)

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"stale": True, "time_s": self.time_s, "wall_s": self.wall_s, "reason": self.reason}

    @classmethod
    def from_json(cls, plain: Any, where: str) -> KeptOutage:
        """Read a line of unknown origin.

        Raises:
            SourceError: a field is missing or cannot be what it says.
        """
        fields = RecordFields(plain, where)
        return cls(fields.take("time_s", float), fields.take("wall_s", float), fields.take("reason", str))
