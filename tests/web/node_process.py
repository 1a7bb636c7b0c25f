"""The phone page's own modules, run by Node: a process that answers hundreds of calls."""

from __future__ import annotations

import base64
import json
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

import hangtag
from hangtag_benchmarks.answering_child import AnsweringChild

PAGE = Path(hangtag.__file__).parent / "web" / "page"
"""The page's files as they lie in the package."""

_CALLS = Path(__file__).with_name("node_calls.mjs")
_PURE = ("model", "pixels", "scores")
_LONGEST_ANSWER_S = 20.0


class Thrown(Exception):  # noqa: N818 - what JavaScript threw: an error of any kind
    """What a module threw; ``kind`` is its JavaScript name, such as ``ModelError``."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class NodePage(AnsweringChild):
    """The modules that need no browser, in Node; a context manager.

    Args:
        folder: an empty one, for a copy of them: Node takes files for modules where a package.json says so.
    """

    def __init__(self, folder: Path) -> None:
        node = shutil.which("node")
        if node is None:
            pytest.skip("needs Node to run the phone page's modules: apt-get install nodejs")
        for part in _PURE:
            shutil.copytree(PAGE / part, folder / part)
        (folder / "package.json").write_text('{"type": "module"}')
        super().__init__([node, _CALLS, folder], "node")

    def call(self, name: str, data: bytes = b"", **arguments: Any) -> Any:
        """Return what a call of ``node_calls.mjs`` returns for bytes and arguments.

        Raises:
            Thrown: it threw.
            BenchmarkError: it ended, or took longer than any call should and was ended.
        """
        head = json.dumps({"call": name, "bytes": len(data), "arguments": arguments}).encode() + b"\n"
        watch = threading.Timer(_LONGEST_ANSWER_S, self.kill)
        watch.start()
        try:
            answer = self.request(lambda pipe: (pipe.write(head), pipe.write(data)))
        finally:
            watch.cancel()
        if "thrown" in answer:
            raise Thrown(**answer["thrown"])
        return answer["value"]


def unpacked(text: str) -> bytes:
    """Return the bytes that a call returned as text."""
    return base64.b64decode(text)
