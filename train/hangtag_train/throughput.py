"""How fast training is: a fine-tuning epoch of ours beside a bare ``model.fit`` on the same tensors.

``python -m hangtag_train.throughput DATA`` trains with both in turn, ours with its photos read, varied and
averaged as in any run, Keras's on tensors that already lie in memory, and prints photos per second of each.
The same network, optimizer and batch size serve both.
"""

from __future__ import annotations

import dataclasses
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from hangtag.errors import HangtagError
from hangtag.extras import extra_needed
from hangtag.labelled_folder import LabelledFolder, read_split
from hangtag.progress import Progress
from hangtag_train.datasets.options import options_from, source_options
from hangtag_train.recipe_options import given_settings, recipe_options

if TYPE_CHECKING:
    from hangtag_train.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Round:
    """One epoch of each: photos per second, and the share of ours spent waiting for photos."""

    ours: float
    bare: float
    waiting_share: float

    @property
    def ratio(self) -> float:
        """Our speed as a share of the bare one."""
        return self.ours / self.bare


def measure(photos: LabelledFolder, recipe: Recipe, rounds: int, progress: Progress) -> list[Round]:
    """Train an epoch of each, in turn, ``rounds`` times after one of each to warm up.

    Raises:
        PhotoError: a photo cannot be read.
        TrainingError: the recipe cannot work, or the loss is not finite any more.
    """
    import keras

    keras.utils.set_random_seed(recipe.seed)
    ours, bare = _ours(photos, recipe), _bare(photos, recipe)
    found = []
    with progress.bar("rounds", rounds + 1) as advance:
        for number in range(rounds + 1):
            seconds, waiting_share = ours(number)
            bare_seconds = bare()
            if number > 0:
                count = len(photos.photos)
                found.append(Round(count / seconds, count / bare_seconds, waiting_share))
            advance()
    return found


def _ours(photos: LabelledFolder, recipe: Recipe) -> Callable[[int], tuple[float, float]]:
    """Return a function that trains an epoch of fine-tuning: its seconds and its share of waiting."""
    import numpy as np

    from hangtag_train.fit import RunningAverage, train_epoch, training_batches
    from hangtag_train.network import build_network
    from hangtag_train.trainer import Trainer

    network = build_network(recipe, len(photos.labels))
    trainer = Trainer(network, recipe, np.array(photos.targets), len(photos.labels), None)
    batches = training_batches(photos, recipe)
    average = RunningAverage(network.logits, network.logits.get_weights(), recipe.average_momentum, 0)
    silent = Progress(quiet=True)

    def epoch(number: int) -> tuple[float, float]:
        begun = time.perf_counter()
        # The recipe's schedule goes no further than its epochs.
        fitted = train_epoch(trainer, batches, average, recipe, number % recipe.epochs, progress=silent)
        return time.perf_counter() - begun, fitted.waiting_share

    return epoch


def _bare(photos: LabelledFolder, recipe: Recipe) -> Callable[[], float]:
    """Return a function that trains an epoch with Keras alone on tensors in memory: its seconds."""
    import numpy as np

    from hangtag_train.loading import PhotoBatches
    from hangtag_train.network import build_network, input_spec
    from hangtag_train.objective import Objective
    from hangtag_train.optimisation import build_optimizer
    from hangtag_train.trainer import TrainedView

    labels = len(photos.labels)
    batches = PhotoBatches(photos.photos, labels, input_spec(recipe), batch_size=recipe.batch_size)
    loaded = [batches[index] for index in range(len(batches))]
    tensors = np.concatenate([tensors for tensors, _ in loaded])
    targets = np.concatenate([targets for _, targets in loaded])
    model = TrainedView(build_network(recipe, labels), recipe)
    model.start_epoch(0, learns_statistics=recipe.norm_from_epoch == 1)
    objective = Objective(labels, teacher_share=0.0, temperature=1.0)
    model.compile(build_optimizer(recipe), objective, jit_compile=False)

    def epoch() -> float:
        begun = time.perf_counter()
        model.fit(tensors, targets, batch_size=recipe.batch_size, verbose=0)
        return time.perf_counter() - begun

    return epoch


def table(rounds: Sequence[Round], recipe: Recipe, photos: int) -> list[str]:
    """Return what was measured as lines for people: each round, the medians, and the ratio with its range."""
    ratios = [found.ratio for found in rounds]
    lines = [
        f"{recipe.name}: {photos} photos an epoch, batches of {recipe.batch_size}",
        f"{'':<8} {'ours':>10} {'model.fit':>10} {'ratio':>7} {'waiting':>8}",
    ]
    lines += [_row(f"round {number}", found) for number, found in enumerate(rounds, 1)]
    ours, bare, waiting = (
        statistics.median(getattr(found, name) for found in rounds)
        for name in ("ours", "bare", "waiting_share")
    )
    lines.append(f"{'median':<8} {ours:>10.1f} {bare:>10.1f} {'':>7} {100 * waiting:>7.1f}%  photos/s")
    lines.append(
        f"ratio {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}): ours as a "
        "share of model.fit on the same tensors in memory"
    )
    return lines


def _row(title: str, found: Round) -> str:
    return (
        f"{title:<8} {found.ours:>10.1f} {found.bare:>10.1f} {found.ratio:>7.3f} "
        f"{100 * found.waiting_share:>7.1f}%"
    )


def _some(split: LabelledFolder, photos: int, seed: int) -> LabelledFolder:
    """Return a split cut to so many photos, drawn at random."""
    import numpy as np

    chosen = np.random.default_rng(seed).permutation(len(split.photos))[:photos]
    return dataclasses.replace(split, photos=tuple(split.photos[index] for index in chosen))


@click.command()
@click.argument("data")
@click.option("--recipe", "recipe_name", help="Settings to train with [clothing-best].")
@click.option(
    "--photos", type=click.IntRange(1), default=512, show_default=True, help="An epoch's, from train."
)
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True, help="Epochs of each.")
@recipe_options
@source_options
@click.pass_context
def main(
    context: click.Context, /, data: str, *, recipe_name: str | None, photos: int, rounds: int, **source: Any
) -> None:
    """Measure a fine-tuning epoch, photos read and varied, against a bare model.fit on tensors in memory.

    An epoch of each to warm up, then one of each in turn, so that what else the machine does meets both.
    """
    with extra_needed("train", "hangtag_train.throughput"):
        from hangtag_train.quiet import import_tensorflow_quietly

        import_tensorflow_quietly()
        from hangtag_train.datasets import prepare
        from hangtag_train.recipe import DEFAULT, load_recipe

    recipe = load_recipe(recipe_name or DEFAULT).changed(given_settings(context))
    if recipe.epochs == 0:
        raise click.UsageError(f"the recipe {recipe.name} does not fine-tune; choose another, or --epochs 1")
    progress = Progress()
    prepared = prepare(data, options_from(source), progress)
    split = _some(read_split(prepared.path, "train"), photos, recipe.seed)
    for line in table(measure(split, recipe, rounds, progress), recipe, len(split.photos)):
        click.echo(line)


if __name__ == "__main__":
    try:
        main(standalone_mode=True)
    except HangtagError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)
