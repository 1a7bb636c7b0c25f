"""With a live source nothing holds up the loop: not a sink that blocks or fails, not a hung camera."""

from __future__ import annotations

import errno
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
from camera_results import Spy

from hangtag import Classifier
from hangtag.errors import OutputError, SourceError
from hangtag.pipeline import LoopSettings, run_loop
from hangtag.result import Result
from hangtag.sinks.base import Losses, Sink, StopLoop
from hangtag.sources import Frame
from hangtag.sources.live import LiveSource

_noise = np.random.default_rng(0).integers(0, 255, (8, 48, 64, 3), np.uint8)


class Camera(LiveSource):
    """Frames of noise, one every 20 ms; then ``ending``."""

    shown = "camera"
    fps = 50.0

    def __init__(self, frames: int = 10**9, ending: BaseException | None = None) -> None:
        self._frames, self._ending = frames, ending
        self.closed = threading.Event()

    def delivered(self) -> Iterator[Frame]:
        for number in range(self._frames):
            time.sleep(0.02)
            yield Frame(_noise[number % 8], number, 0.0, time.monotonic())
        if self._ending is not None:
            raise self._ending

    def close(self) -> None:
        self.closed.set()


class Blocked(Spy):
    """Takes one result and never comes back while the test runs."""

    name = "blocked"

    def __init__(self) -> None:
        super().__init__()
        self.release = threading.Event()

    def write(self, result: Result) -> None:
        super().write(result)
        self.release.wait(30)


class Failing(Spy):
    """A full disk, for a while."""

    name = "failing"

    def write(self, result: Result) -> None:
        super().write(result)
        if 3 <= len(self.results) <= 10:
            raise OutputError("no space left on the device")


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.bundled()


def test_a_blocked_sink_holds_up_nobody(classifier: Classifier) -> None:
    blocked, spy = Blocked(), Spy()
    with pytest.raises(OutputError, match="blocked hangs"):
        run_loop(Camera(), classifier, [blocked, spy], LoopSettings(max_frames=50))
    blocked.release.set()
    assert len(blocked.results) == 1
    assert len(spy.results) == 50
    # Where one held up the other, each result would wait for seconds.
    assert np.median([result.age_ms for result in spy.results]) < 200


def test_a_failing_sink_is_said_once_counted_and_tried_again(
    classifier: Classifier, caplog: pytest.LogCaptureFixture
) -> None:
    failing, spy = Failing(), Spy()
    with caplog.at_level(logging.WARNING, "hangtag"):
        summary = run_loop(Camera(), classifier, [failing, spy], LoopSettings(max_frames=20))
    assert len(spy.results) == len(failing.results) == 20
    assert [(loss.name, loss.failed) for loss in summary.losses] == [("failing", 8), ("spy", 0)]
    said = [record.getMessage() for record in caplog.records]
    assert [line.split(";")[0] for line in said] == [
        "failing: no space left on the device",
        "failing works again",
    ]


class _Asking(Spy):
    """Asks at each result what all sinks have lost."""

    name = "asking"

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[dict[str, int]] = []

    def watch_losses(self, losses: Callable[[], Sequence[Losses]]) -> None:
        self._losses = losses

    def write(self, result: Result) -> None:
        super().write(result)
        self.heard.append({one.name: one.failed for one in self._losses()})


def test_a_sink_can_ask_while_the_loop_runs_what_each_loses(classifier: Classifier) -> None:
    asking = _Asking()
    run_loop(Camera(20), classifier, [asking, Failing()], LoopSettings())
    failed = [heard["failing"] for heard in asking.heard]
    assert failed == sorted(failed)
    assert failed[-1] > 0
    assert all(heard["asking"] == 0 for heard in asking.heard)


def test_what_the_system_refuses_a_sink_is_said_once_and_counted_too(
    classifier: Classifier, caplog: pytest.LogCaptureFixture
) -> None:
    refused, spy = Spy(OSError(errno.EIO, os.strerror(errno.EIO), "/mnt/stick"), at=3), Spy()
    refused.name = "stick"
    with caplog.at_level(logging.WARNING, "hangtag"):
        summary = run_loop(Camera(), classifier, [refused, spy], LoopSettings(max_frames=20))
    assert len(spy.results) == len(refused.results) == 20
    assert [(loss.name, loss.failed) for loss in summary.losses] == [("stick", 1), ("spy", 0)]
    assert caplog.messages[0] == (
        f"stick: cannot write /mnt/stick: {os.strerror(errno.EIO)}; trying again with every result"
    )


def test_what_the_system_refuses_a_sink_at_its_end_is_an_error(classifier: Classifier) -> None:
    class Refused(Spy):
        def close(self) -> None:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with pytest.raises(OutputError, match=f"cannot write spy: {os.strerror(errno.EROFS)}"):
        run_loop(Camera(), classifier, [Refused()], LoopSettings(max_frames=3))


def test_a_defect_of_a_sink_ends_the_program_with_it(classifier: Classifier) -> None:
    broken, spy = Spy(ZeroDivisionError("defect"), at=3), Spy()
    with pytest.raises(ZeroDivisionError, match="defect"):
        run_loop(Camera(), classifier, [broken, spy])
    assert (broken.closed, spy.closed) == (1, 1)


def test_a_defect_of_the_inference_ends_the_program_with_it(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    camera, spy = Camera(), Spy()
    calls = iter(range(100))

    def broken(image: np.ndarray) -> object:
        if next(calls) == 5:
            raise ZeroDivisionError("defect")
        return Classifier.timed_scores(classifier, image)

    monkeypatch.setattr(classifier, "timed_scores", broken)
    with pytest.raises(ZeroDivisionError):
        run_loop(camera, classifier, [spy])
    assert len(spy.results) == 5
    assert spy.closed == 1
    assert camera.closed.wait(5)


@pytest.mark.parametrize("in_main", [False, True])
def test_a_sink_may_end_the_loop(classifier: Classifier, in_main: bool) -> None:
    stopping, spy = Spy(StopLoop(), at=3), Spy()
    stopping.needs_main_thread = in_main
    summary = run_loop(Camera(), classifier, [stopping, spy])
    assert not summary.interrupted
    assert (stopping.closed, spy.closed) == (1, 1)
    assert len(stopping.results) == 3


def test_a_camera_that_is_lost_for_good_is_an_error_after_what_was_seen(classifier: Classifier) -> None:
    spy = Spy()
    with pytest.raises(SourceError, match="unplugged"):
        run_loop(Camera(5, SourceError("unplugged")), classifier, [spy])
    assert spy.results[-1].frame.number == 4
    assert spy.closed == 1


def test_sinks_hear_of_outages_and_what_was_seen_before_counts_no_more(classifier: Classifier) -> None:
    def away() -> LiveSource:
        if time.monotonic() < back_s:
            raise SourceError("no answer")
        return Camera()

    spy = Spy()
    back_s = time.monotonic() + 1.0
    settings = LoopSettings(max_frames=10, stale_after_s=0.2)
    summary = run_loop(Camera(5, SourceError("unplugged")), classifier, [spy], settings, reopen=away)
    assert {outage.reason for outage in spy.outages} <= {"no answer", "unplugged"}
    assert spy.outages
    assert summary.counts.outages == summary.counts.reconnects == 1
    changed = [result.decision.changed for result in spy.results]
    first_after = next(n for n, result in enumerate(spy.results) if result.frame.time_s > 0.5)
    assert changed[first_after], "the first frame after an outage is decided anew"


def test_a_window_is_shown_the_newest_result_and_is_asked_when_idle(classifier: Classifier) -> None:
    class Window(Spy):
        needs_main_thread = True
        thread: threading.Thread | None = None
        idled = 0

        def write(self, result: Result) -> None:
            self.thread = threading.current_thread()
            super().write(result)
            time.sleep(0.2)  # far slower than the frames come

        def idle(self) -> None:
            self.idled += 1

    window, spy = Window(), Spy()
    run_loop(Camera(), classifier, [window, spy], LoopSettings(max_frames=60))
    assert window.thread is threading.current_thread()
    assert len(spy.results) == 60
    assert 2 <= len(window.results) <= 20
    lag = [b.frame.number - a.frame.number for a, b in zip(window.results, window.results[1:], strict=False)]
    assert max(lag) >= 5, "pictures in between were left out"
    slow = Camera(3)
    slow.delivered = lambda: iter([*_late_frames()])  # type: ignore[method-assign]
    run_loop(slow, classifier, [window], LoopSettings())
    assert window.idled > 0


def _late_frames() -> Iterator[Frame]:
    time.sleep(0.3)
    yield Frame(_noise[0], 0, 0.0, time.monotonic())


def test_results_reach_each_sink_in_order_and_from_one_thread(classifier: Classifier) -> None:
    threads: set[int] = set()

    class Ordered(Spy):
        backlog = 100

        def write(self, result: Result) -> None:
            threads.add(threading.get_ident())
            super().write(result)

        def close(self) -> None:
            threads.add(threading.get_ident())

    sink: Sink = Ordered()
    run_loop(Camera(), classifier, [sink], LoopSettings(max_frames=40))
    numbers = [result.frame.number for result in sink.results]  # type: ignore[attr-defined]
    assert len(numbers) == 40
    assert numbers == sorted(numbers)
    assert len(threads) == 1


@pytest.mark.parametrize("needs_pictures", [True, False])
def test_results_that_wait_for_a_reader_hold_no_pictures(
    classifier: Classifier, needs_pictures: bool
) -> None:
    sink = Spy()
    sink.needs_pictures = needs_pictures
    sink.backlog = 100
    run_loop(Camera(), classifier, [sink], LoopSettings(max_frames=5))
    sizes = {result.frame.image_bgr.size for result in sink.results}
    assert sizes == ({48 * 64 * 3} if needs_pictures else {0})
