"""What ``hangtag calibrate`` found, and how it is printed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hangtag.calibration import Confidences, Rejection
from hangtag.metrics import BOOTSTRAP_RESAMPLES, Interval


@dataclass(frozen=True, slots=True)
class ScoredFolder:
    """Confidences of a folder's photos, and how many more could not be read."""

    confidences: Confidences
    skipped: int


@dataclass(frozen=True, slots=True)
class Calibrated:
    """What was fitted and measured.

    Args:
        model: what messages call the model.
        out: the file that gets the threshold.
        asked: the share of known photos to accept.
        threshold_before: the model's threshold until now, None where it had none.
        threshold: the fitted one.
        true_accept: the share of known photos that it accepts.
        known: the known photos.
        unknown: the others, None where none were given.
        before: how well the old threshold did; None where there was none, or no unknown photos.
        after: how well the fitted one does; None where there were no unknown photos.
    """

    model: str
    out: Path
    asked: float
    threshold_before: float | None
    threshold: float
    true_accept: float
    known: ScoredFolder
    unknown: ScoredFolder | None
    before: Rejection | None
    after: Rejection | None


def lines(result: Calibrated) -> Iterator[str]:
    """Yield what people are told, line by line."""
    yield _counted("known", result.known, f"{result.true_accept:.1%} accepted (asked for {result.asked:.1%})")
    before, after = result.before, result.after
    if after is None or result.unknown is None:
        yield "unknown    none given: neither AUROC nor false accept was measured"
    else:
        accepted = (
            f"{after.false_accept:.1%} accepted ({_between(after.false_accept_interval, per_cent=True)})"
        )
        yield _counted("unknown", result.unknown, accepted)
        yield f"AUROC      {after.auroc:.3f} ({_between(after.auroc_interval)})"
    old = "none" if result.threshold_before is None else f"{result.threshold_before:g}"
    yield f"threshold  {old} -> {result.threshold:g}"
    if before is not None:
        yield (
            f"           with {old} it was {before.true_accept:.1%} of the known "
            f"and {before.false_accept:.1%} of the unknown photos"
        )


def _counted(title: str, folder: ScoredFolder, what: str) -> str:
    skipped = f", {folder.skipped} skipped" if folder.skipped else ""
    return f"{title:<10} {len(folder.confidences)} photos{skipped}: {what}"


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
        "statistic": "best score",
        "threshold": {"before": result.threshold_before, "after": result.threshold},
        "known": {
            "photos": len(result.known.confidences),
            "skipped": result.known.skipped,
            "asked_to_accept": result.asked,
            "accepted": round(result.true_accept, 6),
        },
        "unknown": None if result.unknown is None else _unknown_record(result.unknown, result.after),
        "before": None
        if result.before is None
        else {
            "known_accepted": round(result.before.true_accept, 6),
            "unknown_accepted": round(result.before.false_accept, 6),
        },
        "intervals": f"95 %: AUROC by bootstrap ({BOOTSTRAP_RESAMPLES} resamples of each group), "
        "shares by Wilson's formula",
    }


def _unknown_record(folder: ScoredFolder, measured: Rejection | None) -> dict[str, Any] | None:
    if measured is None:
        return None
    return {
        "photos": len(folder.confidences),
        "skipped": folder.skipped,
        "accepted": round(measured.false_accept, 6),
        "accepted_interval": _rounded(measured.false_accept_interval),
        "auroc": round(measured.auroc, 6),
        "auroc_interval": _rounded(measured.auroc_interval),
    }


def _rounded(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [round(interval.low, 6), round(interval.high, 6)]
