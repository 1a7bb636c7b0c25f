"""From the scores of single frames to a label that stands still: smoothing, hysteresis, unknown.

Everything is a function of scores and their times, in seconds rather than frames: a camera of 10 frames a
second and one of 30 behave alike, and a replay of the same frames decides the same.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Protocol

from hangtag.classifier import Prediction, Scores
from hangtag.contract import ModelContract
from hangtag.defaults import HOLD_S, SMOOTHING_S


@dataclass(frozen=True, slots=True)
class Decision:
    """What is shown for a moment.

    Args:
        prediction: the label that stands (or unknown) with its smoothed score; ``top`` ranks all labels as
            they are now.
        changed: True when something else stands than at the frame before, and for the first frame.
        since_s: the time, on the clock of the frames, from which it stands.
    """

    prediction: Prediction
    changed: bool
    since_s: float


class Ranker(Protocol):
    """Ranks scores: :class:`hangtag.classifier.Classifier` does."""

    @property
    def contract(self) -> ModelContract:
        """The contract whose labels are ranked."""

    def predict(self, scores: Scores, *, top: int, energy: float | None) -> Prediction:
        """Return the best labels of a row of scores, and whether the energy or the best says unknown."""


class Decider:
    """Decides frame by frame. Not thread-safe.

    Args:
        ranker: makes predictions of scores.
        smoothing_s: time constant of the exponential smoothing in seconds; 0 for none.
        hold_s: seconds that another label must be ahead before it takes over; 0 for at once.
        top: how many labels a prediction lists.

    Raises:
        ValueError: a time is below 0 or not finite.
    """

    def __init__(
        self, ranker: Ranker, *, smoothing_s: float = SMOOTHING_S, hold_s: float = HOLD_S, top: int = 3
    ) -> None:
        for name, value in (("smoothing_s", smoothing_s), ("hold_s", hold_s)):
            if not 0 <= value < math.inf:
                raise ValueError(f"{name} is {value}; wanted 0 or more seconds")
        self._ranker, self._top = ranker, top
        self._places = {label: place for place, label in enumerate(ranker.contract.labels)}
        self._smoothing_s, self._hold_s = smoothing_s, hold_s
        self._smooth: Scores | None = None
        self._energy: float | None = None
        self._time_s = 0.0
        # Of what stands and of what is ahead of it: the label, None for unknown, and since when.
        self._standing: tuple[str | None, float] | None = None
        self._ahead: tuple[str | None, float] | None = None

    def reset(self) -> None:
        """Forget everything: the next frame has nothing to do with the last one."""
        self._smooth = self._energy = self._standing = self._ahead = None

    def decide(self, scores: Scores, time_s: float, energy: float | None = None) -> Decision:
        """Return what stands after a frame.

        Args:
            scores: one per label, calibrated, float64.
            time_s: when the frame belongs; a time before the last one's begins anew (a clip that repeats).
            energy: the frame's, smoothed as the scores are; None where it is not computed.

        Raises:
            ValueError: there is no energy, and the contract decides by it what is unknown.
        """
        if time_s < self._time_s:
            self.reset()
        smooth, smooth_energy = self._smoothed(scores, energy, time_s)
        self._smooth, self._energy, self._time_s = smooth, smooth_energy, time_s
        leading = self._ranker.predict(smooth, top=self._top, energy=smooth_energy)
        before = self._standing
        label, since_s = self._standing = self._settled(None if leading.unknown else leading.label, time_s)
        return Decision(self._shown(leading, label, smooth), self._standing != before, since_s)

    def _smoothed(self, scores: Scores, energy: float | None, time_s: float) -> tuple[Scores, float | None]:
        if self._smooth is None or self._smoothing_s == 0:
            return scores, energy
        # The low-pass filter's solution for any spacing of frames: one gap of 0.2 s has the effect of two of
        # 0.1 s.
        share = -math.expm1(-(time_s - self._time_s) / self._smoothing_s)
        if energy is not None and self._energy is not None:
            energy = self._energy + share * (energy - self._energy)
        return self._smooth + share * (scores - self._smooth), energy

    def _settled(self, leader: str | None, time_s: float) -> tuple[str | None, float]:
        """Return what stands, and since when, now that ``leader`` leads."""
        if self._standing is None:
            return leader, time_s
        if leader == self._standing[0]:
            self._ahead = None
            return self._standing
        if self._ahead is None or self._ahead[0] != leader:
            self._ahead = (leader, time_s)
        if time_s - self._ahead[1] < self._hold_s:
            return self._standing
        self._ahead = None
        return leader, time_s

    def _shown(self, leading: Prediction, standing: str | None, smooth: Scores) -> Prediction:
        """Return the prediction of what stands, which is not always what leads."""
        if standing is None:
            return dataclasses.replace(leading, unknown=True)
        score = float(smooth[self._places[standing]])
        return Prediction(standing, score, leading.top, unknown=False, energy=leading.energy)
