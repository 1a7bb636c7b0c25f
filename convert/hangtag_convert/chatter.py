"""Keeps what native converters print off the terminal, and shows it when they fail."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from hangtag.errors import ConversionError, HangtagError
from hangtag.native_output import held_back

_TAIL_CHARACTERS = 400


@contextlib.contextmanager
def chatter_kept(what: str) -> Iterator[None]:
    """Hold back standard output and error, native code's included, while the block runs.

    Raises:
        ConversionError: the block failed; the message names ``what`` and quotes the end of what was printed.
    """
    with held_back() as printed:
        try:
            yield
        except HangtagError:
            raise
        # Whatever a converter raises becomes one line; its log is quoted so that nothing is hidden.
        except Exception as error:
            tail = " ".join(printed.read()[-_TAIL_CHARACTERS:].decode(errors="replace").split())
            quoted = f" (it printed last: {tail})" if tail else ""
            raise ConversionError(f"{what} failed: {' '.join(str(error).split())}{quoted}") from error
