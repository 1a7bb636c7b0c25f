"""What can be asked for, and what is answered: paths are compared with a fixed list, all else is ignored."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hangtag.preview import metrics, page
from hangtag.preview.connection import Answer, Headers, Request, plain
from hangtag.preview.display import Display

MOST_VIEWERS = 8
"""Open streams of pictures, and as many of news."""

_NEWS_EVERY_S = 0.2
_SIGN_OF_LIFE_S = 1.0
_SNAPSHOT_S = 2.0
_BOUNDARY = b"--picture\r\n"

_ALWAYS: Headers = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    # No other site's page may show what is here.
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("X-Frame-Options", "DENY"),
    ("Content-Security-Policy", page.POLICY),
)
_LATER: Headers = (("Retry-After", "3"),)


class Site:
    """Answers requests.

    Args:
        display: what is on show.
        numbers: what Prometheus reads.
        hosts: the names under which it may be asked for, in lower case; any where it is None. A page from
            elsewhere can point its own name at this machine; browsers then send that name.
    """

    def __init__(self, display: Display, numbers: metrics.Metrics, hosts: frozenset[str] | None) -> None:
        self._display, self._numbers, self._hosts = display, numbers, hosts
        self._viewers: Counter[str] = Counter(pictures=0, news=0)
        self._pages: dict[str, Callable[[], Awaitable[Answer]]] = {
            "/": self._page,
            "/stream": self._stream,
            "/snapshot.jpg": self._snapshot,
            "/state": self._state,
            "/news": self._news,
            "/metrics": self._metrics,
            "/healthz": self._health,
        }

    async def __call__(self, request: Request) -> Answer:
        """Return the answer to a request."""
        answer = await self._answer(request)
        return Answer(
            answer.status, answer.content_type, answer.body, answer.parts, (*_ALWAYS, *answer.headers)
        )

    async def _answer(self, request: Request) -> Answer:
        if request.method not in ("GET", "HEAD"):
            return plain(405, "only GET and HEAD are answered", (("Allow", "GET, HEAD"),))
        if self._hosts is not None and host_name(request.host) not in self._hosts:
            return plain(421, "this preview answers under the name localhost only")
        made = self._pages.get(request.path)
        return await made() if made is not None else plain(404, "there is nothing here")

    async def _page(self) -> Answer:
        return Answer(200, "text/html; charset=utf-8", page.html(self._report()).encode("utf-8", "replace"))

    async def _state(self) -> Answer:
        return Answer(200, "application/json", json.dumps(self._display.record()).encode())

    async def _metrics(self) -> Answer:
        text = self._numbers.text(self._viewers)
        return Answer(200, metrics.CONTENT_TYPE, text.encode("utf-8", "replace"))

    async def _health(self) -> Answer:
        if self._display.fresh:
            return plain(200, "fresh")
        return plain(503, f"stale: {self._display.record()['reason']}")

    async def _snapshot(self) -> Answer:
        with self._display.looked_at():
            try:
                picture = await asyncio.wait_for(self._display.picture_after(-1), _SNAPSHOT_S)
            except asyncio.TimeoutError:
                return plain(503, "there is no picture", _LATER)
        return Answer(200, "image/jpeg", picture.jpeg)

    async def _stream(self) -> Answer:
        return self._endless("pictures", "multipart/x-mixed-replace; boundary=picture", self._pictures())

    async def _news(self) -> Answer:
        return self._endless("news", "text/event-stream", self._reports())

    def _endless(self, what: str, content_type: str, parts: AsyncGenerator[bytes, None]) -> Answer:
        if self._viewers[what] >= MOST_VIEWERS:
            return plain(503, f"{MOST_VIEWERS} others are watching already", _LATER)
        return Answer(200, content_type, parts=parts)

    async def _pictures(self) -> AsyncGenerator[bytes, None]:
        with self._counted("pictures"), self._display.looked_at():
            number = -1
            yield _BOUNDARY
            while True:
                picture = await self._display.picture_after(number)
                number = picture.number
                head = b"Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(picture.jpeg)
                # Browsers show a picture when they see the boundary after it.
                yield head + picture.jpeg + b"\r\n" + _BOUNDARY

    async def _reports(self) -> AsyncGenerator[bytes, None]:
        with self._counted("news"):
            while True:
                yield b"data: " + json.dumps(self._report()).encode() + b"\n\n"
                await asyncio.sleep(_NEWS_EVERY_S)
                await self._display.changed(_SIGN_OF_LIFE_S)

    def _report(self) -> dict[str, Any]:
        display = self._display
        now = {"fps": round(display.fps, 1), "since_ms": round(1000 * display.age_s)}
        return display.record() | now

    @contextmanager
    def _counted(self, what: str) -> Iterator[None]:
        self._viewers[what] += 1
        try:
            yield
        finally:
            self._viewers[what] -= 1


def host_name(header: str) -> str:
    """Return the name in a Host header, without its port, in lower case."""
    name, _, port = header.rpartition(":")
    return (name if name and port.isdigit() else header).lower()
