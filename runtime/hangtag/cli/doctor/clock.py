"""Whether a Raspberry Pi knows the time: most have no clock that goes on without power."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from hangtag.cli.findings import Finding
from hangtag.raspberry_pi.board import board
from hangtag.system import System, succeeded

_SURELY_PAST_S = dt.datetime(2025, 1, 1, tzinfo=dt.timezone.utc).timestamp()
"""No machine with this program in it can be from before."""
_ASK = ("timedatectl", "show", "--property=NTPSynchronized", "--value")
_FIX = "sudo timedatectl set-ntp true, and connect it to a network (timedatectl says when it knows)"


def clock_findings(system: System) -> Iterator[Finding]:
    """Yield whether the time is right, on a Raspberry Pi."""
    pi = board(system)
    if pi is None:
        return
    now = dt.datetime.fromtimestamp(system.now_s(), dt.timezone.utc)
    shown = f"{now:%Y-%m-%d %H:%M} UTC"
    if system.now_s() < _SURELY_PAST_S:
        yield Finding(
            "wrong",
            f"the time is not set ({shown}): secure connections (https, MQTT over TLS) fail, and names of "
            "files lie",
            _FIX,
        )
        return
    synchronized = succeeded(system.ask(*_ASK))
    if synchronized == "no":
        why = "" if pi.has_clock else ", and this board has no clock of its own"
        yield Finding("note", f"the time ({shown}) does not come from the network{why}", _FIX)
    elif synchronized == "yes":
        yield Finding("ok", f"time: {shown}, from the network")
