"""The socket that clients connect to, opened before the loop starts: what is wrong is said at once."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket

from hangtag.errors import OutputError

BACKLOG = 256
"""How many connections may wait to be taken in."""


def listening(host: str, port: int, *, option: str = "--serve") -> socket.socket:
    """Return a listening socket.

    Args:
        host: name or address of this machine.
        port: 0 for any that is free.
        option: what the command line calls the port.

    Raises:
        OutputError: it cannot listen there.
    """
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
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise OutputError(_why_not(host, port, option, error)) from None
    return listener


def _why_not(host: str, port: int, option: str, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is in use: choose another one with {option}, 0 for any that is free"
    if error.errno == errno.EACCES:
        return f"port {port} is for the system's services alone: choose one from 1024 with {option}"
    return f"cannot serve on {host}, port {port}: {error.strerror or error}"


def is_local(listener: socket.socket) -> bool:
    """Return whether nobody but this machine reaches a socket."""
    return ipaddress.ip_address(listener.getsockname()[0]).is_loopback


def url(listener: socket.socket) -> str:
    """Return an address that a browser takes."""
    address, port = listener.getsockname()[:2]
    name = socket.gethostname() if ipaddress.ip_address(address).is_unspecified else address
    return f"http://[{name}]:{port}/" if ":" in name else f"http://{name}:{port}/"
