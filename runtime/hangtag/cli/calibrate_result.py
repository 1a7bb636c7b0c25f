"""What ``hangtag calibrate`` found, and how it is printed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hangtag.calibration import Confidences, Rejection
from hangtag.logits_output import Energies
from hangtag.metrics import BOOTSTRAP_RESAMPLES, Interval


@dataclass(frozen=True, slots=True)
class ScoredFolder:
    """Best score and energy of each of a folder's photos, and how many more could not be read.

    ``energies`` is None where the model gives none.
    """

    best: Confidences
    energies: Energies | None
    skipped: int


@dataclass(frozen=True, slots=True)
class Fitted:
    """A threshold of one number per photo, the energy or the best score.

    Args:
        before: the model's threshold until now, None where it had none.
        threshold: the fitted one.
        true_accept: the share of known photos that it accepts.
        was: how well the old threshold did; None where there was none, or no unknown photos.
        found: how well the fitted one does; None where there were no unknown photos.
    """

    before: float | None
    threshold: float
    true_accept: float
    was: Rejection | None
    found: Rejection | None


@dataclass(frozen=True, slots=True)
class Calibrated:
    """What was fitted and measured.

    Args:
        model: what messages call the model.
        out: the file that gets the thresholds.
        asked: the share of known photos to accept.
        known: the known photos.
        unknown: the others, None where none were given.
        score: the threshold of the best score.
        energy: that of the energy, which then decides; None where the model gives none.
        why_no_energy: why it gives none.
    """

    model: str
    out: Path
    asked: float
    known: ScoredFolder
    unknown: ScoredFolder | None
    score: Fitted
    energy: Fitted | None
    why_no_energy: str | None

    @property
    def deciding(self) -> Fitted:
        """The threshold that decides in this runtime."""
        return self.score if self.energy is None else self.energy


def lines(result: Calibrated) -> Iterator[str]:
    """Yield what people are told, line by line."""
    yield _counted("known", result.known) + f", {result.asked:.1%} asked to be accepted"
    if result.unknown is None:
        yield "unknown    none given: neither AUROC nor false accept was measured"
    else:
        yield _counted("unknown", result.unknown)
    if result.energy is not None:
        yield from _fitted_lines("energy", result.energy, "decides")
        yield from _fitted_lines("score", result.score, "for clients that see scores alone, as on phones")
    else:
        yield f"energy     {result.why_no_energy}"
        yield from _fitted_lines("score", result.score, "decides")


def _counted(title: str, folder: ScoredFolder) -> str:
    skipped = f", {folder.skipped} skipped" if folder.skipped else ""
    return f"{title:<10} {len(folder.best)} photos{skipped}"


def _fitted_lines(title: str, fitted: Fitted, role: str) -> Iterator[str]:
    old = "none" if fitted.before is None else f"{fitted.before:g}"
    yield f"{title:<10} threshold {old} -> {fitted.threshold:g} ({role})"
    yield f"           known accepted: {fitted.true_accept:.1%}"
    found, was = fitted.found, fitted.was
    if found is None:
        return
    accepted = f"{found.false_accept:.1%} ({_between(found.false_accept_interval, per_cent=True)})"
    yield f"           unknown accepted: {accepted}"
    yield f"           AUROC: {found.auroc:.3f} ({_between(found.auroc_interval)})"
    if was is not None:
        yield (
            f"           with {old} it was {was.true_accept:.1%} of the known "
            f"and {was.false_accept:.1%} of the unknown photos"
        )


def _between(interval: Interval | None, *, per_cent: bool = False) -> str:
    if interval is None:
        return "no interval: resampling cannot tell how near to certain it is"
    form = "{:.1%} to {:.1%}" if per_cent else "{:.3f} to {:.3f}"
    return "95 % interval " + form.format(interval.low, interval.high)


def record(result: Calibrated) -> dict[str, Any]:
    """Return what programs are told."""
    return {
        "model": result.model,
        "out": str(result.out),
        "decides": "score" if result.energy is None else "energy",
        "asked_to_accept": result.asked,
        "known": _folder_record(result.known),
        "unknown": None if result.unknown is None else _folder_record(result.unknown),
        "energy": None if result.energy is None else _fitted_record(result.energy),
        "why_no_energy": result.why_no_energy,
        "score": _fitted_record(result.score),
        "intervals": f"95 %: AUROC by bootstrap ({BOOTSTRAP_RESAMPLES} resamples of each group), "
        "shares by Wilson's formula",
    }


def _folder_record(folder: ScoredFolder) -> dict[str, Any]:
    return {"photos": len(folder.best), "skipped": folder.skipped}


def _fitted_record(fitted: Fitted) -> dict[str, Any]:
    found, was = fitted.found, fitted.was
    return {
        "threshold": {"before": fitted.before, "after": fitted.threshold},
        "known_accepted": round(fitted.true_accept, 6),
        "unknown_accepted": None if found is None else round(found.false_accept, 6),
        "unknown_accepted_interval": None if found is None else _rounded(found.false_accept_interval),
        "auroc": None if found is None else round(found.auroc, 6),
        "auroc_interval": None if found is None else _rounded(found.auroc_interval),
        "before": None
        if was is None
        else {"known_accepted": round(was.true_accept, 6), "unknown_accepted": round(was.false_accept, 6)},
    }


def _rounded(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [round(interval.low, 6), round(interval.high, 6)]
