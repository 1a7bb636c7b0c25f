"""Compares what another engine computes with what the model's own computes."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence

import numpy as np

from hangtag.classifier import Classifier, Scores
from hangtag.model_file import ModelFile
from hangtag.preprocess import Image
from hangtag.tflite_checks import checked_model
from hangtag.tflite_schema import tensor_info
from hangtag.tflite_slots import ModelSlots, SubGraphSlots
from hangtag_benchmarks.engines.base import Engine, check_images, compared
from hangtag_benchmarks.measurements import OutputCheck

FLOAT_TOLERANCE = 0.001
"""How far a score of a float model may be off: engines sum in other orders; 3e-6 has been seen."""

INTEGER_TOLERANCE = 0.1
"""How far one of a model with integers may be off: engines round in other places, layer after layer.

On photos ONNX Runtime was off by up to 0.027 and tflite-runtime by up to 0.063 (int8), and of 341 both named
as many rightly as LiteRT, or one more. What goes wrong is further off: OpenCV, which reads 8-bit weights
(``weight-int8``) as if they had no scales, by 0.98.
"""

_INTEGERS = {"int8", "uint8", "int16"}


def peer_check(engine: Engine, model: ModelFile, frames: Sequence[Image]) -> OutputCheck:
    """Compare an engine's scores on the golden frames and on ``frames`` with the interpreter's.

    Where this Python has no interpreter they are compared with the golden scores, which it made elsewhere.
    """
    tolerance = peer_tolerance(model)
    if importlib.util.find_spec("ai_edge_litert") is None:
        return golden_check(engine.scores, model, tolerance)
    usual = Classifier(model)
    images = check_images(model, frames)
    pairs = [(engine.scores(image), usual.scores(image)) for image in images]
    return compared("the interpreter's scores", pairs, tolerance)


def golden_check(scores: Callable[[Image], Scores], model: ModelFile, tolerance: float) -> OutputCheck:
    """Compare scores with those of the golden cases inside the model; no cases where it carries none."""
    if model.golden is None:
        return compared("no golden cases in the model, and no interpreter in this Python", (), tolerance)
    pairs = [(scores(case.image()), np.array(case.scores)) for case in model.golden.cases]
    return compared("the golden scores", pairs, tolerance)


def peer_tolerance(model: ModelFile) -> float:
    """Return how far a score of another engine may be off: more where a model holds quantized numbers."""
    main = checked_model(model.data).tables.tables(ModelSlots.SUBGRAPHS)[0]
    dtypes = {tensor_info(tensor).dtype for tensor in main.tables(SubGraphSlots.TENSORS)}
    return INTEGER_TOLERANCE if dtypes & _INTEGERS else FLOAT_TOLERANCE
