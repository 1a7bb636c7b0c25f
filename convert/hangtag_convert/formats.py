"""The kinds of .tflite file that a run is converted to."""

from __future__ import annotations

import enum


class Format(str, enum.Enum):
    """How weights and activations are stored; the value is what the command line calls it."""

    FLOAT32 = "float32"
    """Float weights and activations: the reference."""
    FLOAT16 = "float16"
    """Half-precision weights, float activations: half the size, the same speed on a CPU."""
    DYNAMIC = "dynamic"
    """8-bit weights, activations quantized on the fly: small, often slower than float."""
    INT8 = "int8"
    """8 bits throughout, bytes in and bytes out: smallest and fastest on a device."""

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
            Format.DYNAMIC: 0.06,
            Format.INT8: 1.5 / 256,
        }[self]
