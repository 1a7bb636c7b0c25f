"""An evaluation and its camera stress as lines of text."""

from __future__ import annotations

from collections.abc import Iterator

from hangtag.camera_stress import STEP_NAMES
from hangtag.metrics import CALIBRATION_BINS, FEWEST_FOR_CALIBRATION, Evaluation, Interval
from hangtag.stress_report import StressReport


def evaluation_lines(title: str, value: Evaluation) -> Iterator[str]:
    """Give a table of the labels, then the figures with the ranges that can be told; ``title`` names them."""
    yield f"{'label':<16} {'photos':>6} {'precision':>9} {'recall':>7} {'F1':>7}"
    for row in value.classes:
        precision, recall, f1 = (
            f"{share:.3f}" if share is not None else "-" for share in (row.precision, row.recall, row.f1)
        )
        yield f"{row.label:<16} {row.photos:>6} {precision:>9} {recall:>7} {f1:>7}"
    yield f"{title}: {value.photos} photos"
    yield f"top-1              {value.top1:.4f}   {_range(value.top1_wilson)} (Wilson, 95 %)"
    if value.top3_tells:
        yield f"top-3              {value.top3:.4f}"
    yield f"macro-F1           {value.macro_f1:.4f}   {_resampled(value, value.macro_f1_bootstrap)}"
    yield f"calibration error  {value.calibration_error:.4f}   {_calibration_range(value)}"


def stress_lines(report: StressReport) -> Iterator[str]:
    """Give a table of the stresses, what one photo is worth, and the mean and the worst of two levels."""
    yield f"{'camera stress':<36} {'level':<9} {'top-1':>7} {'points lost':>12}"
    yield f"{'as it is':<36} {'-':<9} {report.clean_top1:>7.4f}"
    for row in report.rows:
        lost = report.drop_points(row)
        yield f"{row.name:<36} {STEP_NAMES[row.step]:<9} {row.top1:>7.4f} {lost:>12.2f}"
    yield f"one photo is worth {report.photo_points:.2f} points"
    for step in (1, 2):
        worst = report.worst(step)
        yield (
            f"{STEP_NAMES[step]} level: mean {report.mean_top1(step):.4f}, "
            f"{report.mean_drop_points(step):.2f} points lost; "
            f"worst {worst.name}, {report.drop_points(worst):.2f} points lost"
        )


def _calibration_range(value: Evaluation) -> str:
    if not value.calibration_tells:
        return (
            f"too few photos to tell: {value.photos}, wanted {FEWEST_FOR_CALIBRATION} or more "
            f"(10 in each of {CALIBRATION_BINS} bins)"
        )
    return _resampled(value, value.calibration_error_bootstrap, f"; {CALIBRATION_BINS} equal-mass bins")


def _resampled(value: Evaluation, interval: Interval, more: str = "") -> str:
    if not value.resampling_tells:
        return (
            f"(no range: {'every' if value.top1 else 'no'} photo is called right, so resampling cannot tell)"
        )
    return f"{_range(interval)} (bootstrap, 95 %{more})"


def _range(interval: Interval) -> str:
    return f"{interval.low:.4f} to {interval.high:.4f}"
