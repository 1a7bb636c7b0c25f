"""Names and numbers of the two schemas in a .tflite file: its own tables and the metadata's.

Slot numbers are those of TensorFlow Lite's public ``schema.fbs`` (schema version 3) and
``metadata_schema.fbs`` (identifier M001).
"""

from __future__ import annotations

METADATA_NAME = "TFLITE_METADATA"
"""Name of the metadata buffer that phones look for."""

MODEL_IDENTIFIER = b"TFL3"
METADATA_IDENTIFIER = b"M001"

DTYPE_CODES = {
    0: "float32",
    1: "float16",
    2: "int32",
    3: "uint8",
    4: "int64",
    5: "string",
    6: "bool",
    7: "int16",
    8: "complex64",
    9: "int8",
    10: "float64",
    11: "complex128",
    12: "uint64",
    13: "resource",
    14: "variant",
    15: "uint32",
    16: "uint16",
    17: "int4",
    18: "bfloat16",
    19: "int2",
    20: "uint4",
    21: "float8_e4m3fn",
    22: "float8_e5m2",
}
"""TensorType of the schema, by NumPy's name where NumPy has it."""

BITS = {
    **dict.fromkeys(("float32", "int32", "uint32"), 32),
    **dict.fromkeys(("float64", "int64", "uint64", "complex64"), 64),
    **dict.fromkeys(("float16", "bfloat16", "int16", "uint16"), 16),
    **dict.fromkeys(("bool", "int8", "uint8", "float8_e4m3fn", "float8_e5m2"), 8),
    **dict.fromkeys(("int4", "uint4"), 4),
    "int2": 2,
    "complex128": 128,
}
"""Bits of an element by type; those of no fixed size (texts, resources, variants) are left out."""


class ModelSlots:
    """Slots of table Model."""

    VERSION, OPERATOR_CODES, SUBGRAPHS, DESCRIPTION, BUFFERS, METADATA, SIGNATURES = 0, 1, 2, 3, 4, 6, 7


class OperatorCodeSlots:
    """Slots of table OperatorCode; the first stands for codes below 127 in older files."""

    OLD_CODE, CUSTOM_NAME, VERSION, CODE = 0, 1, 2, 3


class MetadataEntrySlots:
    """Slots of table Metadata: a name and a buffer's number."""

    NAME, BUFFER = 0, 1


class SignatureSlots:
    """Slots of table SignatureDef and, nested, of TensorMap."""

    INPUTS, OUTPUTS, KEY, SUBGRAPH = 0, 1, 2, 4
    NAME, TENSOR = 0, 1


class SubGraphSlots:
    """Slots of table SubGraph."""

    TENSORS, INPUTS, OUTPUTS, OPERATORS = 0, 1, 2, 3


class OperatorSlots:
    """Slots of table Operator."""

    CODE_INDEX, INPUTS, OUTPUTS, OPTIONS_TYPE, OPTIONS = 0, 1, 2, 3, 4
    INTERMEDIATES, NEWER_OPTIONS_TYPE, NEWER_OPTIONS = 8, 11, 12


class TensorSlots:
    """Slots of table Tensor and, nested, of QuantizationParameters."""

    SHAPE, TYPE, BUFFER, NAME, QUANTIZATION, IS_VARIABLE, SPARSITY, SIGNATURE, EXTERNAL = (
        0,
        1,
        2,
        3,
        4,
        5,
        6,
        7,
        10,
    )
    SCALE, ZERO_POINT, DIMENSION = 2, 3, 6


class BufferSlots:
    """Slots of table Buffer. Offset and size are used by models whose weights lie behind the FlatBuffer."""

    DATA, OFFSET, SIZE = 0, 1, 2


class MetadataSlots:
    """Slots of the metadata's tables that are read or written."""

    MODEL_NAME, MODEL_DESCRIPTION, MODEL_VERSION, MODEL_SUBGRAPHS, MODEL_AUTHOR, MODEL_LICENCE = range(6)
    MODEL_FILES, MODEL_MIN_PARSER_VERSION = 6, 7
    SUBGRAPH_INPUTS, SUBGRAPH_OUTPUTS = 2, 3
    TENSOR_NAME, TENSOR_DESCRIPTION, TENSOR_CONTENT, TENSOR_UNITS, TENSOR_STATS, TENSOR_FILES = (
        0,
        1,
        3,
        4,
        5,
        6,
    )
    CONTENT_TYPE, CONTENT = 0, 1
    IMAGE_COLOUR_SPACE = 0
    UNIT_TYPE, UNIT = 0, 1
    NORMALIZATION_MEAN, NORMALIZATION_STD = 0, 1
    STATS_MAX, STATS_MIN = 0, 1
    FILE_NAME, FILE_DESCRIPTION, FILE_TYPE, FILE_LOCALE = 0, 1, 2, 3


UNIT_NORMALIZATION = 1
CONTENT_FEATURE, CONTENT_IMAGE = 1, 2
COLOUR_RGB, COLOUR_GREY = 1, 2
FILE_AXIS_LABELS = 2

FILE_TYPES = {
    0: "unknown",
    1: "description",
    FILE_AXIS_LABELS: "labels of the axis",
    3: "labels of the values",
    4: "score calibration",
    5: "vocabulary",
}
"""AssociatedFileType of the metadata's schema, in words."""
