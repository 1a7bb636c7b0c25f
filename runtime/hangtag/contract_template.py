"""A contract for a model of another tool: its tensors as they are, the rest for a person to fill in."""

from __future__ import annotations

from hangtag.contract import (
    MAX_LABELS,
    PLACEHOLDER,
    ColourOrder,
    InputSpec,
    ModelContract,
    OutputSpec,
    TensorFormat,
)
from hangtag.errors import ModelFileError
from hangtag.tflite_schema import ModelInfo, TensorInfo


def contract_template(name: str, info: ModelInfo) -> ModelContract:
    """Return the contract to fill in, called ``name``.

    Raises:
        ModelFileError: it does not take one image and give one row of scores.
        ContractError: its tensors are of a kind that no contract describes.
    """
    shape, scores = info.input.shape, info.output.shape
    if len(shape) != 4 or shape[0] != 1 or shape[3] not in {1, 3}:
        raise ModelFileError(f"its input has shape {shape}; wanted one image (1, height, width, 1 or 3)")
    if len(scores) != 2 or scores[0] != 1 or not 1 <= scores[1] <= MAX_LABELS:
        raise ModelFileError(f"its output has shape {scores}; wanted one row of scores (1, labels)")
    _, height, width, channels = shape
    return ModelContract(
        name=name,
        description=f"{PLACEHOLDER}: labels, colour order, geometry, mean, std and output kind",
        labels=tuple(f"{PLACEHOLDER} label {number}" for number in range(scores[1])),
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
    if tensor.dtype == "float32":
        return TensorFormat()
    return TensorFormat(dtype=tensor.dtype, scale=tensor.scale, zero_point=tensor.zero_point)
