"""What the loop reads: frames of a source, or that there are none; lost sources are opened again.

A thread opens the source and reads it; another one watches it. A live source that ends, fails or delivers
pictures that show nothing is closed and opened again, after waiting times that grow; one that hangs inside
native code cannot be ended from outside, so its thread is left to itself and another one takes its place.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable

from hangtag.errors import HangtagError, SourceError
from hangtag.heap import give_back
from hangtag.sources.account import Account, Counts, Outage
from hangtag.sources.backoff import Backoff
from hangtag.sources.base import Frame, Source
from hangtag.sources.frame_check import Fault, FrameCheck
from hangtag.sources.live import LiveSource
from hangtag.sources.slot import Slot

STALE_AFTER_S = 1.0
"""How old the last good frame may be before the output says that it is stale."""

_REPORT_EVERY_S = 1.0
_BAD_FRAMES_S = 10.0
"""How long a source may deliver nothing but bad frames before it is opened anew: some cameras need it."""

_HUNG_MARGIN_S = 2.0
_MOST_HUNG = 4
_LOOK_EVERY_S = 0.05
_TIDY_EVERY_S = 10.0


class Feed:
    """Gives one thread the frames that others capture.

    Args:
        source: an open source; the feed closes it.
        reopen: opens a live source again after it was lost; without it, its end is the feed's.
        every_frame: classify every frame of a live source, too, however old they grow.
        stale_after_s: see :data:`STALE_AFTER_S`.
        check_frames: refuse frames of live sources that show nothing.
        fits: tells whether frames of a width and height can be used, should a live source change its size.
        backoff: how long to wait between attempts.
    """

    def __init__(
        self,
        source: Source,
        *,
        reopen: Callable[[], Source] | None = None,
        every_frame: bool = False,
        stale_after_s: float = STALE_AFTER_S,
        check_frames: bool = True,
        fits: Callable[[tuple[int, int]], bool] = lambda _: True,
        backoff: Backoff | None = None,
    ) -> None:
        self._shown = source.shown
        source.left_to_reader = True
        self._reopen = reopen
        self._check_frames, self._fits = check_frames, fits
        # A second opening may take as long as a read.
        self._patience_s = getattr(source, "read_timeout_s", 0.0) + _HUNG_MARGIN_S
        self._stale_after_s = stale_after_s
        self._backoff = backoff or Backoff()
        self._slot: Slot[Frame] = Slot(every=every_frame or not source.live)
        self._stopping = threading.Event()
        self._account = Account(source.shown, live=source.live)
        self._next_report_s = 0.0
        self._taken = -1
        self._dropped = 0
        # Popped, so that nobody but its reader holds it: a lost camera's buffers are to go with it.
        self._thread = threading.Thread(
            target=self._keep_reading, args=([source].pop,), name="hangtag-feed", daemon=True
        )
        self._thread.start()

    def take(self) -> Frame | Outage | None:
        """Wait for the next frame; an :class:`Outage` about once a second while there is none.

        None when the source has ended or the feed was stopped.

        Raises:
            HangtagError: the source failed and cannot be opened again.
        """
        while True:
            frame = self._slot.take(timeout_s=0.1)
            if frame is not None:
                self._dropped += frame.number - self._taken - 1
                self._taken = frame.number
                self._next_report_s = 0.0
                return frame if self._account.live else _just_captured(frame)
            if self._slot.ended:
                return None
            now = time.monotonic()
            if self._account.silent_s(now) >= self._stale_after_s and now >= self._next_report_s:
                self._next_report_s = now + _REPORT_EVERY_S
                return self._account.outage(now, self._dropped)

    def counts(self) -> Counts:
        """Return what was done so far."""
        return self._account.counts(self._dropped)

    def stop(self, patience_s: float = 3.0) -> None:
        """End: wake whoever waits in :meth:`take`, and wait so long for the source to be closed.

        A source that hangs is left to itself after that.
        """
        self._stopping.set()
        self._slot.stop()
        self._thread.join(timeout=patience_s)

    # --- in the watching thread ----------------------------------------------------------------------------

    def _keep_reading(self, first: Callable[[], Source]) -> None:
        try:
            self._slot.end(self._read_again_and_again(first))
        # A defect in here must end the program, not leave it waiting for frames.
        except BaseException as error:  # noqa: BLE001
            self._slot.end(error)

    def _read_again_and_again(self, first: Callable[[], Source]) -> BaseException | None:
        """Read the source until it has ended for good; return what it failed with."""
        attempt = self._attempt(first)
        hung: list[_Attempt] = []
        while True:
            error = self._watched(attempt)
            if self._stopping.is_set() or self._reopen is None or not isinstance(error, HangtagError | None):
                return error
            self._account.lost(str(error) if error else "it ended")
            _drop_tracebacks(error)
            if attempt.delivered_good:
                self._backoff.reset()
            hung = [one for one in (*hung, attempt) if not one.done.is_set()]
            if len(hung) >= _MOST_HUNG:
                # Whoever watches over this program, systemd say, starts it again: that frees the device.
                return SourceError(
                    f"{self._shown} hangs: {len(hung)} attempts to open or read it never came back; "
                    "start the program again"
                )
            if self._stopping.wait(self._backoff.next_s()):
                return None
            attempt = self._attempt(self._reopen)

    def _attempt(self, opener: Callable[[], Source]) -> _Attempt:
        def prepared() -> Source:
            source = opener()
            source.left_to_reader = True
            source.checked = source.checked and self._check_frames
            return source

        return _Attempt(prepared, self._account, self._slot, self._fits, self._patience_s)

    def _watched(self, attempt: _Attempt) -> BaseException | None:
        """Wait for an attempt's end; return what it failed with, None where it just ended."""
        attempt.start()
        tidied_s = time.monotonic()
        while not attempt.done.wait(_LOOK_EVERY_S):
            now = time.monotonic()
            if now - tidied_s >= _TIDY_EVERY_S:
                tidied_s = now
                give_back()
            if self._stopping.is_set():
                attempt.abandon()
                attempt.done.wait()
                return None
            if not self._account.live or self._reopen is None:
                continue
            if attempt.hangs(now):
                attempt.abandon()
                return HangtagError(f"it hangs: no answer for {attempt.silent_s(now):.0f} s")
            if self._account.bad_s(now) >= _BAD_FRAMES_S:
                attempt.abandon()
                # It notices with its next frame; a device can be opened only when it has been let go.
                attempt.done.wait(_HUNG_MARGIN_S)
                return self._account.forgiven()
        return attempt.error


class _Attempt:
    """Opens a source and reads it to its end, in a thread of its own."""

    def __init__(
        self,
        opener: Callable[[], Source],
        account: Account,
        slot: Slot[Frame],
        fits: Callable[[tuple[int, int]], bool],
        patience_s: float,
    ) -> None:
        self._opener, self._account, self._slot, self._fits = opener, account, slot, fits
        self.done = threading.Event()
        self.error: BaseException | None = None
        self.delivered_good = False
        self._abandoned = False
        self._patience_s = patience_s
        self._sign_s = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="hangtag-capture", daemon=True)

    def start(self) -> None:
        self._sign_s = time.monotonic()
        self._thread.start()

    def abandon(self) -> None:
        """Take no more frames: the thread ends when it next has one, if it ever does."""
        self._abandoned = True

    def silent_s(self, now: float) -> float:
        return now - self._sign_s

    def hangs(self, now: float) -> bool:
        return self.silent_s(now) > self._patience_s

    def _run(self) -> None:
        try:
            source = self._opener()
            try:
                self._deliver(source)
            finally:
                # Here and not from outside: a device must not be released inside a read of it.
                source.close()
        # Whatever ends the thread is told to the one that watches it.
        except BaseException as error:  # noqa: BLE001
            self.error = error
        finally:
            self.done.set()

    def _deliver(self, source: Source) -> None:
        check = FrameCheck() if source.checked else None
        entry = self._account.entry()
        self._sign_s = time.monotonic()
        if isinstance(source, LiveSource):
            source.every_frame = self._slot.every
        for frame in source.delivered() if isinstance(source, LiveSource) else source:
            self._sign_s = time.monotonic()
            if self._abandoned:
                return
            fault = self._fault(check, frame) if source.live else None
            if fault is not None:
                entry.reject(frame, fault)
                continue
            self.delivered_good = True
            if not self._slot.put(entry.accept(frame) if source.live else frame):
                return

    def _fault(self, check: FrameCheck | None, frame: Frame) -> Fault | None:
        height, width = frame.image_bgr.shape[:2]
        # The very first frame goes through: if it does not fit, the settings are wrong, which ends the loop.
        if self._account.begun and not self._fits((width, height)):
            return Fault.TOO_SMALL
        return check.fault(frame.image_bgr, frame.captured_s) if check else None


def _drop_tracebacks(error: BaseException | None) -> None:
    """Let go of the calls that an error came from.

    They hold the attempt that holds the error: a circle, and with it the lost source and its buffers, which
    would stay until one of Python's rare full collections.
    """
    while error is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__


def _just_captured(frame: Frame) -> Frame:
    """Return a frame of a file as captured now: one that waits on a disk does not grow old."""
    return dataclasses.replace(frame, captured_s=time.monotonic())
