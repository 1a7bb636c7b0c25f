"""When a frame of a stream arrived that was read later: from the times that the stream itself carries."""

from __future__ import annotations

_DRIFT = 1e-3
"""How much faster or slower than ours a camera's clock may go; real ones stay under a tenth of it. A way
that becomes longer for good is taken for the usual one at this rate: 100 ms in 100 s."""

_JUMP_S = 20.0
_MOST_HELD_S = 0.2


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

    def captured_s(self, read_s: float, position_s: float) -> float:
        """Return when a frame arrived.

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
        return position_s + self._offset_s - held_s
