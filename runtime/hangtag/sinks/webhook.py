"""Posts each change of what is shown to a web address."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from urllib.parse import SplitResult, unquote, urlsplit

from hangtag import __version__
from hangtag.errors import OutputError
from hangtag.result import Result
from hangtag.sinks.json_lines import as_record
from hangtag.sinks.on_change import OnChange
from hangtag.sources.account import Outage

TIMEOUT_S = 3.0
"""Longest that one post may take, connecting included; looking the name up comes on top."""

_FORBIDDEN = re.compile(r"[^\x21-\x7e]")


class Webhook(OnChange):
    """POSTs the record that JSON lines would have, when what is shown changes, and when it is stale or back.

    The answer must be a success (2xx); nothing of it but that is looked at. Redirects are not followed: they
    could carry the record, and the password, somewhere else. Certificates are verified. A user and password
    in the address become an Authorization header; they, path and query, which often hold a secret, are never
    shown.

    Args:
        url: ``https://…`` or ``http://…``.

    Raises:
        OutputError: it is no such address.
    """

    name = "webhook"
    needs_pictures = False

    def __init__(self, url: str) -> None:
        super().__init__()
        parts = _checked(url)
        self._tls = parts.scheme == "https"
        self._host, self._port = parts.hostname or "", parts.port
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self.shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self._headers = {
            "Content-Type": "application/json",
            "User-Agent": f"hangtag/{__version__}",
            "Connection": "close",
        }
        if parts.username is not None:
            secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
            self._headers["Authorization"] = f"Basic {base64.b64encode(secret).decode()}"

    def tell(self, item: Result | Outage) -> None:
        """Post one record.

        Raises:
            OutputError: it was not taken.
        """
        body = json.dumps(as_record(item)).encode()
        try:
            with self._connected() as connection:
                connection.request("POST", self._target, body, self._headers)
                status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            raise OutputError(f"{self.shown} cannot be reached: {_cause(error)}") from None
        if not 200 <= status < 300:
            redirect = " (redirects are not followed: give the final address)" if 300 <= status < 400 else ""
            raise OutputError(f"{self.shown} answered {status}{redirect}; wanted 200 to 299")

    @contextlib.contextmanager
    def _connected(self) -> Iterator[http.client.HTTPConnection]:
        """Give a connection that ends after :data:`TIMEOUT_S`, however slowly the other side drips."""
        connection: http.client.HTTPConnection
        if self._tls:
            context = ssl.create_default_context()
            connection = http.client.HTTPSConnection(
                self._host, self._port, timeout=TIMEOUT_S, context=context
            )
        else:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_S)
        watch = threading.Timer(TIMEOUT_S, _cut, [connection])
        watch.daemon = True
        watch.start()
        try:
            yield connection
        finally:
            watch.cancel()
            connection.close()


def _checked(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        fine = False
    if not fine or _FORBIDDEN.search(url):
        # The address itself may hold a password, so that it is not quoted.
        raise OutputError(
            "that is no webhook's address; wanted one like https://host/path, with spaces and "
            "letters beyond ASCII written as %20"
        )
    return parts


def _cut(connection: http.client.HTTPConnection) -> None:
    """End a connection that another thread waits for."""
    with contextlib.suppress(OSError, AttributeError):
        connection.sock.shutdown(socket.SHUT_RDWR)


def _cause(error: Exception) -> str:
    """Return why a post failed, in words of ours or the system's: an answer could say anything."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, TimeoutError):
        return f"no answer within {TIMEOUT_S:g} s"
    if isinstance(error, http.client.HTTPException):
        return "it does not answer as a web server should, or not in time"
    return str(getattr(error, "strerror", None) or type(error).__name__)
