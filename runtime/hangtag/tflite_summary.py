"""What a model is made of, by its tables: tensors, operators, weights. Nothing native is loaded."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hangtag.flatbuffer import Table
from hangtag.tflite_checks import checked_model, stored_values
from hangtag.tflite_graphs import operator_code
from hangtag.tflite_metadata import MetadataInfo, read_metadata
from hangtag.tflite_operators import operator_name
from hangtag.tflite_schema import TensorInfo, graph_tensors
from hangtag.tflite_slots import (
    DTYPE_CODES,
    ModelSlots,
    OperatorCodeSlots,
    OperatorSlots,
    SubGraphSlots,
    TensorSlots,
)


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """What a model is made of.

    Args:
        description: what its converter wrote into it.
        inputs: the main graph's input tensors.
        outputs: its output tensors.
        graphs: how many graphs it has; loops and branches have their own.
        operators: how many of each kind it has, the most frequent first.
        tensors: how many of each dtype it has, the most frequent first.
        weights_bytes: bytes of all stored values.
        weights_sha256: digest of all stored values, in the file's order.
        working_bytes: bytes that the tensors that it computes take at one time.
        metadata: what it says for phones, or None.
    """

    description: str
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    graphs: int
    operators: Mapping[str, int]
    tensors: Mapping[str, int]
    weights_bytes: int
    weights_sha256: str
    working_bytes: int
    metadata: MetadataInfo | None


def summarise(data: bytes) -> ModelSummary:
    """Return what a model is made of, whether Hangtag could run it or not.

    Args:
        data: the file, embedded archive included.

    Raises:
        ModelFileError: not a TFLite model, or damaged.
    """
    checked = checked_model(data)
    model = checked.tables
    graphs = model.tables(ModelSlots.SUBGRAPHS)
    tensors = [tensor for graph in graphs for tensor in graph.tables(SubGraphSlots.TENSORS)]
    used = {_buffer(tensor) for tensor in tensors}
    places = stored_values(model)
    # Buffers that no tensor refers to hold metadata; several tensors may share one.
    weights = sorted({places[index] for index in used})
    digest = hashlib.sha256()
    for start, end in weights:
        digest.update(memoryview(data)[start:end])
    return ModelSummary(
        description=model.text(ModelSlots.DESCRIPTION),
        inputs=graph_tensors(graphs[0], SubGraphSlots.INPUTS),
        outputs=graph_tensors(graphs[0], SubGraphSlots.OUTPUTS),
        graphs=len(graphs),
        operators=_counted(_operators(model, graphs)),
        tensors=_counted(DTYPE_CODES[tensor.scalar(TensorSlots.TYPE, "<b")] for tensor in tensors),
        weights_bytes=sum(end - start for start, end in weights),
        weights_sha256=digest.hexdigest(),
        working_bytes=checked.working_bytes,
        metadata=read_metadata(model),
    )


def _operators(model: Table, graphs: Iterable[Table]) -> Iterable[str]:
    names = [
        operator_name(operator_code(entry), entry.text(OperatorCodeSlots.CUSTOM_NAME))
        for entry in model.tables(ModelSlots.OPERATOR_CODES)
    ]
    for graph in graphs:
        for operator in graph.tables(SubGraphSlots.OPERATORS):
            yield names[operator.scalar(OperatorSlots.CODE_INDEX, "<I")]


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items(), key=lambda item: (-item[1], item[0])))


def _buffer(tensor: Table) -> int:
    return tensor.scalar(TensorSlots.BUFFER, "<I")
