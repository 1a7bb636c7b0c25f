"""Contracts of every kind that a bundle must cope with, and the models that carry them."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from tiny_models import whole_model

from hangtag.classifier import bundled_model
from hangtag.contract import (
    Calibration,
    ColourOrder,
    Geometry,
    InputSpec,
    Kernel,
    ModelContract,
    OutputKind,
    OutputSpec,
    TensorFormat,
)

_BYTES = TensorFormat(dtype="uint8", scale=1 / 256, zero_point=0)
_PLAIN = InputSpec(width_px=24, height_px=24)
HOSTILE_TEXTS = (
    'say "hi"',
    "${exit()} $name",
    "back\\slash \\(1 + 1) \\u0022",
    "'''",
    '"""',
    "/* comment */ // end",
    "\u202egnp.exe",
    "\u0301combining first",
    "😀 family 👨‍👩‍👧",
    "@@PACKAGE@@",
    "%s %d %n",
    "<script>&amp;",
    "שלום",
    "ß",
)
"""Labels that could end a literal, start an expression, or look like something else."""

CONTRACTS: Mapping[str, ModelContract] = {
    "plain": ModelContract(labels=("dress", "hat"), input=_PLAIN, name="plain"),
    "hostile": ModelContract(
        labels=HOSTILE_TEXTS,
        translations={"es": tuple(f"{text} es" for text in HOSTILE_TEXTS), "pt-BR": HOSTILE_TEXTS[::-1]},
        input=_PLAIN,
        name="a\"b'$c ${d} \u202e *_`[x](y) 字 `",
        calibration=Calibration(unknown_threshold=0.1),
    ),
    "grey": ModelContract(
        labels=tuple("0123456789"),
        input=InputSpec(width_px=28, height_px=28, colour_order=ColourOrder.GREY, mean=(0.0,), std=(255.0,)),
        name="digits",
    ),
    "stretch": ModelContract(
        labels=("a", "b", "c"),
        input=InputSpec(
            width_px=48,
            height_px=36,
            geometry=Geometry.STRETCH,
            mean=(123.675, 123.675, 123.675),
            std=(58.395, 58.395, 58.395),
        ),
        name="stretched",
        calibration=Calibration(unknown_threshold=1 / 3),
    ),
    "by colour": ModelContract(
        labels=("a", "b", "c"),
        input=InputSpec(
            width_px=48, height_px=36, mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375)
        ),
        name="coloured",
    ),
    "letterbox": ModelContract(
        labels=("a", "b"),
        input=InputSpec(
            width_px=50,
            height_px=30,
            geometry=Geometry.LETTERBOX,
            pad_value=114,
            mean=(0.0, 0.0, 0.0),
            std=(255.0, 255.0, 255.0),
            tensor=TensorFormat(dtype="uint8", scale=1 / 255, zero_point=0),
        ),
        output=OutputSpec(tensor=_BYTES),
        name="boxed",
    ),
    "other bytes": ModelContract(
        labels=("a", "b"),
        input=InputSpec(
            width_px=31, height_px=17, tensor=TensorFormat(dtype="uint8", scale=0.0123, zero_point=99)
        ),
        output=OutputSpec(tensor=_BYTES),
        name="class",
    ),
    "many": ModelContract(
        labels=tuple(f'thing {number} $x "{number}"' for number in range(1001)),
        input=_PLAIN,
        name="1001 things",
    ),
    "sigmoid": ModelContract(
        labels=("hot dog", "not hot dog"),
        input=_PLAIN,
        output=OutputSpec(kind=OutputKind.SIGMOID),
        name="hot-dog",
    ),
    "logits": ModelContract(
        labels=("a", "b", "c"),
        input=InputSpec(width_px=20, height_px=40, kernel=Kernel.LINEAR, mean=(1e-05, 127.5, 255.0)),
        output=OutputSpec(kind=OutputKind.LOGITS),
        name="ÄÖÜ",
    ),
    "int8": ModelContract(
        labels=("a", "b"),
        input=InputSpec(
            width_px=24, height_px=24, tensor=TensorFormat(dtype="int8", scale=1 / 128, zero_point=-1)
        ),
        output=OutputSpec(tensor=TensorFormat(dtype="int8", scale=1 / 256, zero_point=-128)),
        name="eight",
    ),
    "int16": ModelContract(
        labels=("a", "b"),
        input=InputSpec(width_px=24, height_px=24, tensor=TensorFormat(dtype="int16", scale=1 / 32768)),
        output=OutputSpec(tensor=TensorFormat(dtype="int16", scale=1 / 32768)),
        name="sixteen",
    ),
}
"""What a case is about -> its contract."""

WITHOUT_MEDIAPIPE = {
    "grey": "wants grey",
    "by colour": "one std for all colours",
    "other bytes": "input bytes are something else",
    "sigmoid": "one sigmoid unit",
    "logits": "logits",
    "int8": "int8",
    "int16": "int16",
}
"""The cases that MediaPipe Tasks cannot take, and what the reason says."""


@functools.cache
def model_of(case: str) -> bytes:
    """Return the model file of a case; ``clothing`` is the bundled one."""
    return bundled_model().data if case == "clothing" else whole_model(CONTRACTS[case])


def contract_of(case: str) -> ModelContract:
    """Return the contract of a case."""
    return bundled_model().contract if case == "clothing" else CONTRACTS[case]


ALL_CASES = ("clothing", *CONTRACTS)
