"""Keeps passwords in addresses out of the process list, which every user of a machine can read."""

from __future__ import annotations

import json
import os
import re
import sys

from hangtag.address import origin, without_secrets

_VARIABLE = "HANGTAG_HIDDEN"
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+]*://.+", re.IGNORECASE | re.DOTALL)
"""An address goes on to its argument's end: a password may hold spaces."""

_STAND_IN = re.compile(r"#hidden-\d+$")

_hidden: dict[str, str] = {}


def masked(arguments: list[str]) -> tuple[list[str], dict[str, str]]:
    """Return a command line without secrets, and what stands for each address that held one."""
    hidden: dict[str, str] = {}
    shown = []
    for before, argument in zip(["", *arguments], arguments, strict=False):
        # Of most addresses user and password are secret; who knows a webhook's path can post to it.
        is_webhook = before == "--webhook" or argument.startswith("--webhook=")
        found = _ADDRESS.search(argument)
        if found is None or _STAND_IN.search(argument):
            shown.append(argument)
        else:
            stand_in = _stand_in(found[0], hidden, is_webhook=is_webhook)
            shown.append(argument[: found.start()] + stand_in)
    return shown, hidden


def _stand_in(address: str, hidden: dict[str, str], *, is_webhook: bool) -> str:
    """Return what stands for an address, noted in ``hidden``; the address itself where it holds no secret."""
    shown = origin(address) if is_webhook else without_secrets(address)
    if shown == address:
        return address
    stand_in = f"{shown}#hidden-{len(hidden)}"
    hidden[stand_in] = address
    return stand_in


def hide_from_process_list() -> None:
    """Start this program again where its command line holds a password: by then it does not.

    For a moment the password could be seen; an environment variable (``HANGTAG_SOURCE``) never shows it.
    """
    _hidden.update(json.loads(os.environ.pop(_VARIABLE, "{}")))
    arguments, hidden = masked(sys.orig_argv)
    if not hidden or os.name != "posix":
        return
    # By its whole name: that is how Python finds the virtual environment it belongs to.
    arguments[0] = sys.executable
    os.execve(sys.executable, arguments, {**os.environ, _VARIABLE: json.dumps(hidden)})  # noqa: S606 - ourselves


def reveal(value: str) -> str:
    """Return the address that a stand-in on the command line means; any other text as it is."""
    return _hidden.get(value, value)
