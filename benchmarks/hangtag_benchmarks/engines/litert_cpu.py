"""LiteRT's interpreter on the CPU, through the classifier that users call."""

from __future__ import annotations

from collections.abc import Sequence

from hangtag.classifier import Classifier
from hangtag.model_file import ModelFile
from hangtag.preprocess import Image, Preprocessor
from hangtag.verification import verify_cases
from hangtag_benchmarks.records import OutputCheck


class LiteRtCpu:
    """A model on ``threads`` CPU threads.

    Raises:
        ModelFileError: the engine refuses the model.
    """

    def __init__(self, model: ModelFile, *, threads: int) -> None:
        self._classifier = Classifier(model, threads=threads)
        self._preprocessor = Preprocessor(model.contract.input)
        # The interpreter's own invoke, so that "bare" means bare: no lock, no scores.
        self._invoke = self._classifier.interpreter.invoke

    def prepare(self, image_bgr: Image) -> None:
        """Write a frame straight into the interpreter's input."""
        self._preprocessor.write(image_bgr, self._classifier.interpreter.input_view())

    def invoke(self) -> None:
        """Run the interpreter and nothing else."""
        self._invoke()

    def classify(self, image_bgr: Image) -> str:
        """Return a frame's best label, as ``Classifier.classify`` does."""
        return self._classifier.classify(image_bgr).label

    def check_outputs(self, frames: Sequence[Image]) -> OutputCheck:
        """Compare with the golden cases inside the model; no cases where it carries none."""
        del frames
        results = verify_cases(self._classifier)
        return OutputCheck(
            against="golden cases",
            cases=len(results),
            failed_cases=sum(not result.passed for result in results),
            worst_difference=max((result.worst_difference for result in results), default=0.0),
            tolerance=max((result.tolerance for result in results), default=0.0),
        )
