"""What native code prints straight to the terminal, held back so that it can be sifted."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence

STDOUT, STDERR = 1, 2

_turn = threading.RLock()
"""Descriptors are the whole process's: two blocks at once would restore each other's."""


class HeldOutput:
    """What was printed to the held descriptors so far."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    def read(self) -> bytes:
        """Return everything that was printed, in order; nothing where nothing could be held back."""
        if self._descriptor is None:
            return b""
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        parts = iter(lambda: os.read(self._descriptor or 0, 1 << 16), b"")
        return b"".join(parts)


@contextlib.contextmanager
def held_back(descriptors: Sequence[int] = (STDOUT, STDERR)) -> Iterator[HeldOutput]:
    """Send what is printed to ``descriptors`` to a file while the block runs.

    Native libraries write to the descriptors themselves, so replacing ``sys.stderr`` would not do. What
    becomes of the output is the caller's: nothing is passed on by itself. It holds for the whole process,
    other threads included, so blocks should be short; two of them take turns. Where a descriptor is closed
    or no temporary file can be made, nothing is held back and the block runs all the same.
    """
    with _turn, contextlib.ExitStack() as undo:
        try:
            printed = undo.enter_context(tempfile.TemporaryFile())
            for descriptor in descriptors:
                original = os.dup(descriptor)
                undo.callback(os.close, original)
                _flush()
                os.dup2(printed.fileno(), descriptor)
                undo.callback(os.dup2, original, descriptor)
        except OSError:
            undo.close()
            held = HeldOutput(None)
        else:
            undo.callback(_flush)
            held = HeldOutput(printed.fileno())
        yield held


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        # A process may have been started without one.
        if stream is not None:
            stream.flush()


@contextlib.contextmanager
def without_lines(*known: bytes) -> Iterator[None]:
    """Drop lines on standard error that begin with one of ``known``; pass on whatever else is printed.

    For the chatter of native libraries that is no news to anyone: each known line is named where it is
    dropped.
    """
    rest = b""
    try:
        with held_back((STDERR,)) as printed:
            try:
                yield
            finally:
                lines = printed.read().splitlines(keepends=True)
                rest = b"".join(line for line in lines if not line.startswith(known))
    finally:
        if rest:
            os.write(STDERR, rest)


def import_quietly(*modules: str) -> None:
    """Import modules that greet on standard error; what they print is shown only where the import fails.

    Raises:
        ImportError: a module cannot be imported.
    """
    said = b""
    try:
        with held_back((STDERR,)) as printed:
            try:
                for module in modules:
                    importlib.import_module(module)
            except ImportError:
                said = printed.read()
                raise
    finally:
        if said:
            os.write(STDERR, said)
