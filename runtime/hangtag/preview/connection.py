"""One client: one request, one answer, and no time to waste. h11 speaks HTTP; asyncio moves the bytes.

A connection serves one request, so that nothing is pipelined or kept alive; every state has a deadline, and
what is held for a client is bounded.
"""

from __future__ import annotations

import asyncio
import contextlib
import http
import logging
import socket
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, cast

import h11

_log = logging.getLogger(__name__)

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may take.

    Args:
        connections: how many may be open besides streams; one more, and the oldest is cut off.
        header_s: time for the whole request.
        request_bytes: its size.
        unread_s: how long a client may leave unread what it was sent.
        linger_s: how long it may take to close after it was answered.
        surplus_bytes: how much it may send at all, whatever it is, before it is cut off.
        send_buffer_bytes: what the system keeps for a reader of a stream; more would be pictures of the past.
    """

    connections: int = 192
    header_s: float = 5.0
    request_bytes: int = 8192
    unread_s: float = 5.0
    linger_s: float = 1.0
    surplus_bytes: int = 524288
    send_buffer_bytes: int = 131072


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks: only this much of it is heeded."""

    method: str
    path: str
    host: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, and a body or the parts of an endless one."""

    status: int
    content_type: str
    body: bytes = b""
    parts: AsyncGenerator[bytes, None] | None = None
    headers: Headers = ()


Site = Callable[[Request], Coroutine[Any, Any, Answer]]


class Door:
    """The connections that are open, oldest first; what clients got, and why some had to go."""

    def __init__(self, limits: Limits = Limits()) -> None:
        self.limits = limits
        self.cut_off: Counter[str] = Counter()
        self.responses: Counter[int] = Counter()
        self._inside: dict[Connection, None] = {}
        self._seated: set[Connection] = set()

    def __len__(self) -> int:
        return len(self._inside) + len(self._seated)

    def enter(self, connection: Connection) -> None:
        """Let one in; in a crowd the oldest goes: clients that behave are done before it is their turn."""
        self._inside[connection] = None
        if len(self._inside) > self.limits.connections:
            next(iter(self._inside)).cut("crowd")

    def seat(self, connection: Connection) -> None:
        """Let a reader of a stream stay; how many of them there may be is the site's to say."""
        self.leave(connection)
        self._seated.add(connection)

    def leave(self, connection: Connection) -> None:
        """Forget one."""
        self._inside.pop(connection, None)
        self._seated.discard(connection)

    def clear(self) -> None:
        """Cut everybody off."""
        for connection in [*self._inside, *self._seated]:
            connection.cut("end")


class Connection(asyncio.Protocol):
    """Reads a request, has it answered by ``site``, and closes."""

    def __init__(self, site: Site, door: Door) -> None:
        self._site, self._door, self._limits = site, door, door.limits
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=self._limits.request_bytes)
        self._deadline: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._heard = self._headers_only = self._leaving = False
        self._got_bytes = 0
        self._writable = asyncio.Event()
        self._writable.set()

    # --- called by asyncio ---------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a request."""
        self._transport = cast(asyncio.Transport, transport)
        # Told to pause as soon as the system takes no more: what waits here is one part at most.
        self._transport.set_write_buffer_limits(high=0)
        self._allow(self._limits.header_s, "slow header")
        self._door.enter(self)

    def data_received(self, data: bytes) -> None:
        """Read the request; let what comes after it pass."""
        self._got_bytes += len(data)
        if self._heard:
            if self._got_bytes > self._limits.surplus_bytes:
                self.cut("surplus")
            return
        # h11 has a limit for what is not whole yet alone.
        if self._got_bytes > self._limits.request_bytes:
            self._hear(_refusal(431))
            return
        try:
            self._http.receive_data(data)
            event = self._http.next_event()
        except h11.RemoteProtocolError as error:
            self._hear(_refusal(error.error_status_hint))
            return
        if isinstance(event, h11.Request):
            request = _request(event)
            self._headers_only = request.method == "HEAD"
            self._hear(self._site(request))

    def eof_received(self) -> bool:
        """Return whether to stay: a client that has asked may close its side and listen."""
        return self._heard and not self._leaving

    def pause_writing(self) -> None:
        """The client does not read as fast as it is written to."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """It has read."""
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        del exc
        self._allow(None)
        self._door.leave(self)
        if self._task is not None:
            self._task.cancel()

    # --- answering -----------------------------------------------------------------------------------------

    def cut(self, why: str) -> None:
        """Let go of the client at once, with whatever it did not read."""
        self._door.cut_off[why] += 1
        self._door.leave(self)
        self._transport.abort()

    def _allow(self, seconds: float | None, why: str = "") -> None:
        """Cut the client off after so many seconds; never, for now, where it is None."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if seconds is not None:
            self._deadline = asyncio.get_running_loop().call_later(seconds, self.cut, why)

    def _hear(self, answer: Coroutine[Any, Any, Answer]) -> None:
        self._heard = True
        self._allow(None)
        self._task = asyncio.create_task(self._respond(answer))

    async def _respond(self, awaited: Awaitable[Answer]) -> None:
        try:
            answer = await awaited
            self._door.responses[answer.status] += 1
            if answer.parts is None:
                await self._send_whole(answer)
            else:
                await self._send_parts(answer, answer.parts)
        # A defect in an answer must not go unheard, nor leave the client waiting.
        except Exception:  # noqa: BLE001
            _log.exception("a request to the preview could not be answered")
            self.cut("defect")

    async def _send_whole(self, answer: Answer) -> None:
        self._send_head(answer, [("Content-Length", str(len(answer.body)))])
        if not self._headers_only:
            self._send(h11.Data(data=answer.body))
        self._send(h11.EndOfMessage())
        await self._read_by_client()
        # A connection that is closed while bytes come in is reset, and the answer may be lost with it: let
        # the client close first.
        self._leaving = True
        with contextlib.suppress(OSError):  # it has gone already
            self._transport.write_eof()
        self._deadline = asyncio.get_running_loop().call_later(self._limits.linger_s, self._transport.close)

    async def _send_parts(self, answer: Answer, parts: AsyncGenerator[bytes, None]) -> None:
        async with contextlib.aclosing(parts):
            self._send_head(answer, [])
            if not self._headers_only:
                self._door.seat(self)
                self._keep_little()
                async for part in parts:
                    self._send(h11.Data(data=part))
                    await self._read_by_client()
        self._transport.close()

    def _send_head(self, answer: Answer, length: list[tuple[str, str]]) -> None:
        headers = [("Content-Type", answer.content_type), *length, *answer.headers, ("Connection", "close")]
        self._send(h11.Response(status_code=answer.status, headers=headers, reason=_reason(answer.status)))

    def _send(self, event: h11.Event) -> None:
        if data := self._http.send(event):
            self._transport.write(data)

    async def _read_by_client(self) -> None:
        """Wait until the system has taken what was written; cut off who does not read."""
        if not self._writable.is_set():
            self._allow(self._limits.unread_s, "no reader")
            await self._writable.wait()
            self._allow(None)

    def _keep_little(self) -> None:
        """Let the system hold no more than a few pictures of a stream, and notice readers that vanished."""
        bare = self._transport.get_extra_info("socket")
        bare.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._limits.send_buffer_bytes)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            bare.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(2000 * self._limits.unread_s))


def _request(event: h11.Request) -> Request:
    host = next((value for name, value in event.headers if name == b"host"), b"")
    path = event.target.partition(b"?")[0]
    return Request(event.method.decode("ascii"), path.decode("latin-1"), host.decode("latin-1"))


def _reason(status: int) -> bytes:
    return http.HTTPStatus(status).phrase.encode("ascii")


async def _refusal(status: int) -> Answer:
    return plain(status, "this is no request that is understood here")


def plain(status: int, text: str, headers: Headers = ()) -> Answer:
    """Return an answer of one line of text."""
    return Answer(status, "text/plain; charset=utf-8", f"{text}\n".encode(), headers=headers)
