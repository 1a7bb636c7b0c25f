"""Serves a site: the files of one mapping, to as many clients as are good for it, until it is told to end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import uvicorn

from hangtag.preview.listener import BACKLOG, is_local, listening
from hangtag.web.addresses import bracketed, local_url
from hangtag.web.answers import Pages, make_app
from hangtag.web.bounds import USUAL, BoundedConnection, Door, Limits

_LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})
_START_S = 10.0


@dataclass(frozen=True, slots=True)
class Served:
    """A site that is being served.

    Args:
        url: what a browser on this machine opens, with a slash at its end.
        port: where it listens.
    """

    url: str
    port: int


class SiteServer(uvicorn.Server):
    """Uvicorn, with bounds on what a client may take."""

    def __init__(self, config: uvicorn.Config, tls: ssl.SSLContext | None, limits: Limits) -> None:
        super().__init__(config)
        self._tls, self._limits = tls, limits
        self._door = Door(limits.connections)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to take connections in."""
        loop = asyncio.get_running_loop()
        patience = None if self._tls is None else self._limits.head_s
        self.servers = [
            await loop.create_server(
                self._connection,
                sock=listener,
                ssl=self._tls,
                backlog=BACKLOG,
                ssl_handshake_timeout=patience,
            )
            for listener in sockets or ()
        ]
        self.started = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End at once: nobody loses more than a page that can be loaded again."""
        self._door.clear()
        for task in self.server_state.tasks:
            task.cancel()
        await super().shutdown(sockets)

    def _connection(self) -> BoundedConnection:
        return BoundedConnection(self.config, self.server_state, {}, door=self._door, limits=self._limits)


def make_server(
    files: Mapping[str, bytes],
    listener: socket.socket,
    *,
    tls: ssl.SSLContext | None = None,
    limits: Limits = USUAL,
    pack_now: bool = False,
) -> SiteServer:
    """Return a server: its ``run(sockets=[listener])`` ends with SIGINT or SIGTERM, and raises it again.

    Args:
        files: the site, by paths below its root.
        listener: where it will listen.
        tls: what to encrypt with; None for HTTP.
        limits: what a client may take.
        pack_now: compress all files now, in a thread, instead of each when it is first asked for.
    """
    pages = Pages(files)
    if pack_now:
        threading.Thread(target=pages.pack_all, name="pack", daemon=True).start()
    config = uvicorn.Config(
        make_app(pages, hosts(listener)),
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        interface="asgi3",
        # Whoever sends rubbish must not fill a log with it.
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=limits.idle_s,
        timeout_graceful_shutdown=1,
        h11_max_incomplete_event_size=limits.head_bytes,
    )
    return SiteServer(config, tls, limits)


@contextlib.contextmanager
def serving(
    files: Mapping[str, bytes],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    tls: ssl.SSLContext | None = None,
    limits: Limits = USUAL,
) -> Iterator[Served]:
    """Serve a site from a thread for as long as the block lasts.

    Args:
        files: the site, by paths below its root.
        host: name or address of this machine.
        port: 0 for any that is free.
        tls: what to encrypt with; None for HTTP.
        limits: what a client may take.

    Raises:
        OutputError: it cannot listen there.
    """
    listener = listening(host, port, option="--port")
    server = make_server(files, listener, tls=tls, limits=limits)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="web", daemon=True)
    thread.start()
    try:
        yield Served(local_url(listener, tls is not None), listener.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(_START_S)
        listener.close()


def hosts(listener: socket.socket) -> frozenset[str] | None:
    """Return the names to answer to: any, where the site was meant to be seen from elsewhere."""
    if not is_local(listener):
        return None
    return _LOCAL | {bracketed(listener.getsockname()[0])}
