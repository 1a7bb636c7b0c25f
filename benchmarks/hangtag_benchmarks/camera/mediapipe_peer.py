"""MediaPipe Tasks' ImageClassifier in a process of its own, to be timed beside Hangtag.

It needs an environment of its own, which the tests of real clients make: MediaPipe brings another OpenCV.
"""

from __future__ import annotations

import json
from pathlib import Path

from hangtag_benchmarks.answering_child import AnsweringChild

CLIENT = Path(__file__).with_name("mediapipe_client.py")
PYTHON = Path(".venv-clients/mediapipe/bin/python")
"""Where the environment lies in a checkout."""

HOW_TO_MAKE_IT = "python -m pytest tests/clients/test_mediapipe.py"


class MediaPipePeer(AnsweringChild):
    """A model opened by MediaPipe in a child process; a context manager. It rests unless it is asked.

    Args:
        python: of an environment that has MediaPipe.
        model: the model's file.

    Raises:
        BenchmarkError: MediaPipe is not there, does not start or refuses the model.
    """

    def __init__(self, python: Path, model: Path) -> None:
        super().__init__([python, CLIENT, model], "MediaPipe")
        self.version: str = self.about["version"]

    def classify(
        self, frames: Path, region: dict[str, float] | None, *, swap: bool, warmup: int, calls: int
    ) -> tuple[float, ...]:
        """Return the latencies of so many calls in milliseconds, after some that are forgotten.

        Args:
            frames: a .npy file of BGR frames: uint8, shape (frames, height, width, 3); classified in turn.
            region: the region of interest (``left``, ``top``, ``right``, ``bottom`` in 0 to 1), or None.
            swap: the time counts that turning BGR into RGB takes, as an application has to.
            warmup: calls before those that count.
            calls: how many count.

        Raises:
            BenchmarkError: MediaPipe failed.
        """
        asked = {"frames": str(frames), "region": region, "swap": swap, "warmup": warmup, "calls": calls}
        line = json.dumps(asked).encode() + b"\n"
        return tuple(self.request(lambda pipe: pipe.write(line))["latencies_ms"])
