"""Keeps what native converters print off the terminal, and shows it when they fail."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator

from hangtag.errors import ConversionError, HangtagError

_TAIL_CHARACTERS = 400


@contextlib.contextmanager
def chatter_kept(what: str) -> Iterator[None]:
    """Send standard output and error, native code's included, to a file while the block runs.

    Raises:
        ConversionError: the block failed; the message names ``what`` and quotes the end of what was printed.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        try:
            yield
        except HangtagError:
            raise
        # Whatever a converter raises becomes one line; its log is quoted so that nothing is hidden.
        except Exception as error:
            raise ConversionError(f"{what} failed: {error}{_tail(log.fileno())}") from error
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for target, original in enumerate(kept, start=1):
                os.dup2(original, target)
                os.close(original)


def _tail(log: int) -> str:
    size = os.lseek(log, 0, os.SEEK_END)
    text = os.pread(log, _TAIL_CHARACTERS, max(0, size - _TAIL_CHARACTERS)).decode(errors="replace")
    return f" (it printed last: {' '.join(text.split())})" if text.strip() else ""
