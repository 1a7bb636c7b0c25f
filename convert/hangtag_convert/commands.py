"""``hangtag convert``."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from hangtag.comparison import MAX_DROP_POINTS
from hangtag.errors import ConversionError, GateFailed
from hangtag.extras import extra_needed
from hangtag.native_output import import_quietly
from hangtag.progress import Progress
from hangtag_convert.formats import Format

if TYPE_CHECKING:
    from hangtag_convert.conversion import Plan
    from hangtag_convert.record import Conversion

_OF_CONVERSION = ("kinds", "data", "calibration", "recover", "max_drop_points", "template")
"""Parameters that mean nothing where a .tflite is adopted."""
_LABELS_NAME = re.compile(r"labels-(.+)\.txt", re.DOTALL)


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "kinds",
    type=click.Choice([kind.value for kind in Format]),
    multiple=True,
    help="Format to write; repeat for several [all but int16x8, which no CPU runs fast; those of integers "
    "where there are photos].",
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the files [the run itself].")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="The photos, if they have moved since training, or for a network that is no run; any photos, to "
    "calibrate on alone, for one that never had any.",
)
@click.option(
    "--calibration",
    type=click.Path(path_type=Path),
    help="Photos to calibrate on in place of the training photos.",
)
@click.option(
    "--max-drop",
    "max_drop_points",
    type=click.FloatRange(0, 100),
    default=MAX_DROP_POINTS,
    show_default=True,
    help="Points of top-1 that a file may lose; one that loses more is not written, and the exit code is 1.",
)
@click.option(
    "--recover",
    is_flag=True,
    help="Try harder where integers lose more: better ranges, then fine-tuning the weights.",
)
@click.option(
    "--golden-from",
    "golden",
    type=click.Path(path_type=Path),
    help="Folder of photos for golden cases; a few of them will travel inside the files [drawn frames].",
)
@click.option(
    "--labels",
    "label_files",
    type=click.Path(path_type=Path),
    multiple=True,
    help="labels-es.txt: translated labels, one a line, the language in the name; repeat for several.",
)
@click.option("--name", help="Short name of the model; files are called NAME-FORMAT.tflite.")
@click.option("--description", help="What the model does, in a sentence or two.")
@click.option("--author", help="Who made it.")
@click.option("--licence", help="Licence of the weights.")
@click.option(
    "--contract",
    "contract_file",
    type=click.Path(path_type=Path),
    help="The contract of a .keras file or SavedModel; for a .tflite made elsewhere the one to embed.",
)
@click.option("--template", is_flag=True, help="Of a .keras file or SavedModel: print a contract to fill in.")
def convert(
    source: Path,
    *,
    template: bool,
    kinds: tuple[str, ...],
    out: Path | None,
    contract_file: Path | None,
    label_files: tuple[Path, ...],
    name: str | None,
    description: str | None,
    author: str | None,
    licence: str | None,
    **options: Any,
) -> None:
    """Convert SOURCE to self-describing .tflite files and check each against its float parent.

    SOURCE is a training run's folder; or a .keras file or a SavedModel, with --contract and --out; or a
    .tflite made elsewhere, with --contract and --out NEW.tflite.
    """
    if math.isnan(options["max_drop_points"]):
        raise click.BadParameter("nan; wanted points from 0 to 100", param_hint="--max-drop")
    texts = {"name": name, "description": description, "author": author, "licence": licence}
    described: dict[str, Any] = {key: value for key, value in texts.items() if value is not None}
    if label_files:
        described["translations"] = _translations(label_files)
    if source.suffix == ".tflite":
        _adopt(source, contract_file, out, described, options)
        return
    with extra_needed("convert", "hangtag convert"):
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before TensorFlow is imported
        import_quietly("tensorflow", "keras")
        from hangtag_convert.conversion import Plan
    if template:
        _print_template(source)
        return
    plan = Plan(
        source=source,
        out=_folder(source, out),
        kinds=[Format(kind) for kind in kinds] or None,
        contract_file=contract_file,
        described=described,
        **options,
    )
    _run(plan)


def _print_template(source: Path) -> None:
    from hangtag_convert.chatter import chatter_kept
    from hangtag_convert.network import template_of
    from hangtag_convert.source import is_network

    if not is_network(source):
        raise ConversionError(f"{source} is no .keras file and no SavedModel; a run has its contract already")
    with chatter_kept("loading the network"):
        contract = template_of(source)
    click.echo(contract.to_json(), nl=False)


def _run(plan: Plan) -> None:
    from hangtag_convert.conversion import convert as run_conversion
    from hangtag_convert.terminal import lines, remarks

    result = run_conversion(plan, Progress())
    click.echo("\n".join(lines(result, plan.out)))
    for remark in remarks(result, plan.out, recover=plan.recover):
        click.echo(remark, err=True)
    if result.failures:
        raise GateFailed(_failure(result, plan))


def _failure(result: Conversion, plan: Plan) -> str:
    """Return the line of a gate that kept files back: which, how much and where was lost, what to do."""
    kept_back = [outcome for outcome in result.outcomes if not outcome.judged.passed]
    known = next((outcome.layers for outcome in kept_back if outcome.layers), ())
    worst = [f"{row.layer} ({100 * row.added:.0f} %)" for row in known[:3]]
    layers = f"; the layers that lose most are {', '.join(worst)}" if worst else ""
    can_recover = not plan.recover and any(one.judged.format.is_recoverable for one in kept_back)
    advice = (
        "try again with --recover" if can_recover else "choose another format or allow more with --max-drop"
    )
    return f"{'; '.join(result.failures)}{layers}: not written, {advice}"


def _folder(source: Path, out: Path | None) -> Path:
    """Return where files go: beside what made them, for a run; a network by itself needs a folder named."""
    if out is not None:
        return out
    from hangtag_convert.source import is_network

    if is_network(source):
        raise ConversionError(f"say where the files of {source} go: --out FOLDER")
    return source


def _translations(paths: tuple[Path, ...]) -> dict[str, tuple[str, ...]]:
    """Read files of translated labels; the language stands in the name.

    Raises:
        ConversionError: a name says no language, two say the same, or a file cannot be read as UTF-8.
    """
    found: dict[str, tuple[str, ...]] = {}
    for path in paths:
        named = _LABELS_NAME.fullmatch(path.name)
        if named is None or named[1] in found:
            raise ConversionError(
                f"{path} should be called labels-LANGUAGE.txt, such as labels-es.txt, each once"
            )
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise ConversionError(f"cannot read {path} as UTF-8 text: {error}") from None
        found[named[1]] = tuple(line.strip() for line in text.splitlines())
    return found


def _adopt(
    source: Path,
    contract_file: Path | None,
    out: Path | None,
    described: dict[str, Any],
    options: dict[str, Any],
) -> None:
    from hangtag_convert.adopt import adopt

    if contract_file is None or out is None:
        raise ConversionError(
            f"{source} is a .tflite: to adopt it give --contract CONTRACT.json and --out NEW.tflite "
            "(hangtag inspect --template writes a contract to fill in)"
        )
    context = click.get_current_context()
    given = (
        name for name in _OF_CONVERSION if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    )
    unused = next(given, None)
    if unused is not None:
        option = next(one for one in context.command.params if one.name == unused)
        raise click.UsageError(f"{option.opts[0]} is for networks that are converted; {source} is a .tflite")
    adopt(source, contract_file, out, described=described, golden=options["golden"])
    click.echo(f"wrote {out}", err=True)
