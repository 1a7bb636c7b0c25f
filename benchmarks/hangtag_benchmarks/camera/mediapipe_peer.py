"""MediaPipe Tasks' ImageClassifier in a process of its own, to be timed beside Hangtag.

It needs an environment of its own, which the tests of real clients make: MediaPipe brings another OpenCV.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

from hangtag.errors import BenchmarkError

CLIENT = Path(__file__).with_name("mediapipe_client.py")
PYTHON = Path(".venv-clients/mediapipe/bin/python")
"""Where the environment lies in a checkout."""

HOW_TO_MAKE_IT = "python -m pytest tests/clients/test_mediapipe.py"


class MediaPipePeer:
    """A model opened by MediaPipe in a child process; a context manager. It rests unless it is asked.

    Args:
        python: of an environment that has MediaPipe.
        model: the model's file.

    Raises:
        BenchmarkError: MediaPipe is not there, does not start or refuses the model.
    """

    def __init__(self, python: Path, model: Path) -> None:
        self._printed = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        try:
            self._process = subprocess.Popen(
                [python, CLIENT, model],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._printed,
                text=True,
            )
        except OSError as error:
            self._printed.close()
            raise BenchmarkError(f"cannot start {python}: {error.strerror}") from None
        try:
            self.version: str = self._answer()["version"]
        except BenchmarkError:
            self.close()
            raise

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
        assert self._process.stdin is not None  # noqa: S101 - a pipe was asked for
        request = {"frames": str(frames), "region": region, "swap": swap, "warmup": warmup, "calls": calls}
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._ended() from None
        return tuple(self._answer()["latencies_ms"])

    def close(self) -> None:
        """End the child."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()
        self._printed.close()

    def __enter__(self) -> MediaPipePeer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None  # noqa: S101 - a pipe was asked for
        line = self._process.stdout.readline()
        if not line:
            raise self._ended()
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise BenchmarkError(f"MediaPipe: {answer['error']}")
        return answer

    def _ended(self) -> BenchmarkError:
        status = self._process.wait()
        self._printed.seek(0)
        said = " ".join(self._printed.read().decode(errors="replace").split())[-300:]
        return BenchmarkError(f"MediaPipe's process ended with status {status}: {said or 'it said nothing'}")
