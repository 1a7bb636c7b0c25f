"""Clients of the preview, well-behaved and hostile, for a process of their own.

``python -m hangtag_benchmarks.camera.preview_clients KIND PORT`` runs one kind until its standard input
ends, and prints how many connections it made. It has a low priority: clients sit on other machines, so that
their own work must not count.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import sys
from collections.abc import Awaitable, Callable

_HOST = "127.0.0.1"
_PAUSE_S = 0.05
_GET = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"

Client = Callable[[int], Awaitable[None]]


_made = itertools.count()


async def _connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    connection = await asyncio.open_connection(_HOST, port, limit=4096)
    next(_made)
    return connection


async def _ask(port: int, request: bytes) -> None:
    """Send something and read whatever comes until the end."""
    reader, writer = await _connected(port)
    try:
        writer.write(request)
        while await reader.read(65536):
            pass
    finally:
        writer.close()


async def viewer(port: int) -> None:
    """Do as a page in a browser does: read the news, and ask for one picture after another."""
    await asyncio.gather(_ask(port, _GET % b"/news"), _pictures(port))


async def _pictures(port: int) -> None:
    while True:
        await _ask(port, _GET % b"/snapshot.jpg")
        await asyncio.sleep(0.08)


async def slowloris(port: int) -> None:
    """Send a request a byte a second."""
    _, writer = await _connected(port)
    try:
        for byte in b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"s" * 3600:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(1)
    finally:
        writer.close()


async def silent(port: int) -> None:
    """Connect, say nothing, and stay."""
    await _ask(port, b"")


async def oversized(port: int) -> None:
    """Send a header that has no end."""
    await _ask(port, b"GET / HTTP/1.1\r\nX-Large: " + b"l" * 65536)


async def garbage(port: int) -> None:
    """Send what is no request, and more of it than one."""
    await _ask(port, b"\x16\x03\x01\x02\x00\x01" * 200 + b"GET / HTTP/1.1\r\n\r\n" * 20)


async def unread(port: int) -> None:
    """Ask for the stream and never read it."""
    _, writer = await _connected(port)
    writer.write(_GET % b"/stream")
    try:
        await asyncio.sleep(30)
    finally:
        writer.close()


async def crowd(port: int) -> None:
    """Ask for the state, 40 at once."""
    await asyncio.gather(*(_ask(port, _GET % b"/state") for _ in range(40)), return_exceptions=True)


KINDS: dict[str, tuple[tuple[Client, int], ...]] = {
    "viewer": ((viewer, 1),),
    "attack": (
        (slowloris, 100),
        (silent, 100),
        (oversized, 1),
        (garbage, 1),
        (unread, 4),
        (crowd, 1),
    ),
}
"""What runs at once for each kind, how many of each; whoever is cut off comes again."""


async def _again_and_again(client: Client, port: int) -> None:
    while True:
        with contextlib.suppress(OSError):
            await client(port)
        await asyncio.sleep(_PAUSE_S)


async def _run(kind: str, port: int) -> None:
    tasks = [
        asyncio.create_task(_again_and_again(client, port))
        for client, count in KINDS[kind]
        for _ in range(count)
    ]
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    os.nice(10)
    asyncio.run(_run(sys.argv[1], int(sys.argv[2])))
    print(next(_made))
