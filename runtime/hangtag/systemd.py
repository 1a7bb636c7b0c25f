"""As a service of systemd: what it is told while the camera runs."""

from __future__ import annotations

import logging
import os
import socket
import time

from hangtag.result import Result
from hangtag.sinks.base import Sink
from hangtag.sources.account import Outage

_log = logging.getLogger(__name__)

_STATUS_EVERY_S = 5.0


class ServiceNotes(Sink):
    """Tells systemd that the camera is ready, alive and stopping, and what it sees.

    It is ready when there is a first result, or is known to be none: a camera that is not there yet must not
    keep others from starting. It is alive while results or outages come: where inference hangs none do, and
    systemd starts the service anew.

    Args:
        address: of systemd's socket, :data:`None` for ``$NOTIFY_SOCKET``: a path, or ``@`` and an abstract
            name. Where there is none, nothing is told.
    """

    name = "systemd"
    backlog = 2
    needs_pictures = False

    def __init__(self, address: str | None = None) -> None:
        told = os.environ.get("NOTIFY_SOCKET", "") if address is None else address
        self._address = f"\0{told[1:]}" if told.startswith("@") else told
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)
        self._watchdog_s = _watchdog_s()
        self._ready = False
        self._next_alive_s = self._next_status_s = 0.0
        self._results = 0
        self._counted_s = time.monotonic()

    def write(self, result: Result) -> None:
        """Tell that it is alive."""
        self._results += 1
        self._alive()
        if self._status_is_due():
            shown = result.prediction
            self._tell(f"STATUS={_line(shown.shown)} {shown.score:.2f}, {self._rate():.1f} frames a second")

    def missing(self, outage: Outage) -> None:
        """Tell that it is alive, though there is nothing to see."""
        self._alive()
        if self._status_is_due():
            self._rate()
            self._tell(f"STATUS=stale: {_line(outage.reason)}")

    def _alive(self) -> None:
        if not self._ready:
            self._ready = self._tell("READY=1")
        now = time.monotonic()
        if self._watchdog_s is not None and now >= self._next_alive_s:
            self._next_alive_s = now + self._watchdog_s / 2
            self._tell("WATCHDOG=1")

    def _status_is_due(self) -> bool:
        now = time.monotonic()
        if now < self._next_status_s:
            return False
        self._next_status_s = now + _STATUS_EVERY_S
        return True

    def _rate(self) -> float:
        """Return results a second since the last call."""
        now = time.monotonic()
        passed_s, self._counted_s = now - self._counted_s, now
        results, self._results = self._results, 0
        return results / passed_s if passed_s > 0 else 0.0

    def close(self) -> None:
        """Tell that it is stopping."""
        self._tell("STOPPING=1")
        self._socket.close()

    def _tell(self, line: str) -> bool:
        """Return whether it could be sent."""
        try:
            self._socket.sendto(line.encode(errors="replace"), self._address)
        except OSError as error:
            # A system that does not listen is no reason to stop looking; what counts is said again.
            _log.debug("systemd was not told %r: %s", line, error)
            return False
        return True


def _line(text: str) -> str:
    """Return text that cannot be taken for more lines: labels come from model files."""
    return " ".join(text.split())[:100]


def _watchdog_s() -> float | None:
    """Return within which time systemd wants to hear from this process, None where it does not."""
    try:
        wanted_us = int(os.environ.get("WATCHDOG_USEC", ""))
        whose = int(os.environ.get("WATCHDOG_PID", os.getpid()))
    except ValueError:
        return None
    return wanted_us / 1e6 if wanted_us > 0 and whose == os.getpid() else None
