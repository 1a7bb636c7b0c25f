"""What a benchmark asks of an engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hangtag.preprocess import Image
from hangtag_benchmarks.records import OutputCheck


class Engine(Protocol):
    """One opened model. Frames are BGR uint8 of any size."""

    def prepare(self, image_bgr: Image) -> None:
        """Turn a frame into the input tensor."""

    def invoke(self) -> None:
        """Run the model on what was prepared last, until its output can be read."""

    def classify(self, image_bgr: Image) -> str:
        """Go the whole way from a frame to its label."""
        ...

    def check_outputs(self, frames: Sequence[Image]) -> OutputCheck:
        """Compare the scores with those they must equal; ``frames`` serve where the model carries none."""
        ...
