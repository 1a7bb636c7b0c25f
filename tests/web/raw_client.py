"""Clients of the page's server that speak HTTP by hand, and well-behaved ones beside them."""

from __future__ import annotations

import contextlib
import http.client
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass

ASK = b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that was read whole; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def ask(port: int, path: str, method: str = "GET", **headers: str) -> Reply:
    """Ask as a well-behaved client; ``Accept_Encoding="gzip"`` is a header."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        # Nothing is added to what a test says.
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": "localhost", **headers}.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        response = connection.getresponse()
        return Reply(
            response.status,
            {name.lower(): value for name, value in response.getheaders()},
            response.read(),
        )
    finally:
        connection.close()


def answer_to(port: int, sent: bytes) -> bytes:
    """Return all that comes back until the server hangs up; what is lost where it cuts off is left out."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        with contextlib.suppress(ConnectionError):
            client.sendall(sent)
        return read_all(client)


def read_all(client: socket.socket) -> bytes:
    """Read until the end."""
    parts = []
    with contextlib.suppress(ConnectionError):
        while part := client.recv(65536):
            parts.append(part)
    return b"".join(parts)


def seconds_until_cut(client: socket.socket, most_s: float) -> float:
    """Return how long it takes until the server hangs up."""
    begun = time.monotonic()
    client.settimeout(most_s)
    read_all(client)
    return time.monotonic() - begun
