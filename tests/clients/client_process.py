"""A client in its own environment, as an object that answers arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from array_stream import Array, write_request

from hangtag_benchmarks.answering_child import AnsweringChild

HERE = Path(__file__).resolve().parent


class ClientProcess(AnsweringChild):
    """A client script that has loaded a model and answers one array at a time; a context manager.

    Args:
        python: of the client's environment.
        script: its file beside this one.
        arguments: the model, and what else the script takes.

    Raises:
        BenchmarkError: the client refuses the model, or ended.
    """

    def __init__(self, python: Path, script: str, *arguments: str | Path) -> None:
        super().__init__([python, HERE / script, *arguments], script)

    def ask(self, array: Array, **fields: Any) -> dict[str, Any]:
        """Send an array, with what goes with it, and return the client's answer.

        Raises:
            BenchmarkError: the client cannot run the model on it, or ended.
        """
        return self.request(lambda pipe: write_request(pipe, array, fields))
