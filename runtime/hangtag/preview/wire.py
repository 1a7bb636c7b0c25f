"""What the sink tells the server's process: a kind, a length, and that many bytes."""

from __future__ import annotations

import asyncio
import enum
import struct

_HEAD = struct.Struct("!cI")

LOOKED_AT, UNSEEN = b"\x01", b"\x00"
"""What the server tells the sink: somebody looks at the picture, or nobody does any more."""


class Kind(bytes, enum.Enum):
    """What a message is."""

    NEWS = b"n"
    """JSON: see :func:`hangtag.sinks.preview.Preview`."""

    PICTURE = b"p"
    """A JPEG of the picture that the last news is about."""


def packed(kind: Kind, payload: bytes) -> bytes:
    """Return a message as bytes."""
    return _HEAD.pack(kind.value, len(payload)) + payload


async def received(reader: asyncio.StreamReader) -> tuple[Kind, bytes]:
    """Wait for a message.

    Raises:
        asyncio.IncompleteReadError: the sink has closed the connection.
        ValueError: there is no such kind of message.
    """
    kind, length = _HEAD.unpack(await reader.readexactly(_HEAD.size))
    return Kind(kind), await reader.readexactly(length)
