"""The frames of a record, classified again: what a model, or other settings, would have shown.

Both sides are decided anew by the same :class:`hangtag.decision.Decider` over the frames that were kept: what
was shown from the scores that the record holds, what is from those of today. So they differ only by model and
settings, and not by frames that came too fast to be kept. The same record, model and machine give the same
replay.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hangtag.classifier import Classifier, Prediction, Scores, TimedScores, rank
from hangtag.contract import ModelContract
from hangtag.decision import Decider
from hangtag.errors import PhotoError, SourceError
from hangtag.latency import summarize
from hangtag.record_lines import KeptFrame, KeptOutage
from hangtag.record_reader import Record, Torn, picture
from hangtag.replay_result import Flips, Moment, Replay


class _Ranker:
    """Ranks the scores of a record."""

    def __init__(self, contract: ModelContract) -> None:
        self.contract = contract

    def predict(self, scores: Scores, *, top: int, energy: float | None) -> Prediction:
        return rank(scores, self.contract, top, energy)


class _Changes:
    """Counts how often a text is another one than before."""

    def __init__(self) -> None:
        self.count = 0
        self._last: str | None = None

    def see(self, text: str) -> None:
        self.count += self._last is not None and text != self._last
        self._last = text


def replay(
    record: Record,
    classifier: Classifier,
    *,
    smoothing_s: float | None = None,
    hold_s: float | None = None,
) -> Replay:
    """Classify a record's frames again and compare.

    Args:
        record: what to replay.
        classifier: today's model.
        smoothing_s: of today's decisions; None for that of the record.
        hold_s: likewise.

    Raises:
        SourceError: the record cannot be read, or holds no frame that can.
        ValueError: a time is below 0 or not finite.
    """
    header = record.header
    if smoothing_s is None:
        smoothing_s = header.smoothing_s
    if hold_s is None:
        hold_s = header.hold_s
    run = _Run(record, classifier, smoothing_s, hold_s)
    for folder, line in record.lines():
        if isinstance(line, KeptFrame):
            run.frame(folder, line)
        elif isinstance(line, KeptOutage):
            run.outage()
        else:
            run.torn += isinstance(line, Torn)
    return run.result()


class _Run:
    """One replay as it goes."""

    def __init__(self, record: Record, classifier: Classifier, smoothing_s: float, hold_s: float) -> None:
        header = record.header
        self._record, self._classifier = record, classifier
        self._smoothing_s, self._hold_s = smoothing_s, hold_s
        self._was_ranker = _Ranker(header.model.contract())
        self._was = Decider(self._was_ranker, smoothing_s=header.smoothing_s, hold_s=header.hold_s, top=1)
        self._now = Decider(classifier, smoothing_s=smoothing_s, hold_s=hold_s, top=1)
        self._shared = _shared_places(header.model.labels, classifier.contract.labels)
        self._flips = _Changes(), _Changes(), _Changes()
        self._latencies = array("d"), array("d")
        self._moments: list[Moment] = []
        self._apart = False
        self._unreadable: list[str] = []
        self._frames = self._outages = self._missed = self.torn = 0
        self._renamed = self._redecided = self._labelled = self._was_right = self._now_right = 0
        self._worst = 0.0
        self._times: tuple[float, float] | None = None

    def outage(self) -> None:
        """There was no frame: the loop decided anew after it."""
        self._outages += 1
        self._was.reset()
        self._now.reset()

    def frame(self, folder: Path, kept: KeptFrame) -> None:
        """Classify one frame again."""
        self._missed = kept.missed
        try:
            image = picture(folder, kept)
        except PhotoError as error:
            self._unreadable.append(str(error))
            return
        seen = self._record.header.view.seen(image)
        if not self._frames:
            # The first inference of a model takes longer than all others.
            self._classifier.scores(seen)
        timed = self._classifier.timed_scores(seen)
        self._latencies[0].append(kept.prepare_ms + kept.infer_ms)
        self._latencies[1].append(timed.prepare_ms + timed.infer_ms)
        self._frames += 1
        self._times = (self._times[0] if self._times else kept.time_s, kept.time_s)
        self._compare_alone(kept, timed)
        self._compare_shown(kept, timed)

    def _compare_alone(self, kept: KeptFrame, timed: TimedScores) -> None:
        was = self._was_ranker.predict(kept.scores, top=1, energy=kept.energy).label
        now = self._classifier.predict(timed.scores, top=1, energy=timed.energy).label
        self._renamed += was != now
        differences = np.abs(kept.scores[self._shared[0]] - timed.scores[self._shared[1]])
        self._worst = max(self._worst, float(differences.max(initial=0)))
        if kept.true_label is not None:
            self._labelled += 1
            self._was_right += was == kept.true_label
            self._now_right += now == kept.true_label

    def _compare_shown(self, kept: KeptFrame, timed: TimedScores) -> None:
        was = self._was.decide(kept.scores, kept.time_s, kept.energy).prediction.shown
        now = self._now.decide(timed.scores, kept.time_s, timed.energy).prediction.shown
        for changes, shown in zip(self._flips, (kept.shown, was, now), strict=True):
            changes.see(shown)
        self._redecided += was != kept.shown
        if was == now:
            self._apart = False
            return
        last = self._moments[-1] if self._apart else None
        if last is not None and (last.was, last.now) == (was, now):
            self._moments[-1] = Moment(last.from_s, kept.time_s, last.frame, last.frames + 1, was, now)
        else:
            self._moments.append(Moment(kept.time_s, kept.time_s, kept.number, 1, was, now))
        self._apart = True

    def result(self) -> Replay:
        """Return what came of it."""
        if self._times is None:
            reason = f": {self._unreadable[0]}" if self._unreadable else ""
            raise SourceError(f"record {self._record.name} holds no frame that can be replayed{reason}")
        recorded, labels = self._record.header.model.labels, self._classifier.contract.labels
        return Replay(
            record=self._record,
            model_sha256=self._classifier.model.sha256,
            labels_gone=_missing(recorded, labels),
            labels_new=_missing(labels, recorded),
            smoothing_s=self._smoothing_s,
            hold_s=self._hold_s,
            frames=self._frames,
            seconds=self._times[1] - self._times[0],
            outages=self._outages,
            missed=self._missed,
            torn=self.torn,
            unreadable=tuple(self._unreadable),
            renamed=self._renamed,
            worst_difference=self._worst,
            moments=tuple(self._moments),
            redecided=self._redecided,
            flips=Flips(*(changes.count for changes in self._flips)),
            labelled=self._labelled,
            was_right=self._was_right,
            now_right=self._now_right,
            was_latency=summarize(self._latencies[0]),
            now_latency=summarize(self._latencies[1]),
        )


def _shared_places(was: Sequence[str], now: Sequence[str]) -> tuple[npt.NDArray[np.intp], ...]:
    """Return where in each row of scores the labels stand that both have."""
    there = {label: place for place, label in enumerate(now)}
    places = [(place, there[label]) for place, label in enumerate(was) if label in there]
    both = np.array(places, np.intp).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _missing(labels: Sequence[str], among: Sequence[str]) -> tuple[str, ...]:
    known = set(among)
    return tuple(label for label in labels if label not in known)
