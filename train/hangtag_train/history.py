"""What is remembered of every pass over the training photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One pass over the training photos; losses are mean cross-entropies, top-1 are fractions.

    ``phase`` is ``head`` or ``fine-tune``. ``waiting_share`` is the fraction of the pass's training time in
    which the network waited for photos; ``learning_rate`` is that of its last step. ``calibrated_loss`` is
    the validation loss after the temperature that makes it smallest: what the checkpoint would have as a
    finished model. Rows of older runs lack it.
    """

    phase: str
    epoch: int
    train_loss: float
    train_top1: float
    validation_loss: float
    validation_top1: float
    seconds: float
    waiting_share: float = 0.0
    learning_rate: float = 0.0
    calibrated_loss: float | None = None

    @property
    def rank(self) -> tuple[float, float]:
        """Orders checkpoints: the smaller calibrated validation loss first, then the better accuracy.

        Not the accuracy first: between neighbouring epochs it differs by a photo or two of a few hundred, so
        the best of many epochs is mostly the luckiest. The loss weighs how sure the model was of every photo,
        and changes smoothly. Calibrated, because smoothed labels and a teacher make a network less sure than
        it is right, and the temperature that is fitted in the end mends just that.
        """
        loss = self.validation_loss if self.calibrated_loss is None else self.calibrated_loss
        return (-loss, self.validation_top1)


def best_row(history: Sequence[HistoryRow]) -> HistoryRow:
    """Return the row of the checkpoint that is kept: the best, and of equals the first."""
    return max(history, key=lambda row: row.rank)


def epochs_since_best(history: Sequence[HistoryRow]) -> int:
    """Return how many rows came after the best."""
    return len(history) - 1 - history.index(best_row(history))
