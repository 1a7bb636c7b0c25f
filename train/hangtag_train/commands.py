"""``hangtag train``."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import click

from hangtag.errors import TrainingError
from hangtag.extras import extra_needed
from hangtag.progress import Progress


@click.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for the run.")
@click.option("--size", "size_px", type=click.IntRange(32, 1024), help="Input side in pixels [224].")
@click.option("--epochs", type=click.IntRange(0), help="Passes of fine-tuning; 0 trains the head alone [12].")
@click.option("--batch-size", type=click.IntRange(1), help="Photos per step [32].")
@click.option("--learning-rate", type=click.FloatRange(0, min_open=True), help="Peak learning rate [0.0003].")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Seed of everything random [1].")
@click.option("--name", help="Name of the model [clothing].")
@click.option("--resume", is_flag=True, help="Go on with the interrupted run in --out, with its settings.")
@click.option("--overwrite", is_flag=True, help="Replace the run in --out.")
def train(
    data: Path,
    out: Path,
    *,
    size_px: int | None,
    epochs: int | None,
    batch_size: int | None,
    learning_rate: float | None,
    seed: int | None,
    name: str | None,
    resume: bool,
    overwrite: bool,
) -> None:
    """Train a classifier on DATA, a folder of train/ validation/ test/ with a folder per label."""
    with extra_needed("train", "hangtag train"):
        from hangtag_train.quiet import import_tensorflow_quietly

        import_tensorflow_quietly()
        from hangtag_train.fit import stored_recipe
        from hangtag_train.recipe import Recipe
        from hangtag_train.run_folder import RunFolder
        from hangtag_train.training import train as run_training

    options: dict[str, Any] = {
        "size_px": size_px,
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "seed": seed,
        "model_name": name,
    }
    state = RunFolder(out).state
    begun_with = stored_recipe(state) if resume and state.exists() else Recipe()
    recipe = dataclasses.replace(
        begun_with, **{key: value for key, value in options.items() if value is not None}
    )
    try:
        evaluations = run_training(data, out, recipe, Progress(), resume=resume, overwrite=overwrite)
    except KeyboardInterrupt:
        raise TrainingError(_interrupted(out)) from None
    click.echo(f"{'split':<12} {'photos':>6} {'top-1':>7} {'top-3':>7} {'calibration error':>18}")
    for split, value in evaluations.items():
        click.echo(
            f"{split:<12} {value.photos:>6} {value.top1:>7.4f} {value.top3:>7.4f} "
            f"{value.calibration_error:>18.4f}"
        )
    click.echo(f"run folder: {out}", err=True)


def _interrupted(out: Path) -> str:
    from hangtag_train.run_folder import RunFolder

    if RunFolder(out).state.exists():
        return f"interrupted; the epochs that were finished are kept: go on with --out {out} --resume"
    return f"interrupted before the first epoch was finished; nothing is kept in {out}"


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path))
@click.option(
    "--split",
    "splits",
    type=click.Choice(["train", "validation", "test"]),
    multiple=True,
    help="Split to measure on; repeat to pool several [validation].",
)
@click.option(
    "--threads", type=click.IntRange(1, 256), default=1, show_default=True, help="CPU threads (.tflite)."
)
@click.option("--json", "as_json", is_flag=True, help="Everything that was measured, as JSON.")
def evaluate(model: Path, data: Path, *, splits: tuple[str, ...], threads: int, as_json: bool) -> None:
    """Measure MODEL, a .tflite file or a training run's folder, on DATA.

    Choose on validation; look at test once, to report.
    """
    import json

    from hangtag_train.evaluation import evaluate_model

    chosen = splits or ("validation",)
    if model.is_dir():
        with extra_needed("train", "evaluating a Keras model"):
            from hangtag_train.quiet import import_tensorflow_quietly

            import_tensorflow_quietly()
    result = evaluate_model(model, data, chosen, Progress(), threads=threads)
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(result), ensure_ascii=False))
        return
    click.echo(f"{'label':<16} {'photos':>6} {'precision':>9} {'recall':>7}")
    for row in result.classes:
        precision, recall = (
            f"{value:.3f}" if value is not None else "-" for value in (row.precision, row.recall)
        )
        click.echo(f"{row.label:<16} {row.photos:>6} {precision:>9} {recall:>7}")
    click.echo(
        f"{' + '.join(chosen)}: {result.photos} photos, top-1 {result.top1:.4f}, top-3 {result.top3:.4f}, "
        f"calibration error {result.calibration_error:.4f}"
    )
