"""What Hangtag reads in a .tflite file's own tables: its tensors, its metadata, and whether it is whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hangtag.errors import ModelFileError
from hangtag.flatbuffer import Table
from hangtag.tflite_checks import checked_model, stored_values
from hangtag.tflite_metadata import MetadataInfo, read_metadata
from hangtag.tflite_slots import DTYPE_CODES, ModelSlots, SubGraphSlots, TensorSlots


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """A tensor as the file declares it; ``scale`` is None for one that is not quantized per tensor.

    ``signature`` is its shape with -1 for a side that is decided when the model runs.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float | None
    zero_point: int
    signature: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model's single input and output, its operators' count and its metadata, if any."""

    input: TensorInfo
    output: TensorInfo
    operators: int
    metadata: MetadataInfo | None
    weights_end: int
    """Where the last of its weights ends in the file."""


def read_model_info(data: bytes) -> ModelInfo:
    """Read a model's tables, following no offset unchecked.

    Args:
        data: the file, embedded archive included.

    Raises:
        ModelFileError: not a TFLite model, cut short, or not one image in and one row of scores out.
    """
    model = checked_model(data).tables
    main = model.tables(ModelSlots.SUBGRAPHS)[0]
    inputs, outputs = graph_tensors(main, SubGraphSlots.INPUTS), graph_tensors(main, SubGraphSlots.OUTPUTS)
    _check_single(inputs, outputs)
    return ModelInfo(
        input=inputs[0],
        output=outputs[0],
        operators=len(main.tables(SubGraphSlots.OPERATORS)),
        metadata=read_metadata(model),
        weights_end=max((end for _, end in stored_values(model)), default=0),
    )


def _check_single(inputs: Sequence[TensorInfo], outputs: Sequence[TensorInfo]) -> None:
    for role, found in (("input", inputs), ("output", outputs)):
        if len(found) != 1:
            raise ModelFileError(
                f"it has {len(found)} {role} tensors; wanted an image classifier's one: convert the part of "
                "the network that takes one image and gives one row of scores"
            )
    if -1 in inputs[0].signature:
        which = "batch" if inputs[0].signature[0] == -1 else "size"
        raise ModelFileError(
            f"its input has the shape {inputs[0].signature}: the {which} is dynamic; convert it again with a "
            "static one (in Keras: Input(shape, batch_size=1))"
        )


def graph_tensors(graph: Table, slot: int) -> tuple[TensorInfo, ...]:
    """Return the inputs or outputs of a checked model's graph."""
    tensors = graph.tables(SubGraphSlots.TENSORS)
    return tuple(tensor_info(tensors[index]) for index in graph.numbers(slot, "<i4"))


def tensor_info(tensor: Table) -> TensorInfo:
    """Return what a checked model's tensor says of itself."""
    scales, zero_points = _quantization(tensor)
    shape = tuple(int(side) for side in tensor.numbers(TensorSlots.SHAPE, "<i4"))
    return TensorInfo(
        name=tensor.text(TensorSlots.NAME),
        shape=shape,
        dtype=DTYPE_CODES[tensor.scalar(TensorSlots.TYPE, "<b")],
        scale=float(scales[0]) if len(scales) == 1 else None,
        zero_point=int(zero_points[0]) if len(zero_points) == 1 else 0,
        signature=tuple(int(side) for side in tensor.numbers(TensorSlots.SIGNATURE, "<i4")) or shape,
    )


def _quantization(tensor: Table) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    quantization = tensor.table(TensorSlots.QUANTIZATION)
    if quantization is None:
        return np.empty(0, "<f4"), np.empty(0, "<i8")
    return quantization.numbers(TensorSlots.SCALE, "<f4"), quantization.numbers(TensorSlots.ZERO_POINT, "<i8")
