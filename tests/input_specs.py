"""Inputs of models as contracts describe them, for tests of what is made of frames."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hangtag.contract import ColourOrder, Geometry, InputSpec, Kernel, TensorFormat

Draw = Callable[[int, int], np.ndarray]

FLOAT = TensorFormat()
BYTE_COPY = TensorFormat(dtype="uint8", scale=1 / 128, zero_point=127)


def spec_of(
    width: int = 16,
    height: int = 12,
    *,
    order: ColourOrder = ColourOrder.RGB,
    geometry: Geometry = Geometry.CENTRE_CROP,
    kernel: Kernel = Kernel.LINEAR_EXACT,
    tensor: TensorFormat = FLOAT,
    pad_value: int = 0,
    mean: float = 127.0,
    std: float = 128.0,
) -> InputSpec:
    channels = 1 if order is ColourOrder.GREY else 3
    return InputSpec(
        width_px=width,
        height_px=height,
        colour_order=order,
        geometry=geometry,
        kernel=kernel,
        pad_value=pad_value,
        mean=(mean,) * channels,
        std=(std,) * channels,
        tensor=tensor,
    )
