"""When a driver says that a frame was captured, and whether it is believed."""

from __future__ import annotations

_OLDEST_S = 5.0


def believed_s(told_s: float, now_s: float) -> float:
    """Return when a frame was captured, on the clock of ``time.monotonic()``; ``now_s`` if nobody knows.

    Some drivers count on another clock, or say 0: better a frame that is called too young than a wild age.

    Args:
        told_s: what the driver says.
        now_s: of ``time.monotonic()``.
    """
    return told_s if now_s - _OLDEST_S < told_s <= now_s else now_s
