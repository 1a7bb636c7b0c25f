"""``hangtag train``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hangtag.errors import TrainingError
from hangtag.extras import extra_needed
from hangtag.progress import Progress
from hangtag_train.datasets.options import options_from, source_options
from hangtag_train.recipe_options import given_settings, recipe_options

if TYPE_CHECKING:
    from hangtag_train.recipe import Recipe
    from hangtag_train.training import RunPlan


def _list_recipes(context: click.Context, parameter: click.Parameter, asked: bool) -> None:
    del parameter
    if not asked or context.resilient_parsing:
        return
    from hangtag_train.recipe import DEFAULT, load_recipe, recipe_names

    for name in recipe_names():
        mark = " (what is taken when none is named)" if name == DEFAULT else ""
        click.echo(f"{name:<20} {load_recipe(name).about}{mark}")
    context.exit()


@click.command()
@click.argument("data", required=False)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for the run.")
@click.option("--recipe", "recipe_name", help="Settings to begin with [clothing-best].")
@click.option(
    "--list-recipes", is_flag=True, is_eager=True, expose_value=False, callback=_list_recipes,
    help="Print the recipes there are.",
)  # fmt: skip
@recipe_options
@source_options
@click.option("--resume", is_flag=True, help="Go on with the interrupted run in --out, with its settings.")
@click.option("--overwrite", is_flag=True, help="Replace the run in --out.")
@click.option("--tensorboard", is_flag=True, help="Write TensorBoard's event files into --out, too.")
@click.option("--lr-sweep", is_flag=True, help="Train nothing; plot the loss over rising learning rates.")
@click.option(
    "--tune", "trials", type=click.IntRange(1), help="Try so many settings first and train with the best."
)
@click.pass_context
def train(
    context: click.Context,
    /,
    data: str | None,
    out: Path,
    *,
    recipe_name: str | None,
    resume: bool,
    overwrite: bool,
    tensorboard: bool,
    lr_sweep: bool,
    trials: int | None,
    **source: Any,
) -> None:
    """Train a classifier on DATA and write a run folder.

    DATA is a folder with a folder per label, in train/ validation/ test/ or not split yet; a zip or tar of
    one; a CSV or JSON lines file; a pair of idx files or an .npz; or fashion-mnist, mnist, clothing-small.
    Every option overrides the recipe's setting of that name. Test photos are never looked at: see hangtag
    evaluate --split test.
    """
    options = options_from(source)
    if lr_sweep and trials is not None:
        raise click.UsageError("--lr-sweep and --tune are two different questions; ask one")
    # Before TensorFlow, which takes seconds: what is misspelt is said at once.
    with extra_needed("train", "hangtag train"):
        recipe = _recipe(recipe_name, given_settings(context), out, resume=resume)
    _check_effect(recipe, given_settings(context), lr_sweep=lr_sweep)
    with extra_needed("train", "hangtag train"):
        from hangtag_train.quiet import import_tensorflow_quietly

        import_tensorflow_quietly()
        from hangtag.cache import cache_folder
        from hangtag_train.datasets import prepare
        from hangtag_train.training import RunPlan

    if data is None:
        _imagenet(out, recipe, overwrite=overwrite, resume=resume)
        return
    progress = Progress()
    prepared = prepare(data, options, progress)
    plan = RunPlan(
        data=prepared.path,
        out=out,
        cache=options.cache or cache_folder(),
        source=prepared.source,
        resume=resume,
        overwrite=overwrite,
        tensorboard=tensorboard,
    )
    if lr_sweep:
        _sweep(plan, recipe, progress)
        return
    _train(plan, recipe, trials, progress)


def _recipe(name: str | None, settings: Any, out: Path, *, resume: bool) -> Recipe:
    """Return the recipe that the options name, or, to resume, the one that the run was begun with."""
    from hangtag_train.recipe import DEFAULT, load_recipe
    from hangtag_train.run_folder import RunFolder
    from hangtag_train.state import stored_recipe

    state = RunFolder(out).state
    if resume and state.exists():
        begun = stored_recipe(state)
        if name is not None and name != begun.name:
            raise TrainingError(f"the run in {out} was begun with the recipe {begun.name}, not {name}")
        return begun.changed(settings)
    return load_recipe(name or DEFAULT).changed(settings)


def _check_effect(recipe: Recipe, given: Iterable[str], *, lr_sweep: bool) -> None:
    """Raise where an option would be taken and change nothing."""
    if lr_sweep and recipe.epochs == 0:
        raise click.UsageError(
            f"--lr-sweep is about the learning rate of fine-tuning, and {recipe.name} has none "
            "(epochs is 0); give --epochs"
        )
    idle = recipe.without_effect(given)
    if idle:
        phase = "linear head (head_epochs" if idle == ["head_learning_rate"] else "fine-tuning (epochs"
        raise click.UsageError(
            f"{', '.join(idle)} would change nothing: {recipe.name} has no {phase} is 0); "
            "leave it out or give epochs"
        )


def _train(plan: RunPlan, recipe: Recipe, trials: int | None, progress: Progress) -> None:
    from hangtag_train.run_folder import RunFolder
    from hangtag_train.training import train as run_training

    try:
        if trials is not None:
            with extra_needed("tune", "hangtag train --tune"):
                from hangtag_train.tuning import tune
            recipe = tune(plan, recipe, trials, progress)
        result = run_training(plan, recipe, progress)
    except KeyboardInterrupt:
        raise TrainingError(_interrupted(plan.out)) from None
    low, high = result.top1_wilson.low, result.top1_wilson.high
    click.echo(
        f"validation: {result.photos} photos, top-1 {result.top1:.4f} (95 %: {low:.4f} to {high:.4f}), "
        + (f"top-3 {result.top3:.4f}, " if result.top3_tells else "")
        + f"macro-F1 {result.macro_f1:.4f}, calibration error {result.calibration_error:.4f}"
        + ("" if result.calibration_tells else " (too few photos to tell)")
    )
    page = RunFolder(plan.out).page
    click.echo(f"run folder: {plan.out}" + (f"; report: {page}" if page.exists() else ""), err=True)


def _sweep(plan: RunPlan, recipe: Recipe, progress: Progress) -> None:
    from hangtag_train.lr_sweep import sweep

    result = sweep(plan, recipe, progress)
    click.echo(f"suggested --learning-rate {result.suggested:.2g}")
    click.echo(f"plot: {result.picture}", err=True)


def _imagenet(out: Path, recipe: Recipe, *, overwrite: bool, resume: bool) -> None:
    from hangtag_train.imagenet import write_imagenet_run

    if resume:
        raise click.UsageError("--resume needs the photos the run was begun with: name them as DATA")
    labels = write_imagenet_run(out, recipe, overwrite=overwrite)
    click.echo(f"{len(labels)} labels, from {labels[0]!r} to {labels[-1]!r}")
    click.echo(f"run folder: {out}", err=True)


def _interrupted(out: Path) -> str:
    from hangtag_train.run_folder import RunFolder

    if RunFolder(out).state.exists():
        return f"interrupted; the epochs that were finished are kept: go on with --out {out} --resume"
    return f"interrupted before the first epoch was finished; nothing is kept in {out}"
