"""What is on show: the newest record and picture, and whether they are still of now."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

SILENT_S = 3.0
"""A loop that says nothing for so long hangs or has ended: what it said last is stale."""

_RATE_OVER = 60
_SILENT = "the camera loop gives nothing any more"
_OLD_S = 0.5
_LINGER_S = 1.0
"""Who asks for a picture will ask for another one."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG, counted from 0, and when it came on the clock of ``time.monotonic()``."""

    jpeg: bytes
    number: int
    came_s: float


class Display:
    """Keeps what came last. For one event loop.

    Args:
        record: of :func:`hangtag.sinks.json_lines.as_record`, to begin with: that there is no frame yet.
        on_look: told True when somebody begins to look at the picture, False when nobody does any more.
        clock: seconds, as ``time.monotonic()``, which the sink's process shares.
    """

    def __init__(
        self,
        record: dict[str, Any],
        on_look: Callable[[bool], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._record, self._on_look, self._clock = record, on_look, clock
        self._picture: Picture | None = None
        self._pictures = 0
        self._came_s = self._captured_s = clock()
        self._times_s: deque[float] = deque(maxlen=_RATE_OVER)
        self._lookers = 0
        self._unseen: asyncio.TimerHandle | None = None
        self._changed = asyncio.Event()

    # --- what comes ----------------------------------------------------------------------------------------

    def show(self, record: dict[str, Any], captured_s: float) -> None:
        """Take a record of :func:`hangtag.sinks.json_lines.as_record` and when its frame was captured."""
        self._record, self._captured_s = record, captured_s
        self._came_s = self._clock()
        if not record["stale"]:
            self._times_s.append(self._came_s)
        self._wake()

    def show_picture(self, jpeg: bytes) -> None:
        """Take the picture of the last record."""
        self._picture = Picture(jpeg, self._pictures, self._clock())
        self._pictures += 1
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    # --- what is to be seen --------------------------------------------------------------------------------

    @property
    def fresh(self) -> bool:
        """True when the last record is of now and not stale."""
        return not self._record["stale"] and not self._silent

    @property
    def _silent(self) -> bool:
        return self._clock() - self._came_s > SILENT_S

    @property
    def age_s(self) -> float:
        """How long ago the last good frame was captured, or since the beginning."""
        return max(0.0, self._clock() - self._captured_s)

    @property
    def fps(self) -> float:
        """Frames a second that were classified lately."""
        now = self._clock()
        recent = [when for when in self._times_s if now - when < SILENT_S]
        return (len(recent) - 1) / (recent[-1] - recent[0]) if len(recent) > 1 else 0.0

    def record(self) -> dict[str, Any]:
        """Return the last record; one that says why it is stale where nothing came for a while."""
        record = self._record
        if not record["stale"] and not self._silent:
            return record
        now = {"age_ms": round(1000 * self.age_s, 3)}
        if record["stale"]:
            return record | now
        kept = {key: record[key] for key in ("schema", "time", "time_s", "source")}
        return kept | {"stale": True, "label": None, "reason": _SILENT, **now, "dropped": record["dropped"]}

    def picture(self) -> Picture | None:
        """Return the newest picture; None where there is none of the last seconds."""
        if self._picture is None or self._clock() - self._picture.came_s > SILENT_S:
            return None
        return self._picture

    # --- waiting -------------------------------------------------------------------------------------------

    async def changed(self, timeout_s: float) -> None:
        """Wait until something comes, at most ``timeout_s`` seconds."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._changed.wait(), timeout_s)

    async def picture_after(self, number: int) -> Picture:
        """Wait for a picture with a higher number than this one."""
        while (picture := self.picture()) is None or picture.number <= number:
            await self._changed.wait()
        return picture

    @contextlib.contextmanager
    def looked_at(self) -> Iterator[None]:
        """Say meanwhile, and a moment longer, that somebody looks at the picture: then there are new ones."""
        if self._unseen is not None:
            self._unseen.cancel()
            self._unseen = None
        elif self._lookers == 0:
            # The last one is of when somebody looked last.
            if self._picture is not None and self._clock() - self._picture.came_s > _OLD_S:
                self._picture = None
            self._on_look(True)
        self._lookers += 1
        try:
            yield
        finally:
            self._lookers -= 1
            if self._lookers == 0:
                self._unseen = asyncio.get_running_loop().call_later(_LINGER_S, self._look_away)

    def _look_away(self) -> None:
        self._unseen = None
        self._on_look(False)
