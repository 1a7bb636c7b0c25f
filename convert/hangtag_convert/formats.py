"""The kinds of .tflite file that a model is converted to."""

from __future__ import annotations

import enum


class Format(str, enum.Enum):
    """How weights and activations are stored; the value is what the command line calls it."""

    FLOAT32 = "float32"
    """Float weights and activations: the reference."""
    FLOAT16 = "float16"
    """Half-precision weights, float activations: half the size, the same speed on a CPU."""
    WEIGHT_INT8 = "weight-int8"
    """8-bit weights that become floats again on loading: a quarter of the size, float32's speed."""
    DYNAMIC = "dynamic"
    """8-bit weights, activations quantized on the fly: as small, often slower than float."""
    INT16X8 = "int16x8"
    """8-bit weights, 16-bit activations, floats in and out: where 8 bits are too few for activations."""
    INT8_FLOAT_IO = "int8-float-io"
    """8 bits throughout, floats in and out: for clients that hand over floats."""
    INT8 = "int8"
    """8 bits throughout, bytes in and bytes out: smallest and fastest on a device."""

    @property
    def is_calibrated(self) -> bool:
        """True where activations get fixed ranges, which photos must tell."""
        return self in {Format.INT16X8, Format.INT8_FLOAT_IO, Format.INT8}

    @property
    def is_int8(self) -> bool:
        """True for 8-bit activations of fixed ranges: what may lose much and can be recovered."""
        return self in {Format.INT8, Format.INT8_FLOAT_IO}

    @property
    def is_recoverable(self) -> bool:
        """True where ``--recover`` knows more ways than the plain one."""
        return self.is_calibrated or self is Format.WEIGHT_INT8

    @property
    def score_tolerance(self) -> float:
        """Largest difference of a golden score that another CPU's kernels may cause.

        Measured on real photos between x86-64 and emulated Cortex-A53, A72 and A76: nothing for int8 (one
        step of 1/256 was seen elsewhere), 1e-6 for the float formats, 0.03 for dynamic, which chooses its
        activations' scales anew in each run and so carries a rounding further. Allowed is more than that.
        """
        return {
            Format.FLOAT32: 0.001,
            Format.FLOAT16: 0.002,
            Format.WEIGHT_INT8: 0.001,
            Format.DYNAMIC: 0.06,
            Format.INT16X8: 0.002,
            Format.INT8_FLOAT_IO: 1.5 / 256,
            Format.INT8: 1.5 / 256,
        }[self]


USUAL = tuple(kind for kind in Format if kind is not Format.INT16X8)
"""The formats that are made where none is named.

CPUs have no fast kernels for 16-bit activations: one run of EfficientNet-Lite0 takes some thirty times that
of float32, and measuring the file as long as all the others together.
"""
