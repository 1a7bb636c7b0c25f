"""The server: takes what the sink tells it, and answers whoever asks."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from pathlib import Path

from hangtag.preview import wire
from hangtag.preview.connection import Connection, Door
from hangtag.preview.display import Display
from hangtag.preview.listener import BACKLOG, is_local
from hangtag.preview.metrics import Metrics
from hangtag.preview.site import Site

_NICE = 10
_LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})


def serve(listener: socket.socket, channel: socket.socket, camera_pid: int) -> None:
    """Serve until the other end of ``channel`` is closed.

    Args:
        listener: bound and listening; it stays open.
        channel: one end of a pair whose other end is the sink's.
        camera_pid: the process that classifies.
    """
    asyncio.run(_serve(listener, channel, camera_pid))


async def _serve(listener: socket.socket, channel: socket.socket, camera_pid: int) -> None:
    reader, writer = await asyncio.open_connection(sock=channel)
    # The sink closes the connection to end this, in the midst of whatever was on its way.
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        _, payload = await wire.received(reader)
        display = Display(
            json.loads(payload)["record"],
            lambda looked_at: writer.write(wire.LOOKED_AT if looked_at else wire.UNSEEN),
        )
        door = Door()
        metrics = Metrics(display, door, camera_pid)
        site = Site(display, metrics, _hosts(listener))
        server = await asyncio.get_running_loop().create_server(
            lambda: Connection(site, door), sock=listener, backlog=BACKLOG
        )
        try:
            await _take_news(reader, display, metrics)
        finally:
            server.close()
            door.clear()
    writer.close()


async def _take_news(reader: asyncio.StreamReader, display: Display, metrics: Metrics) -> None:
    while True:
        kind, payload = await wire.received(reader)
        if kind is wire.Kind.PICTURE:
            display.show_picture(payload)
        else:
            news = json.loads(payload)
            metrics.count(news["record"], news["counts"], news["losses"])
            display.show(news["record"], news["captured_s"])


def _hosts(listener: socket.socket) -> frozenset[str] | None:
    """Return the names to answer to: all of them, where it was meant to be seen from elsewhere."""
    if not is_local(listener):
        return None
    address = listener.getsockname()[0]
    return _LOCAL | {f"[{address}]" if ":" in address else address}


def main() -> None:
    """Serve with the sockets whose descriptors are on the command line, after the package's home."""
    # The sink says when to end: it has results to bring out after Ctrl-C and SIGTERM.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    os.nice(_NICE)
    # Where desktops group processes by session, what counts is the group's.
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(_NICE), encoding="ascii")
    listener, channel, camera_pid = map(int, sys.argv[2:5])
    serve(socket.socket(fileno=listener), socket.socket(fileno=channel), camera_pid)
