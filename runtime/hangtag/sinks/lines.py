"""Lines for whoever reads them next, and what becomes of them when nobody can."""

from __future__ import annotations

from collections.abc import Callable

from hangtag.errors import OutputError
from hangtag.sinks.base import StopLoop


def say(line: str, emit: Callable[[str], None]) -> None:
    """Write a line through ``emit``, which adds the line's end.

    Raises:
        StopLoop: whoever read the lines has gone: there is nothing left to do.
        OutputError: it cannot be written, as to a disk that is full.
    """
    try:
        emit(line)
    except BrokenPipeError:
        raise StopLoop from None
    except OSError as error:
        raise OutputError(f"a line cannot be written: {error.strerror or error}") from None
