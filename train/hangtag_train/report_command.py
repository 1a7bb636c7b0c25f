"""``hangtag report``."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hangtag.progress import Progress

if TYPE_CHECKING:
    from hangtag_train.run_page import RunPage


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="The data set: look for misclassified validation photos again [those that were recorded].",
)
@click.option("--out", type=click.Path(path_type=Path), help="The file to write [report.html in RUN].")
def report(run: Path, *, data: Path | None, out: Path | None) -> None:
    """Make the page of the finished run in RUN again.

    It shows what lies in the folder: the history, the metrics and, where it was measured, the camera stress.
    The page holds the misclassified photos themselves: mind who you send it to.
    """
    from hangtag_train.page import write_page
    from hangtag_train.run_page import PAGE_NAME, read_run_page

    page = read_run_page(run)
    if data is not None:
        page = _with_mistakes(page, run, data)
    path = out or run / PAGE_NAME
    write_page(path, page)
    click.echo(click.format_filename(path))


def _with_mistakes(page: RunPage, run: Path, data: Path) -> RunPage:
    """Run the model over the validation photos, and record which of them it gets wrong."""
    import numpy as np

    from hangtag.labelled_folder import read_split
    from hangtag.scoring import score_photos
    from hangtag_train.evaluation import open_scorer
    from hangtag_train.mistakes import MISTAKES_NAME, find_mistakes, write_mistakes

    scorer = open_scorer(run)
    photos = read_split(data, "validation", scorer.contract.labels)
    paths = [photo.path.relative_to(data) for photo in photos.photos]
    scores = score_photos(scorer, photos, Progress(), "validation")
    mistakes = find_mistakes(paths, scores, np.array(photos.targets), photos.labels)
    write_mistakes(mistakes, run / MISTAKES_NAME)
    return dataclasses.replace(page, mistakes=mistakes, settings={**page.settings, "data": str(data)})
