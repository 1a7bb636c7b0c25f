"""LiteRT's interpreter on the CPU, through the classifier that users call."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import ClassVar

from hangtag.classifier import Classifier, Scores
from hangtag.interpreter import DEFAULT_ENGINE, ENGINES
from hangtag.preprocess import Image, Preprocessor, Tensor
from hangtag.verification import verify_cases
from hangtag_benchmarks.engines.base import Engine, read_model
from hangtag_benchmarks.measurements import OutputCheck


class LiteRtCpu(Engine):
    """A model as ``hangtag.Classifier`` runs it."""

    engine: ClassVar[str] = DEFAULT_ENGINE
    included: ClassVar[frozenset[str]] = frozenset({"write_input"})
    """Frames are prepared in the interpreter's own memory."""

    def __init__(self, model_path: str | None, threads: int) -> None:
        self._classifier = Classifier(read_model(model_path), threads=threads, engine=self.engine)
        self.contract = self._classifier.contract
        self._preprocessor = Preprocessor(self.contract.input)
        self._interpreter = self._classifier.interpreter
        # The interpreter's own invoke, so that "bare" means bare: no lock, no scores.
        self.invoke = self._interpreter.invoke  # type: ignore[method-assign]

    @classmethod
    def import_engine(cls) -> None:
        """Import the interpreter."""
        importlib.import_module(ENGINES[cls.engine])

    def prepare(self, image_bgr: Image) -> None:
        """Write a frame straight into the interpreter's input."""
        self._preprocessor.write(image_bgr, self._interpreter.input_view())

    def read_output(self) -> Tensor:
        """Copy the output out of the interpreter."""
        return self._interpreter.output()

    def classify(self, image_bgr: Image) -> str:
        """Return a frame's best label, as ``Classifier.classify`` does."""
        return self._classifier.classify(image_bgr).label

    def scores(self, image_bgr: Image) -> Scores:
        """Return the classifier's scores."""
        return self._classifier.scores(image_bgr)

    def check_outputs(self, frames: Sequence[Image]) -> OutputCheck:
        """Compare with the golden cases inside the model; no cases where it carries none."""
        del frames
        results = verify_cases(self._classifier)
        return OutputCheck(
            against="golden cases" if results else "the model carries no golden cases",
            cases=len(results),
            failed_cases=sum(not result.passed for result in results),
            worst_difference=max((result.worst_difference for result in results), default=0.0),
            tolerance=max((result.tolerance for result in results), default=0.0),
        )
