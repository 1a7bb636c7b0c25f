"""``hangtag inspect``."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from hangtag.contract import ModelContract
    from hangtag.inspection import Inspection


@click.command()
@click.argument("model", required=False, type=click.Path(path_type=Path))
@click.argument("other", required=False, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="The contract as JSON, as it stands in the file.")
@click.option("--all", "everything", is_flag=True, help="With --json: all else that is shown, too.")
@click.option("--template", is_flag=True, help="For a .tflite without a contract: one to fill in, as JSON.")
def inspect(
    model: Path | None, other: Path | None, *, as_json: bool, everything: bool, template: bool
) -> None:
    """Show all that MODEL says of itself (the bundled model, if none is given), or how it differs from OTHER.

    A .tflite of another tool is shown as far as it goes. Nothing is loaded or run. Two models that differ are
    no failure: the exit code is 0 wherever both can be read.
    """
    if template and (model is None or other is not None):
        raise click.UsageError("--template needs one MODEL")
    if everything and not as_json:
        raise click.UsageError("--all goes with --json")
    if template and model is not None:
        click.echo(_template(model).to_json(), nl=False)
    elif other is not None:
        _compare(_inspected(model), _inspected(other), as_json=as_json)
    else:
        _show(_inspected(model), as_json=as_json, everything=everything)


def _inspected(path: Path | None) -> Inspection:
    from hangtag.inspection import inspect_bytes, inspect_file

    if path is not None:
        return inspect_file(path)
    from hangtag.classifier import bundled_model

    model = bundled_model()
    return inspect_bytes(model.data, model.name)


def _show(found: Inspection, *, as_json: bool, everything: bool) -> None:
    from hangtag.cli.inspect_lines import lines
    from hangtag.errors import ModelFileError

    if everything:
        _echo_json(found.as_plain())
    elif not as_json:
        click.echo("\n".join(lines(found)))
    elif found.contract is not None:
        click.echo(found.contract.to_json(), nl=False)
    else:
        raise ModelFileError(f"{found.name} carries no contract; --json --all shows what it holds")
    if found.note:
        click.echo(f"note: {found.name} carries no contract: {found.note}", err=True)


def _compare(one: Inspection, other: Inspection, *, as_json: bool) -> None:
    from hangtag.cli.inspect_diff import differences, lines

    if as_json:
        _echo_json({name: list(values) for name, values in differences(one, other).items()})
    else:
        click.echo("\n".join(lines(one, other)))


def _echo_json(value: Any) -> None:
    # ASCII, so that nothing in a file can be a command to the terminal.
    click.echo(json.dumps(_finite(value), indent=2, ensure_ascii=True, allow_nan=False))


def _finite(value: Any) -> Any:
    """Return a value with null for numbers that JSON does not have; other tools' metadata may hold some."""
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _template(path: Path) -> ModelContract:
    """Return a contract for a bare model: its tensors as they are, the rest to be filled in.

    Raises:
        ModelFileError: it is no TFLite model, or not one image in and one row of scores out.
    """
    from hangtag.contract_template import contract_template
    from hangtag.errors import ContractError, ModelFileError
    from hangtag.model_file import read_bytes
    from hangtag.tflite_schema import read_model_info

    data = read_bytes(path)
    try:
        info = read_model_info(data)
        _refuse_described(data)
        return contract_template(path.stem, info)
    except (ModelFileError, ContractError) as error:
        raise type(error)(f"{path}: {error}") from None


def _refuse_described(data: bytes) -> None:
    from hangtag.errors import ModelFileError
    from hangtag.model_file import carries_contract

    if carries_contract(data):
        raise ModelFileError("it carries a contract already; see it with hangtag inspect --json")
