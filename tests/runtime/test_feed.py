"""A source that is lost comes back; what is old, black or hung is never handed over as new."""

from __future__ import annotations

import gc
import itertools
import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from hangtag.errors import SourceError
from hangtag.sources import Frame, Source
from hangtag.sources.account import Outage
from hangtag.sources.backoff import Backoff
from hangtag.sources.feed import Feed
from hangtag.sources.live import LiveSource, Thinning

_noise = np.random.default_rng(0).integers(0, 255, (8, 48, 64, 3), np.uint8)


def picture(number: int) -> np.ndarray:
    return _noise[number % 8]


class Camera(LiveSource):
    """Delivers so many frames at a rate, then does ``ending``."""

    shown = "camera"

    def __init__(
        self,
        frames: int,
        ending: Callable[[], None] | None = None,
        *,
        interval_s: float = 0.01,
        make: Callable[[int], np.ndarray] = picture,
    ) -> None:
        self._frames, self._ending, self._interval_s, self._make = frames, ending, interval_s, make
        self.closed = False

    def delivered(self) -> Iterator[Frame]:
        for number in range(self._frames):
            time.sleep(self._interval_s)
            yield Frame(self._make(number), number, 0.0, time.monotonic())
        if self._ending is not None:
            self._ending()

    def close(self) -> None:
        self.closed = True


def unplugged() -> None:
    raise SourceError("camera stopped delivering")


def unplugged_by_a_driver() -> None:
    raise SourceError("camera stopped delivering") from OSError("no such device")


def quick() -> Backoff:
    return Backoff(0.01, 0.05)


def take(feed: Feed, count: int, patience_s: float = 10) -> list[Frame | Outage]:
    """Return the next so many items."""
    until = time.monotonic() + patience_s
    items: list[Frame | Outage] = []
    while len(items) < count and time.monotonic() < until:
        item = feed.take()
        if item is None:
            break
        items.append(item)
    return items


@pytest.fixture
def feeds() -> Iterator[list[Feed]]:
    """Feeds that end with the test."""
    made: list[Feed] = []
    yield made
    for feed in made:
        feed.stop()


def test_a_lost_camera_comes_back_and_its_frames_go_on(
    feeds: list[Feed], caplog: pytest.LogCaptureFixture
) -> None:
    cameras = [Camera(5, unplugged), Camera(5, unplugged), Camera(10_000)]
    rest = iter(cameras[1:])
    feeds.append(feed := Feed(cameras[0], reopen=lambda: next(rest), backoff=quick()))
    with caplog.at_level(logging.WARNING, "hangtag"):
        frames = [item for item in take(feed, 40) if isinstance(item, Frame)]
    assert len(frames) == 40
    assert feed.counts().reconnects == 2
    numbers = [frame.number for frame in frames]
    assert numbers == sorted(set(numbers))
    assert [frame.time_s for frame in frames] == sorted(frame.time_s for frame in frames)
    assert numbers[-1] + 1 == 40 + feed.counts().dropped
    assert [camera.closed for camera in cameras] == [True, True, False]
    said = [record.getMessage() for record in caplog.records]
    assert len([line for line in said if "stopped delivering" in line]) == 2
    assert len([line for line in said if "is back after" in line]) == 2


def test_a_lost_camera_is_let_go_of_at_once(feeds: list[Feed]) -> None:
    gone = []

    def made(frames: int) -> Camera:
        camera = Camera(frames, unplugged_by_a_driver)
        weakref.finalize(camera, gone.append, frames)
        return camera

    lengths = iter([5, 6, 10_000])
    gc.collect()
    gc.disable()
    try:
        feeds.append(feed := Feed(made(4), reopen=lambda: made(next(lengths)), backoff=quick()))
        assert len(take(feed, 30)) == 30
        wait_for(lambda: gone == [4, 5, 6])
    finally:
        gc.enable()


def test_many_attempts_are_said_once(feeds: list[Feed], caplog: pytest.LogCaptureFixture) -> None:
    tries = itertools.count()

    def reopen() -> Source:
        if next(tries) < 12:
            raise SourceError("no answer")
        return Camera(10_000)

    with caplog.at_level(logging.WARNING, "hangtag"):
        feeds.append(feed := Feed(Camera(3, unplugged), reopen=reopen, backoff=quick()))
        items = take(feed, 30)
    assert len(items) == 30
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 3, said
    assert "no answer" in said[1]


def test_while_there_is_nothing_the_outage_says_why(feeds: list[Feed]) -> None:
    def gone() -> Source:
        raise SourceError("there is no camera /dev/video0")

    feeds.append(feed := Feed(Camera(3, unplugged), reopen=gone, backoff=quick(), stale_after_s=0.1))
    outages = [item for item in take(feed, 4) if isinstance(item, Outage)]
    (outage,) = outages
    assert outage.reason == "there is no camera /dev/video0"
    assert outage.source == "camera"
    assert 100 <= outage.age_ms < 5000
    assert outage.counts.outages == 1


def test_without_a_way_back_a_lost_camera_is_an_error(feeds: list[Feed]) -> None:
    feeds.append(feed := Feed(Camera(3, unplugged)))
    with pytest.raises(SourceError, match="stopped delivering"):
        take(feed, 10)


def test_a_defect_is_raised_and_not_retried(feeds: list[Feed]) -> None:
    def defect() -> None:
        raise ZeroDivisionError("defect")

    feeds.append(feed := Feed(Camera(3, defect), reopen=lambda: Camera(3), backoff=quick()))
    with pytest.raises(ZeroDivisionError):
        take(feed, 10)


def black_from(start: int) -> Callable[[int], np.ndarray]:
    return lambda number: picture(number) if number < start else np.zeros((48, 64, 3), np.uint8)


def test_black_frames_are_not_handed_over_and_the_output_becomes_stale(feeds: list[Feed]) -> None:
    feeds.append(feed := Feed(Camera(10_000, make=black_from(5)), stale_after_s=0.2))
    items = take(feed, 6)
    last = items[-1]
    assert isinstance(last, Outage)
    assert "blank" in last.reason
    assert last.counts.rejected > 5
    assert all(isinstance(item, Frame) and item.image_bgr.any() for item in items[:-1])
    # What was rejected was not dropped for lateness.
    assert last.counts.dropped == items[-2].number + 1 - len(items[:-1])  # type: ignore[union-attr]


def test_a_camera_of_black_frames_is_opened_anew(
    feeds: list[Feed], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("hangtag.sources.feed._BAD_FRAMES_S", 0.3)
    feeds.append(
        feed := Feed(Camera(10_000, make=black_from(3)), reopen=lambda: Camera(10_000), backoff=quick())
    )
    with caplog.at_level(logging.WARNING, "hangtag"):
        items = take(feed, 30)
    assert feed.counts().reconnects == 1
    assert isinstance(items[-1], Frame)
    assert "blank frames" in caplog.records[0].getMessage()


def test_a_capture_that_hangs_is_left_to_itself(feeds: list[Feed], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hangtag.sources.feed._HUNG_MARGIN_S", 0.2)
    release = threading.Event()
    hanging = Camera(3, lambda: release.wait(20) and None)
    hanging.read_timeout_s = 0.1
    feeds.append(feed := Feed(hanging, reopen=lambda: Camera(10_000), backoff=quick(), stale_after_s=5))
    frames = [item for item in take(feed, 20) if isinstance(item, Frame)]
    assert len(frames) == 20
    assert not hanging.closed, "a device must not be released inside a read of it"
    release.set()
    wait_for(lambda: hanging.closed)


def test_a_camera_that_hangs_every_time_is_an_error_for_whoever_starts_us_again(
    feeds: list[Feed], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hangtag.sources.feed._HUNG_MARGIN_S", 0.0)
    monkeypatch.setattr(LiveSource, "read_timeout_s", 0.05)
    release = threading.Event()
    opened = []

    def hanging() -> Source:
        opened.append(Camera(0, lambda: release.wait(30) and None))
        return opened[-1]

    feeds.append(feed := Feed(hanging(), reopen=hanging, backoff=quick(), stale_after_s=0.1))
    try:
        with pytest.raises(SourceError, match="4 attempts to open or read it never came back"):
            take(feed, 10**6)
        assert len(opened) == 4
    finally:
        release.set()


def test_whoever_leaves_a_with_statement_does_not_close_what_a_thread_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(LiveSource, "read_timeout_s", 0.05)
    release = threading.Event()
    camera = Camera(1, lambda: release.wait(30) and None)
    with camera as source:
        feed = Feed(source)
        take(feed, 1)
        feed.stop(0.1)
    assert not camera.closed
    release.set()
    wait_for(lambda: camera.closed)
    # So where the frames are read without a loop.
    release.clear()
    camera = Camera(1, lambda: release.wait(30) and None)
    with camera as source:
        next(iter(source))
    assert not camera.closed
    release.set()
    wait_for(lambda: camera.closed)


def test_a_source_that_nobody_reads_is_closed_by_the_with_statement() -> None:
    with Camera(1) as camera:
        pass
    assert camera.closed


def wait_for(happened: Callable[[], bool], patience_s: float = 10) -> None:
    until = time.monotonic() + patience_s
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_the_same_news_with_other_digits_is_none(feeds: list[Feed], caplog: pytest.LogCaptureFixture) -> None:
    tries = itertools.count()

    def reopen() -> Source:
        if (number := next(tries)) < 15:
            raise SourceError(f"rpicam-vid: [{number}:42:{number}.5] no cameras available (process {number})")
        return Camera(10_000)

    with caplog.at_level(logging.WARNING, "hangtag"):
        feeds.append(feed := Feed(Camera(3, unplugged), reopen=reopen, backoff=quick()))
        take(feed, 20)
    assert len([r for r in caplog.records if "no cameras available" in r.getMessage()]) == 1


@pytest.mark.parametrize(("checked", "check_frames"), [(False, True), (True, False)])
def test_black_frames_pass_where_they_are_meant(feeds: list[Feed], checked: bool, check_frames: bool) -> None:
    clip = Camera(20, make=black_from(0))
    clip.checked = checked
    feeds.append(feed := Feed(clip, every_frame=True, check_frames=check_frames))
    assert len(take(feed, 20)) == 20
    assert feed.counts().rejected == 0


def test_stopping_wakes_whoever_waits() -> None:
    feed = Feed(Camera(1, interval_s=0.01, ending=lambda: time.sleep(30)), reopen=lambda: Camera(1))
    take(feed, 1)
    threading.Timer(0.2, feed.stop).start()
    begun = time.monotonic()
    assert feed.take() is None
    assert time.monotonic() - begun < 5


def test_only_the_newest_frame_of_a_live_source_waits(feeds: list[Feed]) -> None:
    feeds.append(feed := Feed(Camera(200, interval_s=0.002)))
    first = feed.take()
    time.sleep(0.3)
    second = feed.take()
    assert isinstance(first, Frame)
    assert isinstance(second, Frame)
    assert time.monotonic() - second.captured_s < 0.2
    assert feed.counts().dropped == second.number - 1


def test_every_frame_of_a_live_source_can_be_had(feeds: list[Feed]) -> None:
    feeds.append(feed := Feed(Camera(30, interval_s=0.001), every_frame=True))
    numbers = []
    while (item := feed.take()) is not None:
        assert isinstance(item, Frame)
        numbers.append(item.number)
        time.sleep(0.005)
    assert numbers == list(range(30))


def test_frames_that_do_not_hold_the_region_are_rejected_once_it_went_well(feeds: list[Feed]) -> None:
    sizes = [(48, 64)] * 3 + [(24, 32)] * 500

    def make(number: int) -> np.ndarray:
        height, width = sizes[number]
        return picture(number)[:height, :width]

    feeds.append(feed := Feed(Camera(503, make=make), stale_after_s=0.1, fits=lambda wh: wh[0] >= 64))
    items = take(feed, 4)
    assert isinstance(items[-1], Outage)
    assert "region of interest" in items[-1].reason


@pytest.mark.parametrize(("delivered", "wanted"), [(30, 5), (30, 20), (30, 29), (25, 10), (60, 30), (10, 30)])
def test_thinning_gives_the_rate_that_was_asked_for(delivered: int, wanted: int) -> None:
    thinning = Thinning(wanted)
    rng = np.random.default_rng(0)
    kept = sum(thinning.keeps(n / delivered + rng.uniform(-0.002, 0.002)) for n in range(10 * delivered))
    assert kept == pytest.approx(10 * min(wanted, delivered), rel=0.03)


def test_waiting_times_grow_and_are_shortened_by_chance() -> None:
    backoff = Backoff(0.2, 1.5)
    times = [backoff.next_s() for _ in range(50)]
    for attempt, wait_s in enumerate(times):
        due = min(1.5, 0.2 * 2**attempt)
        assert due / 2 <= wait_s <= due
    assert len(set(times)) == 50
    backoff.reset()
    assert backoff.next_s() <= 0.2
