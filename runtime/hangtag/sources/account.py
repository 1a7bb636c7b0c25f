"""Who delivered what and when: the account of one feed, shared by its threads."""

from __future__ import annotations

import dataclasses
import logging
import re
import threading
import time
from collections import Counter
from dataclasses import dataclass

from hangtag.errors import SourceError
from hangtag.sources.base import Frame
from hangtag.sources.frame_check import Fault

_log = logging.getLogger(__name__)

_NO_FRAMES = "no frames"
_MOST_SAID = 20
"""Different things that are said of one outage."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What a feed has done so far.

    Args:
        dropped: good frames that nobody took, because a newer one was there (or, paced, because they came
            too late).
        rejected: frames that show nothing, which were not classified.
        reconnects: how often a lost source was opened again.
        outages: how often the output became stale.
    """

    dropped: int = 0
    rejected: int = 0
    reconnects: int = 0
    outages: int = 0


@dataclass(frozen=True, slots=True)
class Outage:
    """There is no frame to classify just now: whatever was said before is stale.

    Args:
        source: what to call the source.
        reason: why, as far as is known.
        age_ms: since the last good frame was captured, or since the beginning.
        time_s: on the clock of ``Frame.time_s``.
        counts: what the feed has done.
        wall_s: seconds since 1970, by the system's clock.
    """

    source: str
    reason: str
    age_ms: float
    time_s: float
    counts: Counts
    wall_s: float = dataclasses.field(default_factory=time.time)


class Account:
    """What a feed's source delivered, when the last good frame was captured, and what was said about it.

    Thread-safe. Each thing is said once per change: a source that stays away is news only once.

    Args:
        shown: what to call the source.
        live: it is expected to deliver all the time.
    """

    def __init__(self, shown: str, *, live: bool) -> None:
        self.live = live
        self._shown = shown
        self._lock = threading.Lock()
        self._good_s = time.monotonic()
        self._begun_s: float | None = None
        self._bad_since_s: float | None = None
        self._next_number = 0
        self._openings = 0
        self._rejected: Counter[Fault] = Counter()
        self._reconnects = self._outages = 0
        self._reason = _NO_FRAMES
        self._said: set[str] = set()
        self._stale = False

    @property
    def begun(self) -> bool:
        """True when there was a good frame."""
        with self._lock:
            return self._begun_s is not None

    def entry(self) -> Entry:
        """Begin to count the frames of a source that was just opened."""
        with self._lock:
            self._openings += 1
            return Entry(self, self._next_number, again=self._openings > 1)

    def accept(self, frame: Frame, number: int, *, reconnected: bool) -> Frame:
        """Note a good frame and return it with its place in the whole feed."""
        with self._lock:
            back_after_s = frame.captured_s - self._good_s if self._said else None
            self._good_s, self._bad_since_s = frame.captured_s, None
            self._begun_s = frame.captured_s if self._begun_s is None else self._begun_s
            time_s = frame.captured_s - self._begun_s
            self._next_number = number + 1
            self._reconnects += reconnected
            self._reason, self._stale = _NO_FRAMES, False
            self._said.clear()
        if back_after_s is not None:
            _log.warning("%s is back after %.1f s", self._shown.rstrip(":"), back_after_s)
        return dataclasses.replace(frame, number=number, time_s=time_s)

    def reject(self, fault: Fault, captured_s: float) -> None:
        """Note a frame that shows nothing."""
        with self._lock:
            self._rejected[fault] += 1
            self._reason = str(fault)
            if self._bad_since_s is None:
                self._bad_since_s = captured_s

    def lost(self, reason: str) -> None:
        """Note that the source ended or failed, or could not be opened."""
        with self._lock:
            self._reason = reason
        self._say(reason)

    def _say(self, reason: str) -> None:
        # Messages of other programs hold times and process numbers: other digits are no other news.
        kind = re.sub(r"\d+", "#", reason)
        with self._lock:
            if kind in self._said or len(self._said) >= _MOST_SAID:
                return
            self._said.add(kind)
            wait = "waiting until it is back" if self._begun_s is not None else "waiting for the first"
        _log.warning("%s: %s; %s", self._shown.rstrip(":"), reason, wait)

    def bad_s(self, now: float) -> float:
        """Return for how long there were bad frames and no good one, in seconds."""
        with self._lock:
            return 0.0 if self._bad_since_s is None else now - self._bad_since_s

    def forgiven(self) -> SourceError:
        """Count the time of bad frames anew; return what was wrong with them."""
        with self._lock:
            self._bad_since_s = None
            return SourceError(self._reason)

    def silent_s(self, now: float) -> float:
        """Return the time since the last good frame; 0 for sources that may take their time."""
        with self._lock:
            return now - self._good_s if self.live else 0.0

    def outage(self, now: float, dropped: int) -> Outage:
        """Return what is wrong just now."""
        with self._lock:
            self._outages += not self._stale
            self._stale = True
            reason, age_ms = self._reason, 1000 * (now - self._good_s)
            time_s = 0.0 if self._begun_s is None else now - self._begun_s
        self._say(reason)
        return Outage(self._shown, reason, age_ms, time_s, self.counts(dropped))

    def counts(self, dropped: int) -> Counts:
        """Return what was done so far."""
        with self._lock:
            return Counts(dropped, self._rejected.total(), self._reconnects, self._outages)


class Entry:
    """Numbers the frames of a source so that they go on from those of its last opening."""

    def __init__(self, account: Account, base: int, *, again: bool) -> None:
        self._account = account
        self._again = again
        self._number = base - 1
        self._last = -1

    def accept(self, frame: Frame) -> Frame:
        """Return a good frame, renumbered; a source that skips some by itself says so by its own numbers."""
        self._number += frame.number - self._last
        self._last = frame.number
        reconnected, self._again = self._again, False
        return self._account.accept(frame, self._number, reconnected=reconnected)

    def reject(self, frame: Frame, fault: Fault) -> None:
        """Note a frame that shows nothing: it has no number."""
        self._last = frame.number
        self._account.reject(fault, frame.captured_s)
