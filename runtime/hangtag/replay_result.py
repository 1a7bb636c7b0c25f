"""What came of a record's replay: what was shown, what would be shown now, and where they differ."""

from __future__ import annotations

from dataclasses import dataclass

from hangtag.latency import LatencySummary
from hangtag.record_reader import Record


@dataclass(frozen=True, slots=True)
class Moment:
    """Frames in a row for which something else is shown than was.

    Args:
        from_s: of the first one, on the clock of the frames.
        to_s: of the last one.
        frame: number of the first one.
        frames: how many.
        was: what the record's scores show, a label or "unknown".
        now: what today's scores show.
    """

    from_s: float
    to_s: float
    frame: int
    frames: int
    was: str
    now: str


@dataclass(frozen=True, slots=True)
class Flips:
    """How often what is shown changed from one frame to the next.

    Args:
        recorded: as it was shown then.
        was: decided anew from the record's scores.
        now: decided from today's scores.
    """

    recorded: int
    was: int
    now: int


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of a record's replay.

    Args:
        record: that was replayed.
        model_sha256: of the file that it was replayed with.
        labels_gone: labels of the record that the model does not have.
        labels_new: labels of the model that the record does not have.
        smoothing_s: of today's decisions.
        hold_s: likewise.
        frames: how many were replayed.
        seconds: from the first to the last.
        outages: lines that say that there was no frame.
        missed: results that came too fast for the record.
        torn: lines that were not finished.
        unreadable: why each picture that could not be read was left out.
        renamed: frames whose best label, each for itself, is another one.
        worst_difference: the largest of any score, over the labels that both have; 0 where there is none.
        moments: where something else is shown than was.
        redecided: frames for which the record's own scores show something else than was shown: decisions then
            also stood on frames that were not kept.
        flips: how often the label changed.
        labelled: frames with a known label.
        was_right: of these, how many the record's model named right, each for itself.
        now_right: likewise today's.
        was_latency: frame to scores, as it was.
        now_latency: as it is.
    """

    record: Record
    model_sha256: str
    labels_gone: tuple[str, ...]
    labels_new: tuple[str, ...]
    smoothing_s: float
    hold_s: float
    frames: int
    seconds: float
    outages: int
    missed: int
    torn: int
    unreadable: tuple[str, ...]
    renamed: int
    worst_difference: float
    moments: tuple[Moment, ...]
    redecided: int
    flips: Flips
    labelled: int
    was_right: int
    now_right: int
    was_latency: LatencySummary
    now_latency: LatencySummary

    @property
    def same_model(self) -> bool:
        """True when it is the very file that was recorded with."""
        return self.model_sha256 == self.record.header.model.sha256

    @property
    def shown_differently(self) -> int:
        """Frames for which something else is shown than was."""
        return sum(moment.frames for moment in self.moments)
