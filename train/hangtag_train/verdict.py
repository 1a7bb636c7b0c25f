"""A run's history in plain words: does the network overfit, underfit, or would longer training help?

The rules look at the last phase alone (a linear head's curves and fine-tuning's do not continue each other)
and are tried in this order; n is the number of its epochs, and "the end" is the mean over its last fifth:

1. no epoch: nothing to judge. A loss that is not finite: training diverged.
2. fewer than 3 epochs: too few for a trend; only the gap is reported.
3. **nothing left to gain**: at the end more than 99 % of the validation photos are called right with a loss
   under 0.05. What its last hundredths do is of no interest.
4. **overfitting**: the validation loss at the end is more than 5 % above its lowest epoch while the training
   loss went on falling. Strong where it is more than 25 % above it and validation top-1 fell by more than a
   point as well; else mild.
5. **still improving**: the validation loss at the end is more than 1 % under that of the fifth before it.
6. **underfitting**: training and validation top-1 are both under 75 %.
7. **a wide gap**: training top-1 is more than 5 points above validation top-1, though its loss did not rise.
8. else a good fit.

Training figures are measured while training and, where the recipe says so, on augmented photos, with dropout,
against smoothed labels. A training top-1 *below* validation's is therefore normal, the levels of the two
losses are not compared (only which way each goes), and a training top-1 above validation's in spite of all
that is memory. Advice is about what the recipe has: a linear head on stored features sees no augmentation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from hangtag_train.phases import HEAD, UNKNOWN, handicaps, varies_photos

_RISE = 0.05
_STRONG_RISE = 0.25
_STRONG_FALL = 0.01
_IMPROVEMENT = 0.01
_NEAR_ZERO = 0.05
_NEARLY_ALL = 0.99
_POOR = 0.75
_GAP = 0.05


class Epoch(Protocol):
    """What is read of a history row; losses are mean cross-entropies, top-1 are fractions."""

    @property
    def phase(self) -> str:
        """What was trained: "head" or another word."""

    @property
    def train_loss(self) -> float:
        """Mean over the epoch's batches, while the weights changed."""

    @property
    def train_top1(self) -> float:
        """Mean over the epoch's batches, while the weights changed."""

    @property
    def validation_loss(self) -> float:
        """After the epoch."""

    @property
    def validation_top1(self) -> float:
        """After the epoch."""


def verdict(history: Sequence[Epoch], recipe: Mapping[str, Any] = UNKNOWN) -> str:
    """Return what a history says about over- and underfitting: a headline, then advice, in a few sentences.

    The rules stand at the head of this module. ``recipe`` is the run's settings by name; of what it does not
    tell nothing is claimed.
    """
    rows = last_phase(history)
    if not rows:
        return "Nothing was trained, so there is nothing to judge."
    if not all(math.isfinite(row.train_loss) and math.isfinite(row.validation_loss) for row in rows):
        return "Training diverged: a loss is not a finite number. Train again with a lower learning rate."
    sentences = [_judgement(rows, recipe), _figures(rows)]
    phase = rows[-1].phase
    reasons = handicaps(phase, recipe)
    if rows[-1].train_top1 < rows[-1].validation_top1 and (reasons or phase != HEAD):
        how = ", ".join(reasons) or "all through the epoch, while the network is still learning"
        sentences.append(f"That training has the lower figure is normal: it is measured {how}.")
    return " ".join(sentences)


def last_phase(history: Sequence[Epoch]) -> list[Epoch]:
    """Return the rows of the phase that training ended with."""
    return [row for row in history if row.phase == history[-1].phase]


def _judgement(rows: Sequence[Epoch], recipe: Mapping[str, Any]) -> str:
    if len(rows) < 3:
        epochs = "One epoch is" if len(rows) == 1 else "Two epochs are"
        return f"{epochs} too few to see a trend: train for some more before judging the fit."
    end = _end([row.validation_loss for row in rows])
    if end < _NEAR_ZERO and _end([row.validation_top1 for row in rows]) > _NEARLY_ALL:
        return (
            "Nothing left to gain on these photos: all or nearly all validation photos are called right, and "
            "the validation loss is near 0. More or harder validation photos would tell more than further "
            "epochs."
        )
    rise = _relative(end, min(row.validation_loss for row in rows))
    if rise > _RISE and _training_went_on(rows):
        return _overfitting(rows, rise, recipe)
    if _improvement([row.validation_loss for row in rows]) > _IMPROVEMENT:
        anew = ", in a new run: this one's learning rate has come down to nothing"
        where = anew if _has_cooled(rows, recipe) else ""
        return f"Still improving when training stopped: train for more epochs{where}."
    return _settled(rows, recipe)


def _has_cooled(rows: Sequence[Epoch], recipe: Mapping[str, Any]) -> bool:
    """True at the end of a cosine: what comes after its last epoch would learn nothing more."""
    whole = rows[-1].phase != HEAD and len(rows) == recipe.get("epochs")
    return whole and recipe.get("schedule") == "cosine"


def _settled(rows: Sequence[Epoch], recipe: Mapping[str, Any]) -> str:
    """Judge a validation loss that neither rises nor falls."""
    best = max(row.validation_top1 for row in rows)
    if best < _POOR and max(row.train_top1 for row in rows) < _POOR:
        return (
            "Underfitting: photos that were trained on are not told apart well either, and more epochs of "
            f"the same would not change that. Try {_either(_for_more_learning(rows[-1].phase, recipe))}; and "
            "look whether the labels are right."
        )
    if rows[-1].train_top1 - rows[-1].validation_top1 > _GAP:
        return (
            "A wide gap: training photos are told apart clearly better than new ones, though the validation "
            f"loss does not rise. {_sentence(['more photos', *_against_memory(rows[-1].phase, recipe)])} "
            "would help most."
        )
    return "A good fit: the validation loss has settled and training is not far ahead of it."


def _overfitting(rows: Sequence[Epoch], rise: float, recipe: Mapping[str, Any]) -> str:
    top1 = [row.validation_top1 for row in rows]
    fall = max(top1) - _end(top1)
    strong = rise > _STRONG_RISE and fall > _STRONG_FALL
    text = (
        f"{'Strong' if strong else 'Mild'} overfitting: the validation loss ends {100 * rise:.0f} % above "
        "its lowest while the training loss goes on falling, so late epochs learnt the training photos by "
        "heart. The epoch that was best on validation photos is the one that is kept."
    )
    if fall <= _STRONG_FALL:
        text += " Top-1 did not suffer: the network mostly grew too sure of itself, which calibration mends."
    cures = ["fewer epochs", *_against_memory(rows[-1].phase, recipe), "more photos"]
    return f"{text} {_sentence(cures)} work against it."


def _against_memory(phase: str, recipe: Mapping[str, Any]) -> list[str]:
    """Return which changes of the recipe make it harder to learn photos by heart."""
    dropout = "dropout" if recipe.get("dropout") == 0 else "more dropout"
    if phase == HEAD:
        return [dropout, "fine-tuning on varied photos (--epochs)"]
    unvaried = "augmentation" in recipe and not varies_photos(recipe)
    return ["augmentation" if unvaried else "stronger augmentation", dropout]


def _for_more_learning(phase: str, recipe: Mapping[str, Any]) -> list[str]:
    """Return which changes of the recipe let a network learn more."""
    changes = ["a larger backbone", "a higher learning rate"]
    if phase == HEAD:
        return [*changes, "fine-tuning of all layers (--epochs)"]
    if recipe.get("frozen_blocks", 0) > 0:
        changes.append("all layers trained")
    return [*changes, "milder augmentation"] if varies_photos(recipe) else changes


def _sentence(changes: Sequence[str]) -> str:
    """Return alternatives as the beginning of a sentence."""
    text = _either(changes)
    return text[0].upper() + text[1:]


def _either(changes: Sequence[str]) -> str:
    return f"{', '.join(changes[:-1])} or {changes[-1]}"


def _training_went_on(rows: Sequence[Epoch]) -> bool:
    """True when the training loss fell after the epoch of the lowest validation loss."""
    lowest = min(range(len(rows)), key=lambda index: rows[index].validation_loss)
    return rows[-1].train_loss < rows[lowest].train_loss


def _figures(rows: Sequence[Epoch]) -> str:
    last = rows[-1]
    gap = 100 * (last.train_top1 - last.validation_top1)
    return (
        f"In the last epoch top-1 was {100 * last.train_top1:.1f} % in training and "
        f"{100 * last.validation_top1:.1f} % on validation photos ({gap:+.1f} points)."
    )


def _end(values: Sequence[float]) -> float:
    fifth = max(1, len(values) // 5)
    return math.fsum(values[-fifth:]) / fifth


def _improvement(losses: Sequence[float]) -> float:
    """Return by which share the last fifth lies under the fifth before it."""
    fifth = max(1, len(losses) // 5)
    return -_relative(_end(losses), math.fsum(losses[-2 * fifth : -fifth]) / fifth)


def _relative(value: float, base: float) -> float:
    """Return how far ``value`` lies above ``base``, as a share of it; 0 where the base is 0."""
    return (value - base) / base if base > 0 else 0.0
