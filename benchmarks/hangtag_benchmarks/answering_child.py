"""A child process, usually of another environment, that answers each request with a line of JSON."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, TypeVar

from hangtag.errors import BenchmarkError

_S = TypeVar("_S", bound="AnsweringChild")


class AnsweringChild:
    """A program that says on standard output what it is, and then answers requests; a context manager.

    Each answer is a JSON object; one with an ``error`` is raised. What it prints on standard error is kept.

    Args:
        command: the program and its arguments.
        name: what errors call it.
        folder: where it is started.
        variables: its environment; None is that of this process.

    Attributes:
        about: its first answer.

    Raises:
        BenchmarkError: it cannot be started, refuses its arguments, or ended.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        name: str,
        *,
        folder: Path | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self._name = name
        self._printed = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._printed,
                cwd=folder,
                env=variables,
            )
        except OSError as error:
            self._printed.close()
            raise BenchmarkError(f"cannot start {command[0]}: {error.strerror}") from None
        try:
            self.about = self._answer()
        except BenchmarkError:
            self.close()
            raise

    def request(self, write: Callable[[IO[bytes]], object]) -> dict[str, Any]:
        """Let ``write`` put a request into the child's standard input; return its answer.

        Raises:
            BenchmarkError: the child cannot answer it, or ended.
        """
        assert self._process.stdin is not None  # noqa: S101 - a pipe was asked for
        try:
            write(self._process.stdin)
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._ended() from None
        return self._answer()

    def printed(self) -> str:
        """Return what the child, native code included, has printed beside its answers."""
        self._printed.seek(0)
        return self._printed.read().decode(errors="replace")

    def kill(self) -> None:
        """Let whoever waits for its answer be told that it has ended."""
        self._process.kill()

    def close(self) -> None:
        """End the child."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()
        self._printed.close()

    def __enter__(self: _S) -> _S:
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
            raise BenchmarkError(f"{self._name}: {answer['error']}")
        return answer

    def _ended(self) -> BenchmarkError:
        status = self._process.wait()
        said = " ".join(self.printed().split())[-500:]
        return BenchmarkError(f"{self._name} ended with status {status}: {said or 'it said nothing'}")
