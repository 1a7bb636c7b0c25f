"""What native code prints straight to the terminal, held back so that it can be sifted."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence

STDOUT, STDERR = 1, 2


class HeldOutput:
    """What was printed to the held descriptors so far."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self) -> bytes:
        """Return everything that was printed, in order."""
        return os.pread(self._descriptor, os.lseek(self._descriptor, 0, os.SEEK_END), 0)


@contextlib.contextmanager
def held_back(descriptors: Sequence[int] = (STDOUT, STDERR)) -> Iterator[HeldOutput]:
    """Send what is printed to ``descriptors`` to a file while the block runs.

    Native libraries write to the descriptors themselves, so replacing ``sys.stderr`` would not do. What
    becomes of the output is the caller's: nothing is passed on by itself. It holds for the whole process,
    other threads included, so blocks should be short.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    kept = {descriptor: os.dup(descriptor) for descriptor in descriptors}
    with tempfile.TemporaryFile() as printed:
        for descriptor in descriptors:
            os.dup2(printed.fileno(), descriptor)
        try:
            yield HeldOutput(printed.fileno())
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for descriptor, original in kept.items():
                os.dup2(original, descriptor)
                os.close(original)


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
