"""tflite-runtime, LiteRT's predecessor as last published: it needs Python 3.11 at most, and NumPy 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from hangtag.preprocess import Image
from hangtag.verification import verify_cases
from hangtag_benchmarks.engines.litert_cpu import LiteRtCpu
from hangtag_benchmarks.engines.peer_check import peer_tolerance
from hangtag_benchmarks.measurements import OutputCheck


class TfliteRuntime(LiteRtCpu):
    """A model as ``hangtag.Classifier`` runs it on the older interpreter.

    It refuses what later converters write (``dynamic``: FULLY_CONNECTED in version 12).
    """

    engine: ClassVar[str] = "tflite-runtime"
    packages: ClassVar[tuple[str, ...]] = ("tflite-runtime",)

    def check_outputs(self, frames: Sequence[Image]) -> OutputCheck:
        """Compare with the golden cases: the same tensors, and scores as another engine's.

        ``hangtag verify``, which is about shipping, lets less through: 8-bit kernels of its age round in
        other places.
        """
        del frames
        results = verify_cases(self._classifier)
        tolerance = peer_tolerance(self._classifier.model)
        return OutputCheck(
            against="golden cases",
            cases=len(results),
            failed_cases=sum(not one.same_tensor or one.worst_difference > tolerance for one in results),
            worst_difference=max((one.worst_difference for one in results), default=0.0),
            tolerance=tolerance,
        )
