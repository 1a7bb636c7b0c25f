"""``hangtag data``: check, show and prepare data sets."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from hangtag.errors import DatasetError
from hangtag.extras import extra_needed
from hangtag.labelled_folder import SPLITS, read_split
from hangtag.progress import Progress
from hangtag.readable import say_skipped
from hangtag_train.datasets.hygiene import Checkup, Fault, Finding
from hangtag_train.datasets.hygiene import check as check_photos
from hangtag_train.datasets.options import options_from, source_options

_MOST_SHOWN = 10
"""Files that the readable report lists for each fault; --json has them all."""


@click.group()
def data() -> None:
    """Check, show and prepare data sets.

    DATA is a folder of photos, a zip or tar of one, idx files, .npz, .csv, .jsonl, or the name of a known
    data set: fashion-mnist, mnist, clothing-small.
    """


@data.command()
@click.argument("source", metavar="DATA")
@source_options
@click.option("--strict", is_flag=True, help="Leave with exit code 1 when anything is wrong.")
@click.option("--json", "as_json", is_flag=True, help="Everything that was found, as JSON.")
def check(source: str, *, strict: bool, as_json: bool, **given: Any) -> None:
    """Look at every photo of DATA: unreadable ones, copies, the same photo in two splits."""
    from hangtag_train.datasets.prepare import prepare as prepare_source

    progress = Progress()
    dataset = prepare_source(source, options_from(given), progress)
    checkup = check_photos(dataset.path, progress, dataset.skipped)
    if as_json:
        record = {**dataclasses.asdict(checkup), "source": dict(dataset.source)}
        click.echo(json.dumps(record, ensure_ascii=True))
    else:
        for line in _report(checkup):
            click.echo(click.format_filename(line))
    if strict and checkup.findings:
        raise DatasetError(f"{source}: {_things(len(checkup.findings))} wrong, see the report")


@data.command()
@click.argument("source", metavar="DATA")
@source_options
@click.option("--split", type=click.Choice(SPLITS), default="train", show_default=True, help="Split to show.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="PNG to write.")
@click.option(
    "--per-label", type=click.IntRange(1, 50), default=8, show_default=True, help="Photos of each label."
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Another seed, others.")
def show(source: str, *, split: str, out: Path, per_label: int, seed: int, **given: Any) -> None:
    """Draw a contact sheet of DATA: some photos of every label."""
    if out.suffix.lower() != ".png":
        raise click.UsageError(f"--out must end in .png, got {out}")
    from hangtag_train.datasets.prepare import prepare as prepare_source

    with extra_needed("train", "hangtag data show"):
        from hangtag_train.datasets.sheet import MOST_ROWS, draw_sheet

        progress = Progress()
        dataset = prepare_source(source, options_from(given), progress)
        listed = read_split(dataset.path, split)
        errors = draw_sheet(listed, out, per_label=per_label, seed=seed)
    say_skipped(progress, errors)
    if len(listed.labels) > MOST_ROWS:
        click.echo(f"note: the sheet has the first {MOST_ROWS} of {len(listed.labels)} labels", err=True)
    click.echo(f"contact sheet: {click.format_filename(out)}", err=True)


@data.command()
@click.argument("source", metavar="DATA")
@source_options
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to make.")
def prepare(source: str, *, out: Path, **given: Any) -> None:
    """Write DATA as a folder of train/ validation/ test/ with a folder per label."""
    from hangtag_train.datasets.prepare import prepare_at

    dataset = prepare_at(source, out, options_from(given), Progress())
    for split in SPLITS:
        if (dataset.path / split).is_dir():
            listed = read_split(dataset.path, split)
            click.echo(f"{split:<12} {len(listed.photos):>6} photos {len(listed.labels):>4} labels")
    click.echo(f"data set: {click.format_filename(out)}", err=True)


def _report(checkup: Checkup) -> Iterator[str]:
    splits = list(checkup.counts)
    labels = sorted({label for counts in checkup.counts.values() for label in counts})
    width = max(len("label"), *(len(label) for label in labels)) if labels else len("label")
    yield f"{'label':<{width}}" + "".join(f" {split:>10}" for split in splits)
    for label in labels:
        yield f"{label:<{width}}" + "".join(f" {checkup.counts[split].get(label, 0):>10}" for split in splits)
    yield f"{'all':<{width}}" + "".join(f" {sum(checkup.counts[split].values()):>10}" for split in splits)
    yield ""
    if checkup.counts.get("train"):
        yield f"balance: {checkup.imbalance:.1f} photos of the most frequent label for each of the rarest"
    if checkup.smallest_wh and checkup.median_wh and checkup.largest_wh:
        sizes = (f"{width_px} x {height_px}" for width_px, height_px in _sizes(checkup))
        yield "sizes:   smallest {}, median {}, largest {} pixels".format(*sizes)
    yield "formats: " + (", ".join(f"{name} {count}" for name, count in checkup.formats.items()) or "none")
    yield ""
    if not checkup.findings:
        yield "nothing is wrong"
    for fault in Fault:
        yield from _section(fault, [finding for finding in checkup.findings if finding.fault is fault])


def _things(count: int) -> str:
    return "1 thing is" if count == 1 else f"{count} things are"


def _sizes(checkup: Checkup) -> list[tuple[int, int]]:
    return [size for size in (checkup.smallest_wh, checkup.median_wh, checkup.largest_wh) if size is not None]


def _section(fault: Fault, findings: list[Finding]) -> Iterator[str]:
    if not findings:
        return
    yield f"{fault.value}: {len(findings)}"
    for finding in findings[:_MOST_SHOWN]:
        shown = " = ".join(finding.files[:_MOST_SHOWN])
        more = f" and {len(finding.files) - _MOST_SHOWN} more" if len(finding.files) > _MOST_SHOWN else ""
        yield f"  {shown}{more}" + (f"  ({finding.detail})" if finding.detail else "")
    if len(findings) > _MOST_SHOWN:
        yield f"  … and {len(findings) - _MOST_SHOWN} more (--json lists all)"
