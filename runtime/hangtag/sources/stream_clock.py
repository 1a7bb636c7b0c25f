"""When a frame of a stream arrived that was read later: from the times that the stream itself carries."""

from __future__ import annotations

import math
from collections import deque

_DRIFT = 1e-3
"""How much faster or slower than ours a camera's clock may go; real ones stay under a tenth of it. A way
that becomes longer for good is taken for the usual one at this rate: 100 ms in 100 s."""

_JUMP_S = 20.0
_MOST_HELD_S = 0.2
_LOOKED_AT = 5


class StreamClock:
    """Compares a stream's own times with when its frames are read.

    The frame that needed least is taken for one that was read at once; what others needed more, they waited
    in some buffer on the way.

    Args:
        holds_one: what reads the stream gives each frame out when the next one begins.
    """

    def __init__(self, *, holds_one: bool = False) -> None:
        self._holds_one = holds_one
        self._offset_s: float | None = None
        self._last_read_s = self._last_position_s = 0.0
        self._last_captured_s = -math.inf

    def captured_s(self, read_s: float, position_s: float) -> float:
        """Return when a frame arrived: never later than it was read, nor earlier than the one before it.

        Args:
            read_s: when it was read, on any clock.
            position_s: its time by the stream's clock, from any beginning.
        """
        step_s = position_s - self._last_position_s
        passed_s = read_s - self._last_read_s
        if self._offset_s is None or step_s <= 0 or abs(step_s - passed_s) > _JUMP_S:
            # A stream without times, or that began to count anew.
            self._offset_s, step_s = read_s - position_s, 0.0
        else:
            self._offset_s = min(self._offset_s + _DRIFT * passed_s, read_s - position_s)
        self._last_read_s, self._last_position_s = read_s, position_s
        held_s = min(step_s, _MOST_HELD_S) if self._holds_one else 0.0
        # Not before the frame before it, whatever the stream's times say: who smooths over time relies on it.
        self._last_captured_s = max(self._last_captured_s, position_s + self._offset_s - held_s)
        return self._last_captured_s


class CatchUp:
    """Tells when a reader has caught up with a stream that it began to read late.

    What queued up comes as fast as it is decoded, several times the stream's own pace; what is new comes at
    that pace. A few frames are looked at, so that one that a busy machine delayed is not taken for a new one.
    """

    def __init__(self) -> None:
        self._frames: deque[tuple[float, float]] = deque(maxlen=_LOOKED_AT)

    def done(self, read_s: float, position_s: float) -> bool:
        """Return whether frames come no faster than twice their own pace.

        Args:
            read_s: when the next frame was read, on any clock.
            position_s: its time by the stream's clock, from any beginning.
        """
        if self._frames and position_s <= self._frames[-1][1]:
            self._frames.clear()  # FFmpeg counts anew once it has seen enough of a stream
        self._frames.append((read_s, position_s))
        first_read_s, first_position_s = self._frames[0]
        return (
            len(self._frames) == _LOOKED_AT and 2 * (read_s - first_read_s) >= position_s - first_position_s
        )
