"""When a frame of a stream arrived that was read later: from the times that the stream itself carries."""

from __future__ import annotations

import math
from collections import deque
from statistics import fmean

_DRIFT = 1e-3
"""How much faster or slower than ours a camera's clock may go; real ones stay under a tenth of it. A way
that becomes longer for good is taken for the usual one at this rate: 100 ms in 100 s."""

_JUMP_S = 20.0
_MOST_HELD_S = 0.2
_LOOKED_AT = 5

STILL_S = 0.3
"""How much longer than usual the next frame must take for a stream to have stood still; less is jitter, and
frames that are no older are not late."""

_CLEAR_S = 0.15
"""What took that long to come was on its way: a busy machine reads what has queued up sooner."""

_PACE_FRAMES = 30
_MOST_STALLS = 3
"""A stream that stands still so often without being caught up with is one that comes in pieces."""


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


class PaceClock:
    """Tells from their pace when frames arrived that carry no times of their own.

    After a network stood still, what waited in it comes faster than the camera made it: each frame is one
    interval newer than the one before it, until they come at their own pace again. A gap after which they do
    was none of the network's, and what follows it is new; it takes up to four frames to know that. What
    waited and comes at less than twice its own pace cannot be told from new frames. A stream that always
    comes in pieces has frames that waited in each of them.

    Args:
        interval_s: time between two frames as long as none was measured.
    """

    def __init__(self, interval_s: float) -> None:
        self._intervals_s: deque[float] = deque([interval_s], maxlen=_PACE_FRAMES)
        self._measured = False
        self._last_read_s: float | None = None
        self._waited_s = self._position_s = 0.0
        self._was_slow = False
        self._catch_up = CatchUp()
        self._stalls = self._stall_frames = 0
        self._stall_begun_s = 0.0

    def captured_s(self, read_s: float) -> float:
        """Return when a frame arrived: never later than it was read, nor earlier than the one before it.

        Args:
            read_s: when it was read, on any clock that goes forward.
        """
        if self._last_read_s is not None:
            self._go_on(read_s, read_s - self._last_read_s)
        self._last_read_s = read_s
        return read_s - self._waited_s

    def _go_on(self, read_s: float, passed_s: float) -> None:
        interval_s = fmean(self._intervals_s)
        slow = passed_s > max(2 * interval_s, interval_s + STILL_S)
        self._position_s += interval_s
        self._stall_frames += 1
        if slow and not self._was_slow:
            self._stand_still(read_s, passed_s, interval_s)
        elif slow or self._at_own_pace(read_s, passed_s, interval_s):
            # Slow twice in a row is a camera that has become slow: nothing has queued up.
            self._waited_s = 0.0
            self._measure(passed_s)
        else:
            self._waited_s = max(0.0, self._waited_s + passed_s - interval_s)
            if not self._waited_s:
                self._measure((read_s - self._stall_begun_s) / self._stall_frames)
        self._was_slow = slow

    def _stand_still(self, read_s: float, passed_s: float, interval_s: float) -> None:
        if not self._waited_s:
            self._stalls, self._stall_frames, self._stall_begun_s = 0, 1, read_s - passed_s
        self._stalls += 1
        self._waited_s += passed_s - interval_s
        if self._stalls > _MOST_STALLS:
            # Its pace was taken for a faster one than it is; by that it would never be caught up with.
            interval_s = (read_s - passed_s - self._stall_begun_s) / (self._stall_frames - 1)
            self._intervals_s.clear()
            self._measure(interval_s)
            self._waited_s = max(0.0, passed_s - interval_s)
            self._stalls, self._stall_frames, self._stall_begun_s = 1, 1, read_s - passed_s
        self._catch_up = CatchUp()
        self._catch_up.done(read_s, self._position_s)

    def _at_own_pace(self, read_s: float, passed_s: float, interval_s: float) -> bool:
        caught_up = self._catch_up.done(read_s, self._position_s)
        return not self._waited_s or caught_up or passed_s >= max(interval_s / 2, _CLEAR_S)

    def _measure(self, passed_s: float) -> None:
        if not self._measured:
            self._intervals_s.clear()  # what a stream says of its rate is often not so
            self._measured = True
        self._intervals_s.append(passed_s)
