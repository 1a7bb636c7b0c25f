"""``hangtag evaluate``."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hangtag.extras import extra_needed
from hangtag.progress import Progress
from hangtag_train.datasets.options import options_from, source_options

if TYPE_CHECKING:
    from hangtag.contract import ModelContract
    from hangtag.errors import PhotoError
    from hangtag.labelled_folder import LabelledFolder
    from hangtag.metrics import Evaluation, Scores
    from hangtag.scoring import Scorer
    from hangtag.stress_report import StressReport
    from hangtag_train.datasets import SourceOptions

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
    from hangtag_train.evaluation import open_scorer

    _refuse_contract_of_others(model, contract)
    if out is not None:
        _make_ready(out)
    scorer = open_scorer(model, contract=contract, threads=threads)
    chosen = tuple(dict.fromkeys(splits)) or ("validation",)
    found = _measure(scorer, data, chosen, options_from(source), seed=seed, stress=stress)
    record = {"model": str(model), "data": data, **found.as_record()}
    if out is not None:
        _write(out, record, found)
    if as_json:
        click.echo(json.dumps(record, ensure_ascii=False))
    else:
        _print(found)


@dataclass(frozen=True, slots=True)
class _Found:
    """What was measured: the photos, ``scores`` of shape (photos, labels), and what they come to."""

    splits: tuple[str, ...]
    photos: LabelledFolder
    skipped: tuple[PhotoError, ...]
    seed: int
    scores: Scores
    evaluation: Evaluation
    stress: StressReport | None

    def as_record(self) -> dict[str, Any]:
        """Return everything but the scores as plain values for JSON."""
        return {
            "splits": list(self.splits),
            "skipped": [str(error) for error in self.skipped],
            "seed": self.seed,
            **dataclasses.asdict(self.evaluation),
            "stress": self.stress.as_record() if self.stress is not None else None,
        }


def _refuse_contract_of_others(model: Path, contract: Path | None) -> None:
    from hangtag_train.evaluation import KERAS_SUFFIX

    if contract is not None and (model.is_dir() or model.suffix.lower() != KERAS_SUFFIX):
        raise click.UsageError(
            "--contract is for a .keras file; run folders and .tflite files have their own"
        )


def _make_ready(out: Path) -> None:
    """Find out before the photos are read whether there will be pictures, and a place for them."""
    from hangtag.files import make_folder

    make_folder(out)
    with extra_needed("train", "hangtag evaluate --out"):
        import matplotlib as mpl

        del mpl


def _measure(
    scorer: Scorer, data: str, splits: tuple[str, ...], options: SourceOptions, *, seed: int, stress: bool
) -> _Found:
    from hangtag.stress_report import stress_scores
    from hangtag_train.evaluation import evaluate_model

    progress = Progress()
    photos, skipped = _read(scorer.contract, data, splits, options, progress)
    scores, evaluation = evaluate_model(scorer, photos, progress, seed=seed)
    stressed = stress_scores(scorer, photos, progress, seed) if stress else None
    return _Found(splits, photos, skipped, seed, scores, evaluation, stressed)


def _read(
    contract: ModelContract, data: str, splits: tuple[str, ...], options: SourceOptions, progress: Progress
) -> tuple[LabelledFolder, tuple[PhotoError, ...]]:
    """List the photos; say which are left out, and what there is to mind about the others."""
    from hangtag.readable import say_skipped
    from hangtag_train.evaluation import folder_of, other_split_note, read_splits

    folder = folder_of(data, splits, options, progress)
    photos, errors = read_splits(folder, splits, contract.labels, progress)
    say_skipped(progress, errors)
    if (note := other_split_note(folder, contract)) is not None:
        click.echo(note, err=True)
    if "test" in splits:
        click.echo("note: the test split was read; choose nothing by what it says", err=True)
    return photos, errors


def _write(out: Path, record: dict[str, Any], found: _Found) -> None:
    import numpy as np

    from hangtag.files import write_json
    from hangtag_train.mistakes import draw_mistakes
    from hangtag_train.report import draw_confusion
    from hangtag_train.run_page import EVALUATION_NAME
    from hangtag_train.stress_chart import draw_stress

    write_json(out / EVALUATION_NAME, record)
    name = "_".join(found.splits)
    labels = len(found.evaluation.classes)
    if labels <= _MOST_DRAWN_LABELS:
        draw_confusion(found.evaluation, name, out / f"confusion_{name}.png")
    else:
        click.echo(f"note: {labels} labels are too many to draw; see {EVALUATION_NAME}", err=True)
    if found.stress is not None:
        draw_stress(found.stress, name, out / f"stress_{name}.png")
    photos = found.photos
    paths = [photo.path for photo in photos.photos]
    targets = np.array(photos.targets)
    draw_mistakes(paths, found.scores, targets, photos.labels, out / f"mistakes_{name}.png")


def _print(found: _Found) -> None:
    from hangtag_train.evaluation_lines import evaluation_lines, stress_lines

    for line in evaluation_lines(" + ".join(found.splits), found.evaluation):
        click.echo(line)
    if found.stress is not None:
        click.echo()
        for line in stress_lines(found.stress):
            click.echo(line)
