"""What ``hangtag convert`` prints of a conversion: a table on standard output, remarks on standard error."""

from __future__ import annotations

from pathlib import Path

from hangtag.mediapipe import why_no_mediapipe
from hangtag.model_file import parse_model
from hangtag_convert.record import PAGE_NAME, Conversion, Outcome

_NONE = "-"
_HEAD = (
    f"{'format':<14} {'MB':>6} {'top-1':>7} {'points lost (95 %)':>22} {'lost/gained':>12} {'p':>6} "
    f"{'same label':>11} {'worst diff':>11}  file"
)


def lines(result: Conversion, folder: Path) -> list[str]:
    """Return the table's lines: the float parent, then each format."""
    parent = _NONE if result.parent_top1 is None else f"{result.parent_top1:.4f}"
    return [
        _HEAD,
        f"{'float parent':<14} {'':>6} {parent:>7}",
        *(_row(row, folder) for row in result.outcomes),
    ]


def _row(outcome: Outcome, folder: Path) -> str:
    judged, comparison = outcome.judged, outcome.judged.comparison
    top1 = points = changed = p_value = _NONE
    if comparison.accuracy is not None:
        accuracy, interval = comparison.accuracy, comparison.accuracy.drop_interval
        top1 = f"{accuracy.after_top1:.4f}"
        points = f"{accuracy.drop_points:.2f} ({100 * interval.low:.2f} to {100 * interval.high:.2f})"
        changed = f"{accuracy.lost}/{accuracy.gained}"
        p_value = f"{accuracy.p_value:.3f}"
    where = "NOT WRITTEN" if outcome.file is None else str(folder / outcome.file)
    return (
        f"{judged.format.value:<14} {len(outcome.data) / 1e6:>6.2f} {top1:>7} {points:>22} {changed:>12} "
        f"{p_value:>6} {comparison.agreement:>11.4f} {comparison.worst_difference:>11.4f}  {where}"
    )


def remarks(result: Conversion, folder: Path, *, recover: bool = False) -> list[str]:
    """Return what a person should know beside the table; ``recover``: whether it was asked to try harder."""
    compared = f"compared on {result.rendered_frames} rendered garments: there are no validation photos, so "
    measured = f"measured photo by photo on {result.photos} validation photos"
    first = measured if result.photos else f"{compared}nothing is said about accuracy"
    found = [f"{first}; all of it: {folder / PAGE_NAME}"]
    if recover:
        found += _recovered(result)
    before = result.contract.calibration.unknown_threshold
    for outcome in result.outcomes:
        after = outcome.judged.contract.calibration.unknown_threshold
        if outcome.file is not None and after is not None and after != before:
            found.append(
                f"{outcome.judged.format.value}: the unknown threshold was refitted, {before:g} to {after:g}"
            )
    refused: dict[str, list[str]] = {}
    for outcome in result.outcomes:
        why = None if outcome.file is None else why_no_mediapipe(parse_model(outcome.data, outcome.file))
        if why is not None:
            refused.setdefault(why, []).append(outcome.judged.format.value)
    found += [f"not for MediaPipe Tasks: {', '.join(kinds)}; {why}" for why, kinds in refused.items()]
    return found


def _recovered(result: Conversion) -> list[str]:
    """Return what trying harder came to; failures have an error of their own."""
    tried = [outcome for outcome in result.outcomes if len(outcome.attempts) > 1]
    if not tried and not result.failures:
        return ["--recover had nothing to do: every file passes as it is"]
    return [
        f"{outcome.judged.format.value}: recovered with {outcome.attempts[-1].how}"
        for outcome in tried
        if outcome.file is not None
    ]
