"""The TFLite metadata that phones read: a FlatBuffer of its own inside one of the model's buffers."""

from __future__ import annotations

from dataclasses import dataclass

from hangtag.errors import ModelFileError
from hangtag.flatbuffer import Table, root
from hangtag.flatbuffer_check import check_flatbuffer
from hangtag.tflite_layouts import METADATA_LAYOUTS
from hangtag.tflite_slots import (
    FILE_TYPES,
    METADATA_IDENTIFIER,
    METADATA_NAME,
    UNIT_NORMALIZATION,
    BufferSlots,
    MetadataEntrySlots,
    MetadataSlots,
    ModelSlots,
)

_MAX_ENTRIES = 200


@dataclass(frozen=True, slots=True)
class AssociatedFile:
    """A file that the metadata names: what it is for, and in which language (empty: unsaid)."""

    name: str
    description: str
    kind: str
    locale: str


@dataclass(frozen=True, slots=True)
class TensorMetadata:
    """What the metadata says of an input or output; empty where it says nothing.

    ``mean`` and ``std`` are its normalisation; ``minimum`` and ``maximum`` the range of its real values. Each
    has one number per channel (or label), or one for all.
    """

    name: str
    description: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    minimum: tuple[float, ...]
    maximum: tuple[float, ...]
    files: tuple[AssociatedFile, ...]


@dataclass(frozen=True, slots=True)
class MetadataInfo:
    """What the embedded metadata says of the model, its first graph's inputs and outputs, and its files."""

    name: str
    description: str
    version: str
    author: str
    licence: str
    inputs: tuple[TensorMetadata, ...]
    outputs: tuple[TensorMetadata, ...]
    model_files: tuple[AssociatedFile, ...]

    @property
    def mean(self) -> tuple[float, ...]:
        """The first input's normalisation: what is subtracted."""
        return self.inputs[0].mean if self.inputs else ()

    @property
    def std(self) -> tuple[float, ...]:
        """The first input's normalisation: what is divided by."""
        return self.inputs[0].std if self.inputs else ()

    @property
    def files(self) -> tuple[str, ...]:
        """Names of all files that the metadata speaks of."""
        tensors = (*self.inputs, *self.outputs)
        return tuple(
            file.name for files in (self.model_files, *(tensor.files for tensor in tensors)) for file in files
        )


def read_metadata(model: Table) -> MetadataInfo | None:
    """Return a checked model's metadata, None where it carries none.

    Raises:
        ModelFileError: the metadata is damaged.
    """
    buffers = model.tables(ModelSlots.BUFFERS)
    for entry in _few(model, ModelSlots.METADATA):
        if entry.text(MetadataEntrySlots.NAME) == METADATA_NAME:
            raw = buffers[entry.scalar(MetadataEntrySlots.BUFFER, "<I")].bytes_(BufferSlots.DATA)
            if raw is None:
                raise ModelFileError("damaged: its metadata buffer is missing")
            check_flatbuffer(raw, "ModelMetadata", METADATA_LAYOUTS)
            return _model(root(raw, METADATA_IDENTIFIER))
    return None


def _model(top: Table) -> MetadataInfo:
    slots = MetadataSlots
    graph = next(iter(_few(top, slots.MODEL_SUBGRAPHS)), None)
    return MetadataInfo(
        name=top.text(slots.MODEL_NAME),
        description=top.text(slots.MODEL_DESCRIPTION),
        version=top.text(slots.MODEL_VERSION),
        author=top.text(slots.MODEL_AUTHOR),
        licence=top.text(slots.MODEL_LICENCE),
        inputs=_tensors(graph, slots.SUBGRAPH_INPUTS),
        outputs=_tensors(graph, slots.SUBGRAPH_OUTPUTS),
        model_files=_files(top, slots.MODEL_FILES),
    )


def _tensors(graph: Table | None, slot: int) -> tuple[TensorMetadata, ...]:
    return tuple(_tensor(tensor) for tensor in _few(graph, slot)) if graph else ()


def _tensor(tensor: Table) -> TensorMetadata:
    slots = MetadataSlots
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    for unit in _few(tensor, slots.TENSOR_UNITS):
        options = unit.table(slots.UNIT)
        if unit.scalar(slots.UNIT_TYPE, "<B") == UNIT_NORMALIZATION and options is not None:
            mean = _floats(options, slots.NORMALIZATION_MEAN)
            std = _floats(options, slots.NORMALIZATION_STD)
    stats = tensor.table(slots.TENSOR_STATS)
    return TensorMetadata(
        name=tensor.text(slots.TENSOR_NAME),
        description=tensor.text(slots.TENSOR_DESCRIPTION),
        mean=mean,
        std=std,
        minimum=_floats(stats, slots.STATS_MIN),
        maximum=_floats(stats, slots.STATS_MAX),
        files=_files(tensor, slots.TENSOR_FILES),
    )


def _files(table: Table, slot: int) -> tuple[AssociatedFile, ...]:
    slots = MetadataSlots
    return tuple(
        AssociatedFile(
            name=file.text(slots.FILE_NAME),
            description=file.text(slots.FILE_DESCRIPTION),
            kind=FILE_TYPES.get(file.scalar(slots.FILE_TYPE, "<B"), "unknown"),
            locale=file.text(slots.FILE_LOCALE),
        )
        for file in _few(table, slot)
    )


def _few(table: Table, slot: int) -> list[Table]:
    """Return a list of tables that honest files keep short; many entries may share one long text."""
    tables = table.tables(slot)
    if len(tables) > _MAX_ENTRIES:
        raise ModelFileError(f"damaged: its metadata lists {len(tables)} entries")
    return tables


def _floats(table: Table | None, slot: int) -> tuple[float, ...]:
    return () if table is None else tuple(float(value) for value in table.numbers(slot, "<f4"))
