"""``hangtag convert``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hangtag.errors import ConversionError
from hangtag.extras import extra_needed
from hangtag.native_output import import_quietly
from hangtag.progress import Progress
from hangtag_convert.formats import Format

if TYPE_CHECKING:
    from hangtag_convert.conversion import Conversion


@click.command()
@click.argument("source", metavar="RUN", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "kinds",
    type=click.Choice([kind.value for kind in Format]),
    multiple=True,
    help="Format to write; repeat for several [all; int8 where there are photos].",
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the files [RUN itself].")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="The photos, if they have moved since training; any photos for a run without (int8).",
)
@click.option(
    "--contract",
    "contract_file",
    type=click.Path(path_type=Path),
    help="Adopt RUN, a .tflite made elsewhere: embed this contract (see hangtag inspect --template).",
)
def convert(
    source: Path, *, kinds: tuple[str, ...], out: Path | None, data: Path | None, contract_file: Path | None
) -> None:
    """Convert a training RUN to self-describing .tflite files and check each against its parent."""
    if contract_file is not None or source.suffix == ".tflite":
        _adopt(source, contract_file, out)
        return
    with extra_needed("convert", "hangtag convert"):
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before TensorFlow is imported
        import_quietly("tensorflow", "keras")
        from hangtag_convert.conversion import convert as run_conversion

    chosen = [Format(kind) for kind in kinds] or None
    folder = out or source
    _print_table(run_conversion(source, folder, chosen, Progress(), data=data), folder)


def _print_table(result: Conversion, folder: Path) -> None:
    click.echo(
        f"{'format':<10} {'MB':>6} {'top-1':>7} {'same label as Keras':>20} "
        f"{'worst score difference':>23}  file"
    )
    click.echo(f"{'keras':<10} {'':>6} {_fraction(result.keras_top1):>7}")
    for row in result.files:
        click.echo(
            f"{row.format.value:<10} {row.size_bytes / 1e6:>6.2f} {_fraction(row.top1):>7} "
            f"{row.agreement:>20.4f} {row.worst_difference:>23.4f}  {folder / row.file}"
        )
    if result.photos:
        click.echo(f"measured on {result.photos} validation photos", err=True)
    else:
        click.echo(
            f"compared on {result.rendered_frames} rendered garments: the run has no photos, "
            "so nothing is said about accuracy",
            err=True,
        )


def _fraction(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _adopt(source: Path, contract_file: Path | None, out: Path | None) -> None:
    from hangtag_convert.adopt import adopt

    if contract_file is None or out is None:
        raise ConversionError(
            f"{source} is a .tflite: to adopt it give --contract CONTRACT.json and --out NEW.tflite "
            "(hangtag inspect --template writes a contract to fill in)"
        )
    adopt(source, contract_file, out)
    click.echo(f"wrote {out}", err=True)
