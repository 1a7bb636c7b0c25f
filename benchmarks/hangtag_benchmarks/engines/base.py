"""What a benchmark asks of an engine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from hangtag.classifier import Scores, bundled_model, to_scores
from hangtag.contract import ModelContract
from hangtag.model_file import ModelFile, read_model_file
from hangtag.preprocess import Image, Tensor
from hangtag_benchmarks.measurements import OutputCheck


class Engine(ABC):
    """One opened model. Frames are BGR uint8 of any size.

    Its steps, in order: :meth:`prepare`, :meth:`write_input`, :meth:`invoke`, :meth:`read_output`,
    :meth:`label`. An engine that only takes a frame and gives a label overrides :meth:`classify` and
    :meth:`scores`, and has no steps.

    Attributes:
        has_stages: the steps can be run one by one.
        included: steps that are done inside of others, and are not shown apart.
        packages: distributions whose versions a row names.
    """

    has_stages: ClassVar[bool] = True
    included: ClassVar[frozenset[str]] = frozenset()
    packages: ClassVar[tuple[str, ...]] = ("ai-edge-litert",)

    contract: ModelContract

    @abstractmethod
    def __init__(self, model_path: str | None, threads: int) -> None:
        """Read the model's file (None: the bundled one), check it and open it: what "load" means.

        Raises:
            HangtagError: the file cannot be used, or the engine refuses it.
        """

    @classmethod  # noqa: B027 - most modules do so themselves
    def import_engine(cls) -> None:
        """Import the library itself, where the module of this class does not."""

    @classmethod
    def made_ready(cls, model_path: str | None, scratch: Path) -> Callable[[str | None, int], Engine]:
        """Do what is done once for a whole run and not timed, as converting the file; return what opens it.

        Args:
            model_path: see the class.
            scratch: a folder that lasts as long as the run.

        Raises:
            HangtagError: the file cannot be used.
        """
        del model_path, scratch
        return cls

    def prepare(self, image_bgr: Image) -> None:
        """Turn a frame into the input tensor."""
        raise NotImplementedError

    def write_input(self) -> None:  # noqa: B027 - most have nothing to do
        """Hand the prepared tensor to the engine; nothing where it was prepared in the engine's memory."""

    def invoke(self) -> None:
        """Run the model on what was written last, until its output can be read."""
        raise NotImplementedError

    def read_output(self) -> Tensor:
        """Return the raw output of the last run, without the batch dimension."""
        raise NotImplementedError

    def label(self, output: Tensor) -> str:
        """Return the best label of a raw output."""
        return self.contract.labels[int(to_scores(output, self.contract.output).argmax())]

    def classify(self, image_bgr: Image) -> str:
        """Go the whole way from a frame to its label, as a user of the engine does."""
        self.prepare(image_bgr)
        self.write_input()
        self.invoke()
        return self.label(self.read_output())

    def scores(self, image_bgr: Image) -> Scores:
        """Return one score per label for a frame, float64."""
        self.prepare(image_bgr)
        self.write_input()
        self.invoke()
        return to_scores(self.read_output(), self.contract.output)

    @abstractmethod
    def check_outputs(self, frames: Sequence[Image]) -> OutputCheck:
        """Compare the scores with those they must equal; ``frames`` serve where the model carries none."""


def compared(against: str, pairs: Sequence[tuple[Scores, Scores]], tolerance: float) -> OutputCheck:
    """Return how far pairs of scores are apart; what is not a number is infinitely far."""
    differences = [float(np.abs(ours - wanted).max()) for ours, wanted in pairs]
    differences = [value if np.isfinite(value) else float("inf") for value in differences]
    return OutputCheck(
        against=against,
        cases=len(differences),
        failed_cases=sum(value > tolerance for value in differences),
        worst_difference=max(differences, default=0.0),
        tolerance=tolerance,
    )


def read_model(model_path: str | None) -> ModelFile:
    """Read and check a .tflite file, or the bundled one.

    Raises:
        ModelFileError: it cannot be used.
        ContractError: its contract cannot be used.
    """
    return bundled_model() if model_path is None else read_model_file(Path(model_path))


def check_images(model: ModelFile, frames: Sequence[Image]) -> list[Image]:
    """Return the model's golden frames, and the frames given."""
    golden = [] if model.golden is None else [case.image() for case in model.golden.cases]
    return [*golden, *frames]
