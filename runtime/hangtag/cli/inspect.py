"""``hangtag inspect``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from hangtag.contract import ModelContract, TensorFormat
    from hangtag.model_file import ModelFile
    from hangtag.tflite_schema import ModelInfo, TensorInfo

_MOST_LABELS = 30
_FIRST_LABELS = 10


@click.command()
@click.argument("model", required=False, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="The contract as JSON, as it stands in the file.")
@click.option("--template", is_flag=True, help="For a .tflite without a contract: one to fill in, as JSON.")
def inspect(model: Path | None, *, as_json: bool, template: bool) -> None:
    """Show the contract inside MODEL (the bundled model, if none is given)."""
    from hangtag.classifier import bundled_model
    from hangtag.model_file import read_model_file

    if template:
        if model is None:
            raise click.UsageError("--template needs a MODEL")
        click.echo(_template(model).to_json(), nl=False)
        return
    found = bundled_model() if model is None else read_model_file(model)
    if as_json:
        click.echo(found.contract.to_json(), nl=False)
    else:
        click.echo("\n".join(_lines(found)))


def _lines(model: ModelFile) -> list[str]:
    contract, spec = model.contract, model.contract.input
    calibration, origin = contract.calibration, contract.provenance
    rows = [
        ("model", f"{contract.name}, {len(model.data) / 1e6:.2f} MB, {model.info.operators} operators"),
        ("description", contract.description),
        ("author", contract.author),
        ("licence", contract.licence),
        ("labels", f"{len(contract.labels)}: {_shown(contract.labels)}"),
        ("frame", f"{spec.geometry.value}, {spec.kernel.value}, {spec.colour_order.value}"),
        ("size", f"{spec.width_px} x {spec.height_px} px"),
        ("normalisation", f"(byte - {list(spec.mean)}) / {list(spec.std)}"),
        ("input", _tensor(spec.tensor)),
        ("output", f"{contract.output.kind.value}, {_tensor(contract.output.tensor)}"),
        ("temperature", f"{calibration.temperature:.4f} (folded into the weights)"),
        ("unknown below", str(calibration.unknown_threshold or "no threshold")),
        ("backbone", origin.backbone or ""),
        ("recipe", origin.recipe or ""),
        ("data set", origin.dataset_sha256 or ""),
        ("metrics", ", ".join(f"{name} {value:.4f}" for name, value in sorted(origin.metrics.items()))),
        ("made with", ", ".join(f"{name} {version}" for name, version in sorted(origin.versions.items()))),
        ("golden cases", f"{len(model.golden.cases)}" if model.golden else "none"),
    ]  # fmt: skip
    return [f"{name:<14} {value}" for name, value in rows if value]


def _shown(labels: tuple[str, ...]) -> str:
    """Return the labels on one line, of many the first alone."""
    if len(labels) <= _MOST_LABELS:
        return ", ".join(labels)
    return f"{', '.join(labels[:_FIRST_LABELS])}, … (--json lists all)"


def _tensor(tensor: TensorFormat) -> str:
    if tensor.scale is None:
        return tensor.dtype
    return f"{tensor.dtype}, scale {tensor.scale:g}, zero point {tensor.zero_point}"


def _template(path: Path) -> ModelContract:
    """Return a contract for a bare model: its tensors as they are, the rest to be filled in.

    Raises:
        ModelFileError: it is no TFLite model, or not one image in and one row of scores out.
    """
    from hangtag.errors import ModelFileError
    from hangtag.model_file import read_bytes
    from hangtag.tflite_schema import read_model_info

    try:
        data = read_bytes(path)
        info = read_model_info(data)
        _refuse_described(data)
        return _filled_template(path.stem, info)
    except ModelFileError as error:
        raise ModelFileError(str(error) if str(path) in str(error) else f"{path}: {error}") from None


def _refuse_described(data: bytes) -> None:
    from hangtag.errors import ModelFileError
    from hangtag.model_file import carries_contract

    if carries_contract(data):
        raise ModelFileError("it carries a contract already; see it with hangtag inspect --json")


def _filled_template(name: str, info: ModelInfo) -> ModelContract:
    from hangtag.contract import MAX_LABELS, PLACEHOLDER, ColourOrder, InputSpec, ModelContract, OutputSpec
    from hangtag.errors import ModelFileError

    if len(info.input.shape) != 4 or info.input.shape[0] != 1 or info.input.shape[3] not in {1, 3}:
        raise ModelFileError(
            f"its input has shape {info.input.shape}; wanted one image (1, height, width, 1 or 3)"
        )
    if (
        len(info.output.shape) != 2
        or info.output.shape[0] != 1
        or not 1 <= info.output.shape[1] <= MAX_LABELS
    ):
        raise ModelFileError(
            f"its output has shape {info.output.shape}; wanted one row of scores (1, labels)"
        )
    _, height, width, channels = info.input.shape
    return ModelContract(
        name=name,
        description=f"{PLACEHOLDER}: labels, colour order, geometry, mean, std and output kind",
        labels=tuple(f"{PLACEHOLDER} label {number}" for number in range(info.output.shape[1])),
        input=InputSpec(
            width_px=width,
            height_px=height,
            colour_order=ColourOrder.GREY if channels == 1 else ColourOrder.RGB,
            mean=(127.5,) * channels,
            std=(127.5,) * channels,
            tensor=_format(info.input),
        ),
        output=OutputSpec(tensor=_format(info.output)),
    )


def _format(tensor: TensorInfo) -> TensorFormat:
    from hangtag.contract import TensorFormat

    if tensor.dtype == "float32":
        return TensorFormat()
    return TensorFormat(dtype=tensor.dtype, scale=tensor.scale, zero_point=tensor.zero_point)
