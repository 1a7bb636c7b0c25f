"""``hangtag replay``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hangtag.cli.options import load_classifier, model_options

if TYPE_CHECKING:
    from hangtag.replay_result import Replay


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@model_options
@click.option(
    "--smoothing",
    "smoothing_s",
    type=click.FloatRange(0, 60),
    help="Time constant of the smoothing of scores, in seconds [as recorded].",
)
@click.option(
    "--hold",
    "hold_s",
    type=click.FloatRange(0, 60),
    help="Seconds that another label must be ahead before it is shown [as recorded].",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a record on standard output.")
@click.option(
    "--assert-max-flips",
    "most_flips",
    type=click.IntRange(0),
    help="Exit with 1 where the label now changes more often than this.",
)
def replay(
    folder: Path,
    *,
    model_path: Path | None,
    threads: int,
    engine: str,
    smoothing_s: float | None,
    hold_s: float | None,
    as_json: bool,
    most_flips: int | None,
) -> None:
    """Classify the frames again that hangtag camera --record DIR kept, and show what changed.

    DIR may also be one of the folders in it. With the model and settings of the record nothing changes; with
    --model, --smoothing or --hold it shows what they would have done.
    """
    from hangtag.cli.replay_lines import as_plain, lines
    from hangtag.record_reader import find_records
    from hangtag.replay import replay as replayed

    records = find_records(folder)
    classifier = load_classifier(model_path, threads, engine)
    replays = []
    for record in records:
        done = replayed(record, classifier, smoothing_s=smoothing_s, hold_s=hold_s)
        replays.append(done)
        if as_json:
            click.echo(json.dumps(as_plain(done, classifier)))
        else:
            click.echo("\n".join(lines(done, classifier)))
    if most_flips is not None:
        _check_flips(replays, most_flips)


def _check_flips(replays: list[Replay], most: int) -> None:
    from hangtag.errors import GateFailed

    unreadable = [reason for done in replays for reason in done.unreadable]
    if unreadable:
        raise GateFailed(
            f"{len(unreadable)} frames could not be read, so flips are not all counted: {unreadable[0]}"
        )
    flips = sum(done.flips.now for done in replays)
    if flips > most:
        raise GateFailed(f"the label changed {flips} times; at most {most} were allowed")
