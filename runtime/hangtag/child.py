"""Python programs of ours that run in a process of their own."""

from __future__ import annotations

import sys
from pathlib import Path

_START = "import sys; sys.path[:] = [*filter(None, sys.path), sys.argv[1]]; from {module} import main; main()"
"""A file called json.py in the user's folder must not become ours."""


def command(module: str, *arguments: str) -> list[str]:
    """Return the command that calls ``main()`` of a module of ours; arguments begin at ``sys.argv[2]``."""
    home = str(Path(__file__).resolve().parents[1])
    return [sys.executable, "-c", _START.format(module=module), home, *arguments]
