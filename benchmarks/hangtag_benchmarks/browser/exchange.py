"""What a page of the benchmark's gets and gives: files and a job, marks on the way, one answer at the end.

A server on this machine alone, on a port of its own, below a path that nobody can guess.
"""

from __future__ import annotations

import json
import mimetypes
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_HOST = "127.0.0.1"
_MOST_BYTES = 64 * 2**20
_TYPES = {".js": "text/javascript", ".wasm": "application/wasm", ".html": "text/html; charset=utf-8"}
_HEADERS = {
    # Isolated, a page may start threads, and its clock takes steps of 5 us instead of 100.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
HELD = "held"
"""What the page asks for and never gets: the connection ends with the page."""

ANSWER = "answer"


class Exchange:
    """One page's side of the wire.

    Args:
        files: what it may fetch, by path.
        photos: files that it may fetch as ``photos/0`` and so on.
        on_mark: is told the name of each mark, while the page waits.
    """

    def __init__(
        self, files: Mapping[str, bytes], photos: Sequence[Path], on_mark: Callable[[str], None]
    ) -> None:
        self.files, self.photos, self.on_mark = files, photos, on_mark
        self.answer: dict[str, Any] | None = None
        self.came = threading.Event()
        """Set once the page has asked for something."""
        self.news = threading.Event()
        """Set by every sign of the page: a mark, its answer, its end."""
        self.is_gone = False

    def file(self, path: str) -> bytes | None:
        """Return what a path stands for, None for nothing."""
        folder, _, number = path.partition("/")
        if folder == "photos" and number.isascii() and number.isdigit() and int(number) < len(self.photos):
            return self.photos[int(number)].read_bytes()
        return self.files.get(path)

    def take(self, path: str, body: bytes) -> None:
        """Take what the page posts."""
        if path == ANSWER:
            try:
                answer = json.loads(body)
            except ValueError as error:
                answer = {"error": f"its answer cannot be read ({error})"}
            self.answer = answer if isinstance(answer, dict) else {"error": "its answer is no object"}
        else:
            self.on_mark(path)
        self.news.set()

    def end(self) -> None:
        """The page is gone."""
        self.is_gone = True
        self.news.set()


@contextmanager
def serving(exchange: Exchange) -> Iterator[str]:
    """Serve an exchange; give the URL below which its paths are."""
    token = secrets.token_urlsafe(16)
    handler = type("_BoundHandler", (_Handler,), {"exchange": exchange, "prefix": f"/{token}/"})
    server = ThreadingHTTPServer((_HOST, 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="browser-exchange", daemon=True)
    thread.start()
    try:
        yield f"http://{_HOST}:{server.server_address[1]}/{token}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    exchange: Exchange
    prefix: str

    def do_GET(self) -> None:
        path = self._path()
        if path == HELD:
            self._hold()
            return
        data = None if path is None else self.exchange.file(path)
        self.exchange.came.set()
        if data is None:
            self._send(404, b"", "text/plain")
        else:
            self._send(200, data, _type_of(path or ""))

    def do_POST(self) -> None:
        path, length = self._path(), self.headers.get("Content-Length", "")
        if path is None or not (length.isascii() and length.isdigit()) or int(length) > _MOST_BYTES:
            self.close_connection = True
            self._send(400, b"", "text/plain")
            return
        self.exchange.take(path, self.rfile.read(int(length)))
        self._send(204, b"", "text/plain")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is http.server's
        """Print nothing."""

    def _path(self) -> str | None:
        return self.path.removeprefix(self.prefix) if self.path.startswith(self.prefix) else None

    def _hold(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.recv(1)
        self.exchange.end()

    def _send(self, status: int, data: bytes, kind: str) -> None:
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if status != 204:
            self.wfile.write(data)


def _type_of(path: str) -> str:
    ending = f".{path.rpartition('.')[2]}"
    return _TYPES.get(ending) or mimetypes.guess_type(path)[0] or "application/octet-stream"
