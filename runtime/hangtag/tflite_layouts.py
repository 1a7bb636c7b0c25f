"""The tables of a .tflite file by the widths of their fields: what a check of the whole file goes by.

By TensorFlow Lite's public ``schema.fbs`` (schema version 3); the short form is that of
:func:`hangtag.flatbuffer_check.layout`. Fields that native readers use without asking whether they are there
are marked.
"""

from __future__ import annotations

from collections.abc import Mapping

from hangtag.flatbuffer_check import Layout, layout

_OPTIONS = {
    1: "1 4 4 1 4 4 1",  # Conv2D
    2: "1 4 4 4 1 4 4",  # DepthwiseConv2D
    3: "4 [4] [4]",  # ConcatEmbeddings
    4: "1",  # LSHProjection
    5: "1 4 4 4 4 1",  # Pool2D
    6: "4 1 1",  # SVDF
    7: "1 1",  # RNN
    8: "1 1 1 1 1 [1]",  # FullyConnected
    9: "4",  # Softmax
    10: "4 1",  # Concatenation
    11: "1 1",  # Add
    12: "1",  # L2Norm
    13: "4 4 4 4",  # LocalResponseNormalization
    14: "1 4 4 1 1",  # LSTM
    15: "4 4 1 1",  # ResizeBilinear
    16: "4",  # Call
    17: "[4]",  # Reshape
    18: "4 4 1",  # SkipGram
    19: "4",  # SpaceToDepth
    20: "1",  # EmbeddingLookupSparse
    21: "1",  # Mul
    23: "4 4",  # Gather
    27: "1",  # Reducer
    28: "1 1",  # Sub
    29: "1",  # Div
    30: "[4]",  # Squeeze
    31: "1 1 1",  # SequenceRNN
    32: "4 4 4 4 4 1",  # StridedSlice
    35: "4",  # Split
    37: "1 1",  # Cast
    40: "1",  # ArgMax
    49: "1 4 4 1 1",  # TransposeConv
    50: "1",  # SparseToDense
    55: "1",  # Shape
    57: "1",  # ArgMin
    58: "4 4 4 1",  # FakeQuant
    59: "4 4",  # Pack
    61: "4",  # OneHot
    64: "4 4",  # Unpack
    69: "1 4 4 1 1 1",  # BidirectionalSequenceLSTM
    70: "1 1 1 1",  # BidirectionalSequenceRNN
    71: "1 4 4 1 1 1",  # UnidirectionalSequenceLSTM
    74: "1 1",  # ResizeNearestNeighbor
    75: "4",  # LeakyRelu
    77: "1",  # MirrorPad
    79: "4",  # SplitV
    80: "1",  # Unique
    87: "4 4",  # ReverseSequence
    92: "4 4",  # If
    93: "4 4",  # While
    94: "4",  # DepthToSpace
    101: "1 1 1",  # BatchMatMul
    102: "1 1",  # Cumsum
    103: "4",  # CallOnce
    106: "1 4 4 4 1 4 4 4",  # Conv3D
    107: "4 1 1",  # Hashtable
    111: "text text",  # VarHandle
    114: "8 8",  # Random
    115: "[4]!",  # Bucketize
    116: "1",  # Gelu
}
"""Options in the first union of table Operator, by their number there; those left out are empty."""

_NEWER_OPTIONS = {
    1: "8",  # StablehloConcatenate
    2: "[8]!",  # StablehloBroadcastInDim
    3: "[8]! [8]! [8]!",  # StablehloSlice
    4: "[8] [8] [8] [8] [1] 8 8 [8] 8 8 [8] 8 8 [8] 8 8 [4]",  # StablehloConvolution
    5: "text 1 text 4 [4] [1]",  # StablehloCustomCall
    6: "[8]! 4",  # StablehloReduce
    7: "1 [8]! [8]! [8]! 8 1 4",  # StablehloScatter
    8: "4 4",  # StablehloCompare
    9: "[8]!",  # StablehloDynamicSlice
    10: "[8]! [8]! [8]!",  # StablehloPad
    11: "8",  # StablehloIota
    12: "[8] [8] [8] [8] [4]",  # StablehloDotGeneral
    13: "[8]! [8] [8] [8] [8] 4",  # StablehloReduceWindow
    14: "8 1 4",  # StablehloSort
    15: "4 4",  # StablehloWhile
    16: "[8]! [8]! [8]! 8 [8]! 1",  # StablehloGather
    17: "[8]!",  # StablehloTranspose
    19: "1",  # StablehloRngBitGenerator
    20: "4",  # ReduceWindow
    21: "text! 4 [1] 1 4",  # StablehloComposite
    23: "[4]!",  # StablehloCase
}

_UNIONS = {
    "Options": {number: f"Options{number}" for number in _OPTIONS},
    "NewerOptions": {number: f"NewerOptions{number}" for number in _NEWER_OPTIONS},
    "Quantization": {1: "CustomQuantization", 2: "BlockwiseQuantization", 3: "MultiAxisQuantization"},
    "Indices": {1: "Int32Vector", 2: "Uint16Vector", 3: "Uint8Vector"},
}

_TABLES = {
    "Model": "4 [OperatorCode]! [SubGraph]! text [Buffer]! [4] [Metadata] [SignatureDef] [Group] [External]",
    "OperatorCode": "1 text 4 4",
    "SubGraph": "[Tensor]! [4] [4] [Operator] text 4",
    "Operator": "4 [4] [4] 1 <Options> [1] 1 [1] [4] 8 8 1 <NewerOptions> 4",
    "Tensor": "[4] 1 4 text QuantizationParameters 1 SparsityParameters [4] 1 [VariantSubType] 4",
    "QuantizationParameters": "[4] [4] [4] [8] 1 <Quantization> 4",
    "CustomQuantization": "[1]",
    "BlockwiseQuantization": "4 4 4 [4]",
    "MultiAxisQuantization": "4 4 4 [4]",
    "SparsityParameters": "[4]! [4] [DimensionMetadata]!",
    "DimensionMetadata": "1 4 1 <Indices> 1 <Indices>",
    "Int32Vector": "[4]!",
    "Uint16Vector": "[2]!",
    "Uint8Vector": "[1]!",
    "VariantSubType": "[4] 1 1",
    "Buffer": "[1] 8 8",
    "Metadata": "text! 4",
    "SignatureDef": "[TensorMap] [TensorMap] text! 4 4",
    "TensorMap": "text! 4",
    "Group": "text",
    "External": "4 4 8 8 text",
    **{f"Options{number}": text for number, text in _OPTIONS.items()},
    **{f"NewerOptions{number}": text for number, text in _NEWER_OPTIONS.items()},
    "": "",
}

MODEL_LAYOUTS: Mapping[str, Layout] = {name: layout(text, _UNIONS) for name, text in _TABLES.items()}
"""Layouts of a model's tables by name; the root is ``Model``."""

_METADATA_UNIONS = {
    "Content": {1: "", 2: "ImageProperties", 3: "BoxProperties"},
    "Unit": {
        1: "Normalization",
        2: "ScoreCalibration",
        3: "ScoreThreshold",
        4: "BertTokenizer",
        5: "SentencePieceTokenizer",
    },
}

_METADATA_TABLES = {
    "ModelMetadata": "text text text [SubGraphMetadata] text text [File] text",
    "SubGraphMetadata": "text text [TensorMetadata] [TensorMetadata] [File] [Unit] [Unit]",
    "TensorMetadata": "text text [text] Content [Unit] Stats [File]",
    "File": "text text 1 text",
    "Content": "1 <Content> ValueRange",
    "ImageProperties": "1 ImageSize",
    "ImageSize": "4 4",
    "BoxProperties": "[4] 1 1",
    "ValueRange": "4 4",
    "Unit": "1 <Unit>",
    "Normalization": "[4] [4]",
    "ScoreCalibration": "1 4",
    "ScoreThreshold": "4",
    "BertTokenizer": "[File]",
    "SentencePieceTokenizer": "[File] [File]",
    "Stats": "[4] [4]",
    "": "",
}

METADATA_LAYOUTS: Mapping[str, Layout] = {
    name: layout(text, _METADATA_UNIONS) for name, text in _METADATA_TABLES.items()
}
"""Layouts of the metadata's tables by name; the root is ``ModelMetadata``."""
