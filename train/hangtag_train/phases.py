"""What a run's training is called, and what its figures were measured under, where a person reads of them.

``recipe`` is everywhere the run's settings by name, as ``run.json`` holds them. Of what is not in it nothing
is claimed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hangtag_train.history import HistoryRow

HEAD = "head"
UNKNOWN: Mapping[str, Any] = MappingProxyType({})
"""The recipe of a run whose settings are not known."""

_WORDS = {HEAD: "linear head", "fine-tune": "fine-tuning"}
_LASTING = (
    "flip", "zoom_in", "zoom_out", "aspect", "shift", "rotation_deg", "perspective", "exposure", "contrast",
    "colour", "temperature",
)  # fmt: skip
_OCCASIONAL = (
    ("far", "far_odds"), ("darkness", "dark_odds"), ("noise", "dark_odds"),
    *((name, "odds") for name in ("occlusion", "blur_px", "motion_px", "noise", "jpeg")),
)  # fmt: skip
"""Settings of the augmentation that do something only with the odds beside them."""


def phase_words(phase: str, recipe: Mapping[str, Any] = UNKNOWN) -> str:
    """Return a phase as a reader knows it; from fresh weights there is nothing to fine-tune."""
    from_fresh_weights = recipe.get("pretrained") is False and recipe.get("head_epochs") == 0
    return "training" if phase != HEAD and from_fresh_weights else _WORDS.get(phase, phase)


def phase_ends(history: Sequence[HistoryRow]) -> list[int]:
    """Return how many rows stand before each change of phase."""
    return [index for index in range(1, len(history)) if history[index].phase != history[index - 1].phase]


def epoch_axis(history: Sequence[HistoryRow], recipe: Mapping[str, Any] = UNKNOWN) -> str:
    """Return what the axis of epochs is called: it names no phase that the run does not have."""
    begins = [0, *phase_ends(history)]
    phases = [history[index].phase for index in begins if index < len(history)]
    if len(phases) > 1:
        return "epoch: " + ", then ".join(phase_words(phase, recipe) for phase in phases)
    return "epoch of the linear head" if phases == [HEAD] else "epoch"


def kept_for(row: HistoryRow) -> str:
    """Return what a checkpoint was chosen for; see :attr:`hangtag_train.history.HistoryRow.rank`."""
    calibrated = " after calibration" if row.calibrated_loss is not None else ""
    return f"smallest validation loss{calibrated}"


def varies_photos(recipe: Mapping[str, Any]) -> bool:
    """True where training photos were varied; False too where that is not known."""
    settings = recipe.get("augmentation", UNKNOWN)
    groups = (*((name,) for name in _LASTING), *_OCCASIONAL)
    return any(all(settings.get(name, 0) > 0 for name in group) for group in groups)


def handicaps(phase: str, recipe: Mapping[str, Any]) -> list[str]:
    """Return what made photos harder to tell apart in training than in validation."""
    return [
        words
        for words, there in (
            ("on varied photos", phase != HEAD and varies_photos(recipe)),
            ("on blended photos", phase != HEAD and max(recipe.get("mixup", 0), recipe.get("cutmix", 0)) > 0),
            ("with dropout", recipe.get("dropout", 0) > 0),
        )
        if there
    ]


def targets_words(phase: str, recipe: Mapping[str, Any]) -> list[str]:
    """Return what the training loss was measured against, where that is not the plain labels."""
    return [
        words
        for words, there in (
            ("against smoothed labels", phase != HEAD and recipe.get("label_smoothing", 0) > 0),
            ("against a teacher's scores", phase != HEAD and recipe.get("teacher") is not None),
        )
        if there
    ]
