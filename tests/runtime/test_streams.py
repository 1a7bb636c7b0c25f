"""Network streams from real servers: fresh frames, true ages, faults and recovery."""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest
from stream_refusals import SECRET, needs_mjpeg, needs_rtsp, refusal
from stream_relay import Relay

from hangtag.scene import timecode
from hangtag.sources import Frame, open_source, stream
from hangtag.sources.feed import Feed
from hangtag.sources.stream import StreamSource
from hangtag_benchmarks.camera.stream_servers import (
    MjpegServer,
    RtspServer,
    StreamServer,
    free_port,
)

pytestmark = pytest.mark.alone

RECOVERY_S = 2.0


def true_age_ms(frame: Frame) -> float:
    age = timecode.age_ms(frame.image_bgr, time.monotonic())
    return np.nan if age is None else age


def ages_ms(url: str, frames: int) -> tuple[list[float], list[float]]:
    """Return the true age of the first frames at their delivery, and what the source says it is."""
    true, told = [], []
    with StreamSource(url) as source:
        for frame in itertools.islice(source.delivered(), frames):
            true.append(true_age_ms(frame))
            told.append(1000 * (time.monotonic() - frame.captured_s))
    return true, told


def assert_fresh(url: str, frames: int = 60) -> None:
    true, told = ages_ms(url, frames)
    assert len(true) == frames
    assert np.isfinite(true).all(), "every frame arrived whole"
    assert true[0] < 600, "nothing of what queued up while connecting is shown"
    assert np.median(true) < 200
    assert np.median(np.abs(np.subtract(true, told))) < 100


@needs_rtsp
class TestRtsp:
    @pytest.mark.parametrize("codec", ["h264", "mjpeg"])
    def test_frames_are_fresh_and_their_age_is_true(self, codec: str) -> None:
        with RtspServer(codec=codec) as server:
            assert_fresh(server.url)
            assert_fresh(server.url + "?udp")

    @pytest.mark.parametrize("scheme", ["basic", "digest"])
    def test_user_and_password_are_used(self, scheme: str) -> None:
        with RtspServer(login=f"keeper:{SECRET}", scheme=scheme) as server:
            assert_fresh(server.url + "?channel=1&subtype=0", frames=10)

    def test_one_who_comes_late_to_a_large_picture_sees_the_newest(self) -> None:
        with RtspServer(size_wh=(1280, 720)) as server, StreamSource(server.url) as first:
            next(first.delivered())
            true, _ = ages_ms(server.url, 10)
            assert true[0] < 700

    def test_what_queued_up_before_the_first_frame_is_left_out(self) -> None:
        with RtspServer() as server, Relay(server.port) as relay:
            source = StreamSource(server.url.replace(str(server.port), str(relay.port)))
            relay.flowing.clear()
            time.sleep(1.5)
            relay.flowing.set()
            assert true_age_ms(next(source.delivered())) < 700
            source.close()

    def test_the_rate_can_be_lowered(self) -> None:
        with RtspServer() as server, StreamSource(server.url, fps=5) as source:
            assert source.fps == 5
            frames = list(take_s(source.delivered(), 3))
            assert 11 <= len(frames) <= 19


def take_s(frames: Iterator[Frame], seconds: float) -> Iterator[Frame]:
    until_s = time.monotonic() + seconds
    return itertools.takewhile(lambda _: time.monotonic() < until_s, frames)


@needs_mjpeg
def test_mjpeg_over_http_is_fresh() -> None:
    with MjpegServer() as server:
        assert_fresh(server.url)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(RtspServer, id="rtsp", marks=needs_rtsp),
        pytest.param(MjpegServer, id="mjpeg", marks=needs_mjpeg),
    ],
)
def test_a_network_that_stood_still_makes_frames_old_and_not_new(make: Callable[[], StreamServer]) -> None:
    with make() as server, Relay(server.port) as relay:
        url = server.url.replace(str(server.port), str(relay.port))
        with StreamSource(url) as source:
            frames = source.delivered()
            for _ in range(30):
                next(frames)
            relay.flowing.clear()
            time.sleep(1.5)
            relay.flowing.set()
            seen = [(true_age_ms(frame), time.monotonic() - frame.captured_s) for frame in take_s(frames, 2)]
    true_ms, told_ms = np.array([(true, 1000 * told) for true, told in seen]).T
    assert np.median(np.abs(true_ms - told_ms)) < 150
    assert (told_ms[true_ms > 700] > 400).all(), "what waited in the network is not called new"
    assert np.median(true_ms[-10:]) < 250, "and what comes after it is"
    assert len(seen) < 85, "most of what waited is left out"


class BrokenPictures:
    """A capture of a real stream of which every second picture cannot be decoded, as OpenCV tells it."""

    def __init__(self, real: cv2.VideoCapture) -> None:
        self._real, self._nothing = real, itertools.cycle([None, np.zeros((0, 0, 3), np.uint8)])
        self._retrieved = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)

    def retrieve(self) -> tuple[bool, np.ndarray | None]:
        self._retrieved += 1
        return self._real.retrieve() if self._retrieved % 2 else (True, next(self._nothing))


@needs_mjpeg
def test_a_picture_that_cannot_be_decoded_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = stream.open_stream
    monkeypatch.setattr(
        stream, "open_stream", lambda url, timeout_s: BrokenPictures(opened(url, timeout_s=timeout_s))
    )
    with MjpegServer() as server, StreamSource(server.url) as source:
        frames = list(itertools.islice(source.delivered(), 10))
    assert [frame.image_bgr.shape for frame in frames] == [(480, 640, 3)] * 10
    assert [frame.number for frame in frames] == list(range(10))


# --- what cannot be opened -------------------------------------------------------------------------------


@needs_rtsp
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((SECRET, f"{SECRET}x"), "does not take these"),
        ((f"keeper:{SECRET}@", ""), "asks for user and password (rtsp://user:password@"),
    ],
)
def test_a_wrong_password_is_said(change: tuple[str, str], said: str) -> None:
    with RtspServer(login=f"keeper:{SECRET}") as server:
        assert said in refusal(server.url.replace(*change))


@needs_rtsp
def test_streams_that_are_not_there_or_no_pictures_are_said() -> None:
    with RtspServer() as server:
        assert "no stream of this name" in refusal(server.url.replace("/camera", "/other"))
    with RtspServer(codec="sound") as server:
        assert "no video" in refusal(server.url)


@contextlib.contextmanager
def answering(answer: bytes | None) -> Iterator[int]:
    """A server that says one thing to everyone, or nothing at all; gives its port."""
    program = (
        "import socket, sys\n"
        "s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True)\n"
        "kept = []\n"
        "while True:\n"
        "    c = s.accept()[0]; kept.append(c)\n"
        f"    if {answer!r} is not None: c.recv(4096); c.sendall({answer!r}); c.close()\n"
    )
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    try:
        yield int(child.stdout.readline())
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "no answer"),
        (b"hello\r\n", "not as a stream does"),
        (b"%s/1.0 404 Not Found\r\nCSeq: 1\r\n\r\n", "no stream of this name"),
        (b"%s/1.0 403 Forbidden\r\nCSeq: 1\r\n\r\n", "(403)"),
        (b"%s/1.0 503 Busy\r\nCSeq: 1\r\n\r\n", "error 503"),
        (b"%s/1.0 200 OK\r\nCSeq: 1\r\nContent-Type: text/html\r\n\r\n<p>A page</p>", "no video"),
    ],
)
def test_servers_of_other_things_are_said(scheme: str, answer: bytes | None, said: str) -> None:
    with answering(answer and answer.replace(b"%s", scheme.upper().encode())) as port:
        assert said in refusal(f"{scheme}://keeper:{SECRET}@127.0.0.1:{port}/camera")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"rtsp://keeper:{SECRET}@127.0.0.1:PORT/camera", "nobody listens on port"),
        (f"rtsp://keeper:{SECRET}@camera.invalid/camera", "no host of this name"),
        (f"rtsp://keeper:{SECRET}/x@127.0.0.1:PORT/camera", "cannot open the stream"),
        (f"rtsp://keeper:{SECRET}#x@127.0.0.1:PORT/camera", "cannot open the stream"),
    ],
)
def test_addresses_that_lead_nowhere_are_said(url: str, said: str) -> None:
    assert said in refusal(url.replace("PORT", str(free_port())))


def test_options_of_the_environment_are_used_and_left_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(b"HTTP/1.0 200 OK\r\n\r\n") as port:
        monkeypatch.setenv("OPENCV_FFMPEG_CAPTURE_OPTIONS", "protocol_whitelist;file")
        refusal(f"http://127.0.0.1:{port}/")
        assert os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] == "protocol_whitelist;file"
        monkeypatch.delenv("OPENCV_FFMPEG_CAPTURE_OPTIONS")
        refusal(f"http://127.0.0.1:{port}/")
    assert "OPENCV_FFMPEG_CAPTURE_OPTIONS" not in os.environ


@needs_rtsp
def test_options_of_the_environment_go_before_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    with RtspServer() as server:
        monkeypatch.setenv("OPENCV_FFMPEG_CAPTURE_OPTIONS", "protocol_whitelist;file")
        assert "cannot open" in refusal(server.url)


# --- faults in mid-stream --------------------------------------------------------------------------------


class Watcher:
    """Takes what a feed gives, one after another."""

    def __init__(self, url: str) -> None:
        self.feed = Feed(open_source(url), reopen=lambda: open_source(url))

    def frames(self, count: int) -> None:
        for _ in range(count):
            self.until(Frame, 5)

    def until(self, kind: type, seconds: float) -> float:
        """Wait until the feed gives one of a kind; return how long that took."""
        begun = time.monotonic()
        while time.monotonic() - begun < seconds:
            if isinstance(item := self.feed.take(), kind):
                if isinstance(item, Frame):
                    assert true_age_ms(item) < 1500, "an old frame was given as a new one"
                return time.monotonic() - begun
        pytest.fail(f"no {kind.__name__} within {seconds} s")

    def drain(self, seconds: float) -> None:
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            self.feed.take()


@contextlib.contextmanager
def watching(server: StreamServer) -> Iterator[Watcher]:
    watcher = Watcher(server.url)
    try:
        yield watcher
    finally:
        watcher.feed.stop()


SERVERS = [
    pytest.param(lambda: RtspServer(login=f"keeper:{SECRET}"), id="rtsp", marks=needs_rtsp),
    pytest.param(MjpegServer, id="mjpeg", marks=needs_mjpeg),
]


@pytest.mark.parametrize("make", SERVERS)
def test_a_server_that_dies_is_found_again_when_it_is_back(
    make: Callable[[], StreamServer], caplog: pytest.LogCaptureFixture
) -> None:
    with make() as server, watching(server) as watcher:
        watcher.frames(20)
        server.kill()
        watcher.drain(4)
        server.start()
        assert watcher.until(Frame, 10) < RECOVERY_S
        watcher.frames(20)
        assert watcher.feed.counts().reconnects == 1
    assert SECRET not in caplog.text
    # Lost, why it cannot be opened, back: each change once, however many attempts there were.
    assert len(caplog.records) <= 4


@needs_rtsp
def test_a_server_that_hangs_without_closing_is_found_again_when_it_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with RtspServer(login=f"keeper:{SECRET}") as server, watching(server) as watcher:
        watcher.frames(20)
        server.pause()
        watcher.drain(7)
        server.go_on()
        assert watcher.until(Frame, 10) < RECOVERY_S
        watcher.frames(20)
    assert SECRET not in caplog.text
