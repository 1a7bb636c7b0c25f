"""What is answered: paths are looked up in the site's fixed list of files, and nothing else can be had."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import threading
from collections.abc import Mapping
from pathlib import PurePosixPath

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hangtag.preview.site import host_name
from hangtag.web.headers import ALWAYS
from hangtag.web.site import INDEX, USUAL_WASM, gzipped

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".tflite": "application/octet-stream",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
}

_PART_BYTES = 65536


def make_app(pages: Pages, hosts: frozenset[str] | None) -> Starlette:
    """Return the application that answers with a site's files.

    Args:
        pages: the files.
        hosts: the names under which it may be asked for, in lower case; any where it is None. All files here
            are public but for the model, which may be its owner's alone: another site's page that points its
            own name at this machine must not read it.
    """
    app = Starlette(
        routes=[Route("/{path:path}", pages.answer, methods=["GET"])],
        middleware=[Middleware(Guard, hosts=hosts)],
    )
    app.router.redirect_slashes = False
    return app


class Pages:
    """The files, each with what is known of it."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = {f"/{path}": File(path, data) for path, data in files.items()}
        if INDEX in files:
            self._files["/"] = self._files[f"/{INDEX}"]

    async def answer(self, request: Request) -> Response:
        """Return the file that is asked for, that it is as it was, or that there is none."""
        file = self._files.get(request.scope["path"])
        if file is None:
            return PlainTextResponse("there is nothing here\n", 404)
        packed = await _packed(file) if _takes_gzip(request.headers) else None
        body, tag = (file.data, file.tag) if packed is None else (packed, f"{file.tag}-gzip")
        headers = {"ETag": f'"{tag}"', "Vary": "Accept-Encoding"}
        if _has(request.headers, tag):
            return Response(status_code=304, headers=headers)
        if packed is not None:
            headers["Content-Encoding"] = "gzip"
        return PartByPart(body, headers=headers, media_type=file.content_type)

    def pack_all(self) -> None:
        """Compress every file now, so that nobody waits for it; first the one that most wait for."""
        usual = [self._files[f"/{path}"] for path in USUAL_WASM if f"/{path}" in self._files]
        for file in [*usual, *self._files.values()]:
            file.packed()


class File:
    """One file; it is compressed when that is first asked for, once."""

    def __init__(self, path: str, data: bytes) -> None:
        self.data = data
        self.tag = hashlib.sha256(data).hexdigest()[:32]
        self.content_type = _TYPES.get(PurePosixPath(path).suffix, "text/plain; charset=utf-8")
        self.is_packed = False
        self._packed: bytes | None = None
        self._packing = threading.Lock()

    def packed(self) -> bytes | None:
        """Return the compressed file, None where it stays as it is. Any thread may ask; the others wait."""
        with self._packing:
            if not self.is_packed:
                self._packed, self.is_packed = gzipped(self.data), True
        return self._packed


class PartByPart(Response):
    """A body that is handed over as fast as the client reads: no copy of it waits for somebody slow."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        del scope, receive
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        whole = memoryview(self.body)
        for start in range(0, len(whole), _PART_BYTES):
            part = bytes(whole[start : start + _PART_BYTES])
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class Guard:
    """Refuses what no browser asks of this site, and puts the headers on every answer."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str] | None) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in ALWAYS.items():
                    headers[name] = value
            await send(message)

        answer = (self._refusal(scope) if scope["type"] == "http" else None) or self._app
        # Cancelled when the server ends, which is nothing to be told of.
        with contextlib.suppress(asyncio.CancelledError):
            await answer(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        close = {"Connection": "close"}
        if headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in headers:
            return PlainTextResponse("a request has no body here\n", 413, close)
        if self._hosts is not None and host_name(headers.get("Host", "")) not in self._hosts:
            return PlainTextResponse("this page answers under the name localhost only\n", 421, close)
        return None


async def _packed(file: File) -> bytes | None:
    # A wasm build takes half a second, in which others are answered.
    return file.packed() if file.is_packed else await run_in_threadpool(file.packed)


def _takes_gzip(headers: Headers) -> bool:
    """Return whether a client reads gzip: it says so, and does not say that it would rather not."""
    for coding in headers.get("Accept-Encoding", "").lower().split(","):
        name, _, weight = (text.strip() for text in coding.partition(";"))
        if name == "gzip":
            return weight.replace(" ", "").rstrip("0.") != "q="
    return False


def _has(headers: Headers, tag: str) -> bool:
    """Return whether a client has that version of a file already."""
    known = (text.strip().removeprefix("W/") for text in headers.get("If-None-Match", "").split(","))
    return any(text in {"*", f'"{tag}"'} for text in known)
