"""``hangtag evaluate``."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from hangtag.extras import extra_needed
from hangtag.progress import Progress
from hangtag_train.datasets.options import options_from, source_options

if TYPE_CHECKING:
    from hangtag.metrics import Evaluation, Interval
    from hangtag.stress_report import StressReport

_MOST_DRAWN_LABELS = 100
"""A confusion matrix of more labels is a picture that nobody can read."""


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("data")
@source_options
@click.option(
    "--split",
    "splits",
    type=click.Choice(["train", "validation", "test"]),
    multiple=True,
    help="Split to measure on; repeat to pool several [validation].",
)
@click.option(
    "--contract",
    type=click.Path(path_type=Path),
    help="Contract of a .keras file [the .json of its name, or contract.json, beside it].",
)
@click.option("--stress", is_flag=True, help="Measure the photos as cameras would see them, too.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for evaluation.json and pictures.")
@click.option("--json", "as_json", is_flag=True, help="Everything that was measured, as JSON.")
@click.option(
    "--threads", type=click.IntRange(1, 256), default=1, show_default=True, help="CPU threads (.tflite)."
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="Seed of the bootstrap and of the stress.",
)
def evaluate(
    model: Path,
    data: str,
    *,
    splits: tuple[str, ...],
    contract: Path | None,
    stress: bool,
    out: Path | None,
    as_json: bool,
    threads: int,
    seed: int,
    **source: Any,
) -> None:
    """Measure MODEL, a training run's folder, a .keras or a .tflite file, on DATA.

    DATA is what `hangtag train` takes. Where it brings no split of its own, give the shares and the split
    seed that the model was trained with: another split holds photos that it has learned.

    All go through the same code and preprocessing. Choose on validation, the default; look at test once, to
    report.
    """
    from hangtag.readable import say_skipped
    from hangtag.stress_report import stress_scores
    from hangtag_train.evaluation import (
        KERAS_SUFFIX,
        evaluate_model,
        folder_of,
        open_scorer,
        other_split_note,
        read_splits,
    )

    if contract is not None and (model.is_dir() or model.suffix.lower() != KERAS_SUFFIX):
        raise click.UsageError(
            "--contract is for a .keras file; run folders and .tflite files have their own"
        )
    if out is not None:
        _make_ready(out)
    progress = Progress()
    chosen = tuple(dict.fromkeys(splits)) or ("validation",)
    scorer = open_scorer(model, contract=contract, threads=threads)
    folder = folder_of(data, chosen, options_from(source), progress)
    photos, errors = read_splits(folder, chosen, scorer.contract.labels, progress)
    say_skipped(progress, errors)
    if (note := other_split_note(folder, scorer.contract)) is not None:
        click.echo(note, err=True)
    if "test" in chosen:
        click.echo("note: the test split was read; choose nothing by what it says", err=True)
    scores, evaluation = evaluate_model(scorer, photos, progress, seed=seed)
    stressed = stress_scores(scorer, photos, progress, seed) if stress else None
    record = {
        "model": str(model),
        "data": data,
        "splits": list(chosen),
        "skipped": [str(error) for error in errors],
        "seed": seed,
        **dataclasses.asdict(evaluation),
        "stress": stressed.as_record() if stressed is not None else None,
    }
    if out is not None:
        from hangtag_train.mistakes import draw_mistakes

        name = "_".join(chosen)
        _write(out, name, record, evaluation, stressed)
        paths = [photo.path for photo in photos.photos]
        draw_mistakes(paths, scores, np.array(photos.targets), photos.labels, out / f"mistakes_{name}.png")
    if as_json:
        click.echo(json.dumps(record, ensure_ascii=False))
        return
    _echo_evaluation(" + ".join(chosen), evaluation)
    if stressed is not None:
        _echo_stress(stressed)


def _make_ready(out: Path) -> None:
    """Find out before the photos are read whether there will be pictures, and a place for them."""
    from hangtag.files import make_folder

    make_folder(out)
    with extra_needed("train", "hangtag evaluate --out"):
        import matplotlib as mpl

        del mpl


def _write(
    out: Path, name: str, record: dict[str, Any], evaluation: Evaluation, stressed: StressReport | None
) -> None:
    from hangtag.files import write_json
    from hangtag_train.report import draw_confusion
    from hangtag_train.stress_chart import draw_stress

    write_json(out / "evaluation.json", record)
    if len(evaluation.classes) <= _MOST_DRAWN_LABELS:
        draw_confusion(evaluation, name, out / f"confusion_{name}.png")
    else:
        click.echo(
            f"note: {len(evaluation.classes)} labels are too many to draw; see evaluation.json", err=True
        )
    if stressed is not None:
        draw_stress(stressed, name, out / f"stress_{name}.png")


def _echo_evaluation(title: str, value: Evaluation) -> None:
    click.echo(f"{'label':<16} {'photos':>6} {'precision':>9} {'recall':>7} {'F1':>7}")
    for row in value.classes:
        precision, recall, f1 = (
            f"{share:.3f}" if share is not None else "-" for share in (row.precision, row.recall, row.f1)
        )
        click.echo(f"{row.label:<16} {row.photos:>6} {precision:>9} {recall:>7} {f1:>7}")
    click.echo(f"{title}: {value.photos} photos")
    click.echo(f"top-1              {value.top1:.4f}   {_range(value.top1_wilson)} (Wilson, 95 %)")
    if value.top3_tells:
        click.echo(f"top-3              {value.top3:.4f}")
    click.echo(f"macro-F1           {value.macro_f1:.4f}   {_resampled(value, value.macro_f1_bootstrap)}")
    click.echo(f"calibration error  {value.calibration_error:.4f}   {_calibration_range(value)}")


def _calibration_range(value: Evaluation) -> str:
    from hangtag.metrics import CALIBRATION_BINS, FEWEST_FOR_CALIBRATION

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


def _echo_stress(report: StressReport) -> None:
    from hangtag.camera_stress import STEP_NAMES

    click.echo(f"\n{'camera stress':<36} {'level':<9} {'top-1':>7} {'points lost':>12}")
    click.echo(f"{'as it is':<36} {'-':<9} {report.clean_top1:>7.4f}")
    for row in report.rows:
        lost = report.drop_points(row)
        click.echo(f"{row.name:<36} {STEP_NAMES[row.step]:<9} {row.top1:>7.4f} {lost:>12.2f}")
    click.echo(f"one photo is worth {report.photo_points:.2f} points")
    for step in (1, 2):
        worst = report.worst(step)
        click.echo(
            f"{STEP_NAMES[step]} level: mean {report.mean_top1(step):.4f}, "
            f"{report.mean_drop_points(step):.2f} points lost; "
            f"worst {worst.name}, {report.drop_points(worst):.2f} points lost"
        )
