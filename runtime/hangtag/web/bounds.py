"""What one client may take of the server: time and room for a request, patience where it does not read."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from typing import Any

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may take.

    Args:
        connections: how many may be open; one more, and the oldest that waits for nothing is cut off.
        head_s: time for a request, and for the handshake before it.
        head_bytes: its size.
        idle_s: how long a connection is kept for the next request.
        unread_s: how long a client may leave unread what it was sent.
    """

    connections: int = 128
    head_s: float = 5.0
    head_bytes: int = 16384
    idle_s: int = 5
    unread_s: float = 10.0


USUAL = Limits()
_SEND_BUFFER_BYTES = 131072


class Door:
    """The connections that are open, oldest first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._inside: dict[BoundedConnection, None] = {}

    def enter(self, connection: BoundedConnection) -> None:
        """Let one in; in a crowd the oldest must go, one that asked for nothing before one being answered."""
        self._inside[connection] = None
        if len(self._inside) > self._most:
            idle = (other for other in self._inside if not other.answering)
            next(idle, next(iter(self._inside))).cut()

    def leave(self, connection: BoundedConnection) -> None:
        """Forget one."""
        self._inside.pop(connection, None)

    def clear(self) -> None:
        """Cut everybody off."""
        for connection in list(self._inside):
            connection.cut()


class BoundedConnection(H11Protocol):
    """A client of uvicorn's, with the deadlines that uvicorn leaves to a proxy in front of it."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        *,
        door: Door,
        limits: Limits,
    ) -> None:
        super().__init__(config, server_state, app_state)
        self._door, self._limits = door, limits
        self._head: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._head_bytes = 0

    @property
    def answering(self) -> bool:
        """Whether a request is being answered."""
        return self.cycle is not None and not self.cycle.response_complete

    def cut(self) -> None:
        """Let go of the client at once, with whatever it did not read."""
        self._door.leave(self)
        self.transport.abort()

    # --- called by asyncio ---------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Begin to wait for a request."""
        super().connection_made(transport)
        # Told to pause as soon as the system takes no more, so that who does not read is noticed (at 0,
        # asyncio pauses TLS for nothing). The system takes little: it wants more when a third of it was read.
        transport.set_write_buffer_limits(high=1, low=0)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        self._head = self.loop.call_later(self._limits.head_s, self.cut)
        self._door.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        self._door.leave(self)
        self._unset(head=True, unread=True)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read a request, if it comes in time and is no larger than a browser's."""
        if self.transport.is_closing():
            return
        if not self.answering:
            self._head_bytes += len(data)
            # h11 has a limit for what is not whole yet alone.
            if self._head_bytes > self._limits.head_bytes:
                self._refuse()
                return
            if self._head is None:
                self._head = self.loop.call_later(self._limits.head_s, self.cut)
        super().data_received(data)
        if self.answering:
            self._head_bytes = 0
            self._unset(head=True)

    def pause_writing(self) -> None:
        """The client does not read as fast as it is written to."""
        super().pause_writing()
        self._unset(unread=True)
        self._unread = self.loop.call_later(self._limits.unread_s, self.cut)

    def resume_writing(self) -> None:
        """It has read."""
        self._unset(unread=True)
        super().resume_writing()

    def _unset(self, *, head: bool = False, unread: bool = False) -> None:
        if head and self._head is not None:
            self._head.cancel()
            self._head = None
        if unread and self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _refuse(self) -> None:
        text = b"this request is larger than any that is understood here\n"
        headers = [
            ("Content-Type", "text/plain"),
            ("Content-Length", str(len(text))),
            ("Connection", "close"),
        ]
        events = (h11.Response(status_code=431, headers=headers), h11.Data(data=text), h11.EndOfMessage())
        for event in events:
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
