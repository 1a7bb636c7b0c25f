"""The end of the program, also where a thread hangs in native code."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import NoReturn


def leave(exit_code: str | int | None) -> NoReturn:
    """End the program with an exit code, as ``sys.exit`` takes it.

    A thread that is left inside a driver or a codec would be torn down by the interpreter when it comes
    back, through C++ that does not expect it, and the process would end with SIGABRT. Where one is left, the
    process ends without that: all files are closed by then.
    """
    if not any(thread.name.startswith("hangtag-") for thread in threading.enumerate()):
        sys.exit(exit_code)
    if isinstance(exit_code, str):
        sys.stderr.write(f"{exit_code}\n")
    for stream in (sys.stdout, sys.stderr):
        # Whoever read it may have gone.
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(exit_code if isinstance(exit_code, int) else int(exit_code is not None))
