"""``hangtag explain``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hangtag.errors import HangtagError, PhotoError
from hangtag.extras import extra_needed
from hangtag.files import make_folder
from hangtag.labelled_folder import SPLITS
from hangtag.progress import Progress
from hangtag_train.datasets.options import options_from, source_options

if TYPE_CHECKING:
    from hangtag_train.datasets import SourceOptions
    from hangtag_train.explain import Explainer, Layer


_LONGEST_NAME = 50
"""Characters of a photo's name over its pictures: what the photo was called must fit beside it."""


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("photos", metavar="[PHOTO]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the pictures.")
@click.option("--layers", help="Layers to show, by name, with commas between [six from early to late].")
@click.option("--label", help="Label whose evidence is shown [the one that the model gives].")
@click.option("--list-layers", is_flag=True, help="Print the layers that have activation maps, and stop.")
@click.option("--mistakes", "data", metavar="DATA", help="Draw the misclassified photos of a data set.")
@click.option(
    "--split", type=click.Choice(SPLITS), default="validation", show_default=True, help="Of --mistakes."
)
@click.option("--limit", type=click.IntRange(1, 500), default=30, show_default=True, help="Of --mistakes.")
@source_options
def explain(
    run: Path,
    photos: tuple[Path, ...],
    *,
    out: Path | None,
    layers: str | None,
    label: str | None,
    list_layers: bool,
    data: str | None,
    split: str,
    limit: int,
    **source: Any,
) -> None:
    """Show what the network of RUN looks at in photos: files, or folders searched for them.

    For each photo: the activation maps of some layers, and a Grad-CAM overlay that shows where the evidence
    for its label lies. With --mistakes: a contact sheet of the photos that the network gets wrong, the most
    confident mistake first; DATA is what `hangtag train` takes, and where it brings no split of its own, the
    options that say how it is split must be those of the training. A photo that cannot be read is reported
    and the others go on; for a PHOTO the exit code is then 1.
    """
    options = options_from(source)
    if not list_layers and out is None:
        raise click.UsageError("Missing option '--out': the folder for the pictures.")
    if not (list_layers or photos or data):
        raise click.UsageError("Nothing to explain: give photos, --mistakes DATA or --list-layers.")
    with extra_needed("train", "hangtag explain"):
        from hangtag_train.quiet import import_tensorflow_quietly

        import_tensorflow_quietly()
        import matplotlib as mpl

        del mpl  # where it is missing that is said now, and not after a network was loaded

        from hangtag_train.explain import Explainer

    if list_layers:
        for layer in Explainer.open(run).layers:
            click.echo(f"{layer.name:<40} {layer.height:>4} x {layer.width:<4} {layer.channels:>5} channels")
        return
    folder = make_folder(out or Path())
    if photos:
        explainer = Explainer.open(run)
        chosen = (
            [explainer.layer(name.strip()) for name in layers.split(",")] if layers else explainer.spread()
        )
        index = explainer.label_index(label) if label is not None else None
        _explain_photos(explainer, photos, chosen, index, folder)
    if data is not None:
        _draw_mistakes(run, data, split, options, folder, limit=limit)


def _explain_photos(
    explainer: Explainer, photos: Sequence[Path], layers: Sequence[Layer], label: int | None, folder: Path
) -> None:
    from hangtag.photos import find_photos

    failed = total = 0
    taken: set[str] = set()
    for path in list(find_photos(photos)):
        total += 1
        try:
            _explain_photo(explainer, path, layers, label, folder / _free_name(path.stem, taken))
        except PhotoError as error:
            failed += 1
            click.echo(click.format_filename(f"Error: {error}"), err=True)
    if failed:
        raise HangtagError(f"{failed} of {total} photos could not be read")


def _explain_photo(
    explainer: Explainer, path: Path, layers: Sequence[Layer], label: int | None, out: Path
) -> None:
    """Write ``out``-maps.png and ``out``-gradcam.png, and print what the photo was called."""
    from hangtag.photos import read_photo
    from hangtag.preprocess import preprocess
    from hangtag_train.explain_pictures import draw_heat, draw_maps, seen_pixels
    from hangtag_train.lettering import written

    image = read_photo(path)
    spec, labels = explainer.contract.input, explainer.contract.labels
    tensor = preprocess(image, spec)
    scores = explainer.scores(tensor)
    predicted = int(scores.argmax())
    looked_for = predicted if label is None else label
    verdict = f"{labels[predicted]} {scores[predicted]:.2f}"
    title = verdict
    if looked_for != predicted:
        title = f"{labels[looked_for]} {scores[looked_for]:.2f} (the model says {verdict})"
    files = out.with_name(f"{out.name}-gradcam.png"), out.with_name(f"{out.name}-maps.png")
    heat = explainer.grad_cam(tensor, looked_for)
    name = written(path.name, _LONGEST_NAME)
    draw_heat(seen_pixels(image, spec), heat, f"{name}: {title}", files[0])
    maps = explainer.maps(tensor, layers)
    draw_maps(list(zip(layers, maps, strict=True)), f"{name}: {verdict}", files[1])
    click.echo(
        f"{click.format_filename(path)}: {title} -> {' '.join(click.format_filename(f) for f in files)}"
    )


def _draw_mistakes(
    run: Path, data: str, split: str, options: SourceOptions, folder: Path, *, limit: int
) -> None:
    import numpy as np

    from hangtag.readable import say_skipped
    from hangtag.scoring import score_photos
    from hangtag_train.evaluation import folder_of, open_scorer, other_split_note, read_splits
    from hangtag_train.mistakes import draw_mistakes

    progress = Progress()
    scorer = open_scorer(run)
    labels = scorer.contract.labels
    prepared = folder_of(data, [split], options, progress)
    photos, errors = read_splits(prepared, [split], labels, progress)
    say_skipped(progress, errors)
    if (note := other_split_note(prepared, scorer.contract)) is not None:
        click.echo(note, err=True)
    if split == "test":
        click.echo("note: the test split was read; choose nothing by what it says", err=True)
    scores = score_photos(scorer, photos, progress, split)
    sheet = folder / f"mistakes_{split}.png"
    paths = [photo.path for photo in photos.photos]
    count = draw_mistakes(paths, scores, np.array(photos.targets), labels, sheet, limit=limit)
    click.echo(f"{split}: {count} of {len(paths)} photos are misclassified -> {click.format_filename(sheet)}")


def _free_name(stem: str, taken: set[str]) -> str:
    """Return a file name that no other photo has got: a/1.jpg and b/1.jpg are two photos."""
    name = next(name for name in _numbered(stem) if name not in taken)
    taken.add(name)
    return name


def _numbered(stem: str) -> Iterator[str]:
    yield stem
    number = 2
    while True:
        yield f"{stem}-{number}"
        number += 1
