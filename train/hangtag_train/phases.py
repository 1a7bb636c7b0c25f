"""What a history's phases are called where a person reads about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hangtag_train.history import HistoryRow

_WORDS = {"head": "linear head", "fine-tune": "fine-tuning"}


def phase_words(phase: str) -> str:
    """Return a phase as a reader knows it."""
    return _WORDS.get(phase, phase)


def phase_ends(history: Sequence[HistoryRow]) -> list[int]:
    """Return how many rows stand before each change of phase."""
    return [index for index in range(1, len(history)) if history[index].phase != history[index - 1].phase]


def epoch_axis(history: Sequence[HistoryRow]) -> str:
    """Return what the axis of epochs is called: it names no phase that the run does not have."""
    begins = [0, *phase_ends(history)]
    phases = [history[index].phase for index in begins if index < len(history)]
    if len(phases) > 1:
        return "epoch: " + ", then ".join(phase_words(phase) for phase in phases)
    return "epoch of the linear head" if phases == ["head"] else "epoch"
