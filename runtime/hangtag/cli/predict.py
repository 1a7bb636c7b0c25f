"""``hangtag predict``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from hangtag.cli.options import load_classifier, model_options


@click.command()
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@model_options
@click.option("--top", type=click.IntRange(1), default=3, show_default=True, help="Labels to list.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def predict(
    images: tuple[Path, ...], *, model_path: Path | None, threads: int, engine: str, top: int, as_json: bool
) -> None:
    """Name what is in photos: files, or folders searched for them.

    A photo that cannot be read is reported on standard error and the others go on; the exit code is then 1.
    """
    from hangtag.calibration import what_decides
    from hangtag.errors import HangtagError, PhotoError
    from hangtag.photos import find_photos, read_photo

    classifier = load_classifier(model_path, threads, engine)
    failed = 0
    paths = list(find_photos(images))
    for path in paths:
        try:
            image = read_photo(path)
        except PhotoError as error:
            if len(paths) == 1:
                raise
            failed += 1
            click.echo(click.format_filename(f"left out: {error}"), err=True)
            continue
        prediction = classifier.classify(image, top=top)
        if as_json:
            click.echo(json.dumps(_record(path, prediction)))
        else:
            ranking = "  ".join(f"{label} {score:.2f}" for label, score in prediction.top)
            decides = what_decides(classifier.contract.calibration)
            unsure = f"  (unknown: {decides})" if prediction.unknown else ""
            click.echo(f"{click.format_filename(path)}: {ranking}{unsure}")
    if failed:
        raise HangtagError(f"{failed} of {len(paths)} photos could not be read")


def _record(path: Path, prediction: Any) -> dict[str, Any]:
    energy = {} if prediction.energy is None else {"energy": round(prediction.energy, 4)}
    return {
        "name": str(path),
        "label": prediction.label,
        "score": round(prediction.score, 4),
        **energy,
        "unknown": prediction.unknown,
        "top": [[label, round(score, 4)] for label, score in prediction.top],
    }
