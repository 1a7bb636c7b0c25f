"""The picture and the label over HTTP: this end draws and encodes, a process of its own serves."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import ipaddress
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import cv2
import numpy as np

from hangtag.errors import OutputError
from hangtag.preprocess import Image
from hangtag.preview import server, wire
from hangtag.result import Result
from hangtag.sinks import overlay
from hangtag.sinks.base import Sink
from hangtag.sinks.json_lines import as_record
from hangtag.sources.account import Counts, Outage
from hangtag.sources.live import Thinning

_log = logging.getLogger(__name__)

_PICTURES_PER_S = 10
_MOST_SIDE_PX = 1280
_QUALITY = 80
_PATIENCE_S = 2.0
_END_S = 0.2
_AGAIN_AFTER_S = 5.0

_START = (
    "import sys; sys.path[:] = [*filter(None, sys.path), sys.argv[1]]; "
    "from hangtag.preview.server import main; main()"
)
"""What the child runs. A file called json.py in the user's folder must not become ours."""


class Preview(Sink):
    """Serves a page with picture and label, and the same for programs: docs say what can be asked for.

    Pictures are drawn and encoded while somebody looks, at most ten a second, once for all viewers.

    Args:
        host: name or address to listen on.
        port: port to listen on; 0 for any that is free.
        in_thread: serve in a thread of this process, which costs the loop time (see benchmarks/CAMERA.md).

    Raises:
        OutputError: it cannot listen there.
    """

    name = "preview"

    def __init__(self, host: str, port: int, *, in_thread: bool = os.name != "posix") -> None:
        self._in_thread = in_thread
        self._listener = _listening(host, port)
        self.url = _url(self._listener)
        if not server.is_local(self._listener.getsockname()[0]):
            _log.warning("anybody who reaches this machine over the network can watch at %s", self.url)
        self._due = Thinning(_PICTURES_PER_S)
        self._looked_at = False
        # The last annotated picture, for outages; drawn from the last result where nobody looked.
        self._last: Image | None = None
        self._last_result: Result | None = None
        self._news = news_of(Outage("", "no frame yet", 0.0, 0.0, Counts()))
        self._server: _Server | None = None
        self._next_try_s = 0.0
        self._tell()

    def write(self, result: Result) -> None:
        """Show one result."""
        self._last_result, self._news = result, news_of(result)
        self._tell()
        if self._looked_at and self._due.keeps():
            self._last = _fitted(overlay.draw(result))
            self._show(self._last)

    def missing(self, outage: Outage) -> None:
        """Show the last picture darkened, with what is wrong."""
        self._news = news_of(outage)
        self._tell()
        if not self._looked_at:
            return
        if self._last_result is not None:
            self._last, self._last_result = _fitted(overlay.draw(self._last_result)), None
        self._show(overlay.draw_outage(self._last, outage))

    def close(self) -> None:
        """End the server; streams that are open end with it."""
        if self._server is not None:
            self._server.end()
        self._listener.close()

    def _tell(self) -> None:
        serving = self._running()
        self._send(serving, wire.Kind.NEWS, self._news)
        self._looked_at = serving.looked_at()

    def _show(self, picture: Image) -> None:
        _, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        if self._server is not None:
            self._send(self._server, wire.Kind.PICTURE, jpeg.tobytes())

    def _send(self, serving: _Server, kind: wire.Kind, payload: bytes) -> None:
        try:
            serving.send(wire.packed(kind, payload))
        except OSError as error:
            serving.end()
            self._server = None
            self._next_try_s = time.monotonic() + _AGAIN_AFTER_S
            raise OutputError(f"its server takes nothing any more ({error})") from None

    def _running(self) -> _Server:
        if self._server is None:
            if time.monotonic() < self._next_try_s:
                raise OutputError("its server has ended")
            start = _ServerThread if self._in_thread else _ServerProcess
            self._server = start(self._listener)
        return self._server


class _Server:
    """The connection to whatever serves."""

    def __init__(self, listener: socket.socket) -> None:
        self._channel, theirs = socket.socketpair()
        self._channel.settimeout(_PATIENCE_S)
        self._looked_at = False
        self._start(listener, theirs)

    def _start(self, listener: socket.socket, theirs: socket.socket) -> None:
        """Start to serve; take ``theirs`` over, and leave ``listener`` open."""
        raise NotImplementedError

    def _wait(self) -> None:
        """Wait for the end, not for long."""
        raise NotImplementedError

    def send(self, message: bytes) -> None:
        """Send a message.

        Raises:
            OSError: nobody takes it.
        """
        self._channel.sendall(message)

    def looked_at(self) -> bool:
        """Return whether somebody looks at the picture."""
        self._channel.settimeout(0)
        with contextlib.suppress(OSError):  # nothing new; an end is noticed by what is sent
            said = self._channel.recv(64)
            self._looked_at = said[-1:] == wire.LOOKED_AT
        self._channel.settimeout(_PATIENCE_S)
        return self._looked_at

    def end(self) -> None:
        """Let it end."""
        self._channel.close()
        self._wait()


class _ServerProcess(_Server):
    """It serves in a process of its own."""

    def _start(self, listener: socket.socket, theirs: socket.socket) -> None:
        descriptors = (listener.fileno(), theirs.fileno())
        home = str(Path(__file__).resolve().parents[2])
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _START, home, *map(str, descriptors), str(os.getpid())],
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                # Ctrl-C is meant for the loop, which ends this process in its turn.
                start_new_session=True,
            )
        except OSError as error:
            raise OutputError(f"its server cannot be started: {error.strerror or error}") from None
        finally:
            theirs.close()

    def _wait(self) -> None:
        # It holds nothing that could be lost, and its own end takes long where the machine is busy.
        self._process.kill()
        self._process.wait()


class _ServerThread(_Server):
    """It serves in a thread, where sockets cannot be handed to a process."""

    def _start(self, listener: socket.socket, theirs: socket.socket) -> None:
        self._thread = threading.Thread(
            target=server.serve, args=(listener.dup(), theirs, os.getpid()), name="hangtag-serve", daemon=True
        )
        self._thread.start()

    def _wait(self) -> None:
        self._thread.join(_END_S)


def news_of(item: Result | Outage) -> bytes:
    """Return what the server is told of an item.

    It is JSON: ``record`` as :func:`hangtag.sinks.json_lines.as_record` makes it, ``counts`` of the feed, and
    ``captured_s``, when the last good frame was captured on the clock of ``time.monotonic()``, which all
    processes share.
    """
    captured_s = time.monotonic() - item.age_ms / 1000 if isinstance(item, Outage) else item.frame.captured_s
    news = {"record": as_record(item), "counts": dataclasses.asdict(item.counts), "captured_s": captured_s}
    return json.dumps(news).encode()


def _fitted(picture: Image) -> Image:
    """Return a picture no larger than a page shows."""
    height, width = picture.shape[:2]
    share = _MOST_SIDE_PX / max(height, width)
    if share >= 1:
        return picture
    size_wh = (max(1, round(share * width)), max(1, round(share * height)))
    return np.asarray(cv2.resize(picture, size_wh, interpolation=cv2.INTER_AREA), np.uint8)


def _listening(host: str, port: int) -> socket.socket:
    """Return a listening socket."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError):
        raise OutputError(
            f"{host!r} is no address to serve on: wanted 127.0.0.1, 0.0.0.0, or one that this machine has"
        ) from None
    listener = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(server.BACKLOG)
    except OSError as error:
        listener.close()
        raise OutputError(_why_not(host, port, error)) from None
    return listener


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is in use: choose another one with --serve, 0 for any that is free"
    if error.errno == errno.EACCES:
        return f"port {port} is for the system's services alone: choose one from 1024 with --serve"
    return f"cannot serve on {host}, port {port}: {error.strerror or error}"


def _url(listener: socket.socket) -> str:
    """Return an address that a browser takes."""
    address, port = listener.getsockname()[:2]
    name = socket.gethostname() if ipaddress.ip_address(address).is_unspecified else address
    return f"http://[{name}]:{port}/" if ":" in name else f"http://{name}:{port}/"
