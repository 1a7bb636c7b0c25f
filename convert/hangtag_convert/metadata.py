"""Puts a contract, labels, phone metadata and golden cases into a .tflite: one file is the whole model.

The existing metadata writers do not work with today's packages, so the few tables are built here with the
plain FlatBuffers builder, by the slot numbers of the public schema (see :mod:`hangtag.tflite_schema`).
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import flatbuffers
import numpy as np

from hangtag.archive import archive_bytes
from hangtag.contract import ColourOrder, ModelContract, OutputKind, TensorFormat
from hangtag.errors import ConversionError
from hangtag.golden import GoldenCases
from hangtag.logits_output import check_energy
from hangtag.model_file import CONTRACT_NAME, check_agreement, label_files
from hangtag.tflite_schema import ModelInfo, TensorInfo, read_model_info
from hangtag.tflite_slots import (
    COLOUR_GREY,
    COLOUR_RGB,
    CONTENT_FEATURE,
    CONTENT_IMAGE,
    FILE_AXIS_LABELS,
    METADATA_IDENTIFIER,
    METADATA_NAME,
    UNIT_NORMALIZATION,
    MetadataSlots,
)
from hangtag_convert.tables import add_buffer, packed, unpacked


def completed_contract(contract: ModelContract, info: ModelInfo) -> ModelContract:
    """Return the contract with the tensor formats that a converted model really has."""
    return contract.replace(
        input=_with_tensor(contract.input, info.input),
        output=_with_tensor(contract.output, info.output),
    )


def for_files(contract: ModelContract) -> ModelContract:
    """Return the contract that the files of a run get: a network trained on BGR becomes one that takes RGB.

    TFLite metadata knows no other order of colours; the exchange becomes part of the network, see
    :func:`hangtag_convert.export.export_saved_model`.
    """
    spec = contract.input
    if spec.colour_order is not ColourOrder.BGR:
        return contract
    turned = dataclasses.replace(spec, colour_order=ColourOrder.RGB, mean=spec.mean[::-1], std=spec.std[::-1])
    return contract.replace(input=turned)


def _with_tensor(spec: Any, found: TensorInfo) -> Any:
    tensor = TensorFormat(
        dtype=found.dtype,
        scale=None if found.dtype == "float32" else found.scale,
        zero_point=found.zero_point,
    )
    return dataclasses.replace(spec, tensor=tensor)


def embed(model: bytes, contract: ModelContract, golden: GoldenCases | None) -> bytes:
    """Return a self-describing model file. The same arguments give the same bytes.

    Args:
        model: a bare TFLite model; metadata and files that it already carries are replaced.
        contract: must agree with the model's tensors.
        golden: cases to carry, or None.

    Raises:
        ModelFileError: ``model`` is not a TFLite model, or does not give the energy that the contract wants.
        ContractError: the contract and the model disagree.
    """
    info = read_model_info(model)
    labels = label_files(contract)
    check_agreement(contract, info, labels)
    check_energy(model, contract)
    flatbuffer = _with_metadata(model, _metadata(contract))
    sealed = contract.replace(flatbuffer_sha256=hashlib.sha256(flatbuffer).hexdigest())
    files = {CONTRACT_NAME: sealed.to_json().encode(), **labels}
    return flatbuffer + archive_bytes({**files, **(golden.to_files() if golden else {})}, len(flatbuffer))


def _with_metadata(model: bytes, metadata: bytes) -> bytes:
    """Return the model with ``metadata`` as its TFLITE_METADATA buffer, replacing an older one."""
    from ai_edge_litert import schema_py_generated as schema

    tables = unpacked(model)
    added = add_buffer(tables, metadata)
    entries = list(tables.metadata or [])
    known = next((entry for entry in entries if entry.name in (METADATA_NAME, METADATA_NAME.encode())), None)
    if known is not None:
        tables.buffers[known.buffer] = tables.buffers.pop(added)
    else:
        entry = schema.MetadataT()
        entry.name, entry.buffer = METADATA_NAME, added
        tables.metadata = [*entries, entry]
    return packed(tables)


class _Tables:
    """Builds FlatBuffers tables by slot numbers: children first, as the format wants."""

    def __init__(self) -> None:
        self.builder: Any = flatbuffers.Builder(4096)

    def text(self, value: str) -> int:
        return int(self.builder.CreateString(value))

    def floats(self, values: Sequence[float]) -> int:
        return int(self.builder.CreateNumpyVector(np.array(values, np.float32)))

    def tables(self, offsets: Sequence[int]) -> int:
        self.builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self.builder.PrependUOffsetTRelative(offset)
        return int(self.builder.EndVector())

    def table(self, references: Mapping[int, int], bytes_: Mapping[int, int] | None = None) -> int:
        """Build one table from offsets by slot and byte-sized scalars by slot."""
        numbers = bytes_ or {}
        self.builder.StartObject(1 + max([*references, *numbers]))
        for slot, offset in references.items():
            self.builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
        for slot, value in numbers.items():
            self.builder.PrependUint8Slot(slot, value, 0)
        return int(self.builder.EndObject())


def _metadata(contract: ModelContract) -> bytes:
    """Return the metadata FlatBuffer that says for phones what the contract says."""
    if contract.input.colour_order is ColourOrder.BGR:
        raise ConversionError("TFLite metadata cannot say that a model wants BGR; train or convert it as RGB")
    tables = _Tables()
    slots = MetadataSlots
    subgraph = tables.table(
        {
            slots.SUBGRAPH_INPUTS: tables.tables([_input_metadata(tables, contract)]),
            slots.SUBGRAPH_OUTPUTS: tables.tables([_output_metadata(tables, contract)]),
        }
    )
    contract_file = tables.table(
        {
            slots.FILE_NAME: tables.text(CONTRACT_NAME),
            slots.FILE_DESCRIPTION: tables.text(
                "The full contract: labels, preprocessing, calibration, provenance."
            ),
        }
    )
    top = tables.table(
        {
            slots.MODEL_NAME: tables.text(contract.name),
            slots.MODEL_DESCRIPTION: tables.text(contract.description),
            slots.MODEL_VERSION: tables.text(str(contract.schema_version)),
            slots.MODEL_SUBGRAPHS: tables.tables([subgraph]),
            slots.MODEL_AUTHOR: tables.text(contract.author),
            slots.MODEL_LICENCE: tables.text(contract.licence),
            slots.MODEL_FILES: tables.tables([contract_file]),
            slots.MODEL_MIN_PARSER_VERSION: tables.text("1.0.0"),
        }
    )
    tables.builder.Finish(top, file_identifier=METADATA_IDENTIFIER)
    return bytes(tables.builder.Output())


def _input_metadata(tables: _Tables, contract: ModelContract) -> int:
    spec, slots = contract.input, MetadataSlots
    space = COLOUR_GREY if spec.colour_order is ColourOrder.GREY else COLOUR_RGB
    image = tables.table({}, {slots.IMAGE_COLOUR_SPACE: space})
    content = tables.table({slots.CONTENT: image}, {slots.CONTENT_TYPE: CONTENT_IMAGE})
    normalization = tables.table(
        {slots.NORMALIZATION_MEAN: tables.floats(spec.mean), slots.NORMALIZATION_STD: tables.floats(spec.std)}
    )
    unit = tables.table({slots.UNIT: normalization}, {slots.UNIT_TYPE: UNIT_NORMALIZATION})
    low = [(0 - mean) / std for mean, std in zip(spec.mean, spec.std, strict=True)]
    high = [(255 - mean) / std for mean, std in zip(spec.mean, spec.std, strict=True)]
    stats = tables.table({slots.STATS_MIN: tables.floats(low), slots.STATS_MAX: tables.floats(high)})
    description = (
        f"{spec.colour_order.value.upper()} image, {spec.width_px} x {spec.height_px}, {spec.geometry.value}"
    )
    return tables.table(
        {
            slots.TENSOR_NAME: tables.text("image"),
            slots.TENSOR_DESCRIPTION: tables.text(description),
            slots.TENSOR_CONTENT: content,
            slots.TENSOR_UNITS: tables.tables([unit]),
            slots.TENSOR_STATS: stats,
        }
    )


def _output_metadata(tables: _Tables, contract: ModelContract) -> int:
    slots = MetadataSlots
    feature = tables.table({}, {0: 0})
    content = tables.table({slots.CONTENT: feature}, {slots.CONTENT_TYPE: CONTENT_FEATURE})
    references = {
        slots.TENSOR_NAME: tables.text("scores"),
        slots.TENSOR_DESCRIPTION: tables.text(_output_description(contract)),
        slots.TENSOR_CONTENT: content,
    }
    units = contract.output_units
    if contract.output.kind is not OutputKind.LOGITS:
        references[slots.TENSOR_STATS] = tables.table(
            {slots.STATS_MIN: tables.floats([0.0] * units), slots.STATS_MAX: tables.floats([1.0] * units)}
        )
    # Clients take one label a score and MediaPipe fails where there are others; a sigmoid's score has two.
    if units == len(contract.labels):
        files = [_labels_file(tables, name) for name in label_files(contract)]
        references[slots.TENSOR_FILES] = tables.tables(files)
    return tables.table(references)


def _labels_file(tables: _Tables, name: str) -> int:
    """Return the entry of a file of labels; clients take the one without a locale for the labels' names."""
    slots = MetadataSlots
    locale = name.removesuffix(".txt").partition("-")[2]
    references = {
        slots.FILE_NAME: tables.text(name),
        slots.FILE_DESCRIPTION: tables.text("The label of each score, one a line."),
    }
    if locale:
        references[slots.FILE_LOCALE] = tables.text(locale)
    return tables.table(references, {slots.FILE_TYPE: FILE_AXIS_LABELS})


def _output_description(contract: ModelContract) -> str:
    if contract.output.kind is OutputKind.SIGMOID:
        return (
            f"The probability of {contract.labels[1]}; what is missing to 1 is that of {contract.labels[0]}."
        )
    if contract.output.kind is OutputKind.LOGITS:
        return "One unnormalised score per label; a softmax makes them probabilities."
    return "One probability per label."
