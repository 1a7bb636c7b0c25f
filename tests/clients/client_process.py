"""A client in its own environment, as an object that answers arrays."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

from array_stream import Array, write_request

HERE = Path(__file__).resolve().parent


class ClientError(Exception):
    """The client cannot load or run the model; the message is the client's own."""


class ClientProcess:
    """A client script that has loaded a model and answers one array at a time; a context manager.

    Args:
        python: of the client's environment.
        script: its file beside this one.
        arguments: the model, and what else the script takes.

    Raises:
        ClientError: the client refuses the model, or ended.
    """

    def __init__(self, python: Path, script: str, *arguments: str | Path) -> None:
        self._printed = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            [python, HERE / script, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._printed,
        )
        try:
            self.about = self._answer()
        except ClientError:
            self.close()
            raise

    def ask(self, array: Array, **fields: Any) -> dict[str, Any]:
        """Send an array, with what goes with it, and return the client's answer.

        Raises:
            ClientError: the client cannot run the model on it, or ended.
        """
        assert self._process.stdin is not None
        try:
            write_request(self._process.stdin, array, fields)
        except BrokenPipeError:
            raise self._ended() from None
        return self._answer()

    def printed(self) -> str:
        """Return what the client, native code included, has printed beside its answers."""
        self._printed.seek(0)
        return self._printed.read().decode(errors="replace")

    def close(self) -> None:
        """End the client; once is enough."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()
        self._printed.close()

    def __enter__(self) -> ClientProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._ended()
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise ClientError(answer["error"])
        return answer

    def _ended(self) -> ClientError:
        status = self._process.wait()
        return ClientError(f"the client ended with status {status}: {self.printed().strip()[-500:]}")
