"""Clients of the preview that are slow, many, broken or malicious: it goes on answering those that behave."""

from __future__ import annotations

import contextlib
import selectors
import socket
import sys
import time
from collections.abc import Iterator

import numpy as np
import pytest
from camera_results import results_of
from preview_rig import ASK, Loop, read_all, running, until

from hangtag import Classifier
from hangtag.preview.connection import Limits
from hangtag.preview.site import MOST_VIEWERS
from hangtag.result import Result
from hangtag.sources import Frame

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc, which Linux has")

LIMITS = Limits()
STATE = ASK % b"/state"


@pytest.fixture(scope="module")
def result() -> Result:
    image = np.random.default_rng(0).integers(0, 256, (480, 640, 3)).astype(np.uint8)
    return results_of(Classifier.bundled(), [Frame(image, 0, 0.0, time.monotonic())])[0]


@pytest.fixture
def loop(result: Result) -> Iterator[Loop]:
    with running(result) as one:
        yield one


def resident_mb(loop: Loop) -> float:
    return int((loop.server / "statm").read_text().split()[1]) * 4096 / 2**20


def open_files(loop: Loop) -> int:
    return len(list((loop.server / "fd").iterdir()))


def send_quietly(client: socket.socket, data: bytes) -> None:
    """Send, also to a server that has hung up."""
    with contextlib.suppress(OSError):
        client.send(data)


def send_for_a_second(client: socket.socket) -> None:
    for _ in range(200):
        client.sendall(bytes(8192))
        time.sleep(0.005)


def answer_of(client: socket.socket) -> bytes:
    """Return what a client is answered before it is closed; nothing where it is cut off."""
    with client, contextlib.suppress(ConnectionResetError):
        return read_all(client)
    return b""


def behaves(loop: Loop, within_s: float = 2.0) -> None:
    """A client that does as it should is answered, soon."""
    begun = time.monotonic()
    reply = loop.get("/healthz")
    assert (reply.status, reply.body) == (200, b"fresh\n")
    assert time.monotonic() - begun < within_s


def test_slowloris_is_cut_off_in_time_and_nobody_waits_for_it(loop: Loop) -> None:
    clients = [loop.connect() for _ in range(100)]
    begun = time.monotonic()
    cut_after_s: list[float] = []
    with selectors.DefaultSelector() as selector:
        for client in clients:
            client.setblocking(False)
            selector.register(client, selectors.EVENT_READ)
        second = 0
        request = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: sssssssssssssss"
        while len(cut_after_s) < len(clients):
            assert time.monotonic() - begun < LIMITS.header_s + 4
            for key, _ in selector.select(0.05):
                # The server says nothing to it, so that all there is to read is the end.
                selector.unregister(key.fileobj)
                cut_after_s.append(time.monotonic() - begun)
            if time.monotonic() - begun > second:
                for key in list(selector.get_map().values()):
                    send_quietly(key.fileobj, request[second : second + 1])
                behaves(loop)
                second += 1
    for client in clients:
        client.close()
    assert min(cut_after_s) > LIMITS.header_s - 1
    behaves(loop)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\r\nX-Large: " + b"l" * 100_000, 431),
        (b"GET /" + b"l" * 100_000 + b" HTTP/1.1\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000, 431),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500), 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/9\r\nHost: localhost\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: local\x00host\r\n\r\n", 400),
        (b"GET /\r\n\r\n", 400),
        (b"\r\n\r\n\r\n\r\n", 400),
        (b"", None),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 405),
        (b"GET /state HTTP/1.0\r\n\r\n", 421),
        (b"GET /state HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n\r\nbody", 200),
        (b"GET /state HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", 200),
        (b"GET /state HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\r\n", 200),
    ],
)
def test_requests_of_all_kinds(loop: Loop, sent: bytes, status: int | None) -> None:
    """Each gets one answer, whole, and then the connection ends; None: it ends without one."""
    with loop.connect() as client:
        begun = time.monotonic()
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        answer = read_all(client)
        assert time.monotonic() - begun < 2
    head, _, body = answer.partition(b"\r\n\r\n")
    if status is None:
        assert answer == b""
    else:
        assert head.startswith(b"HTTP/1.1 %d " % status)
        assert b"\r\nConnection: close" in head
        assert body
    behaves(loop)


def test_only_the_first_of_pipelined_requests_is_answered(loop: Loop) -> None:
    with loop.connect() as client:
        client.sendall(STATE * 50 + b"\x00garbage\xff" * 100)
        assert read_all(client).count(b"HTTP/1.1") == 1
    behaves(loop)


def test_who_goes_on_sending_is_cut_off(loop: Loop) -> None:
    with loop.connect() as client:
        client.sendall(ASK % b"/news")
        with pytest.raises(OSError, match=r"reset|[Bb]roken"):
            send_for_a_second(client)
    behaves(loop)


def test_200_connections_at_once_are_all_answered(loop: Loop) -> None:
    clients = [loop.connect() for _ in range(200)]
    for client in clients:
        client.sendall(STATE)
    answered = sum(answer_of(client).startswith(b"HTTP/1.1 200") for client in clients)
    # So many at once are a crowd, whose oldest must go; who comes again is answered.
    assert answered >= LIMITS.connections - 10
    behaves(loop)


def test_a_crowd_that_says_nothing_holds_nobody_up(loop: Loop) -> None:
    behaves(loop)
    before_mb = resident_mb(loop)
    silent = [loop.connect() for _ in range(600)]
    behaves(loop)
    assert open_files(loop) < LIMITS.connections + 30
    assert len(list((loop.server / "task").iterdir())) == 1
    assert resident_mb(loop) - before_mb < 8
    for client in silent:
        client.close()
    until(lambda: open_files(loop) < 30)


def test_a_client_that_has_closed_its_side_still_gets_its_answer(loop: Loop) -> None:
    with loop.connect() as client:
        client.sendall(STATE)
        client.shutdown(socket.SHUT_WR)
        assert read_all(client).endswith(b"}")


def test_readers_that_stop_reading_lose_their_place(loop: Loop) -> None:
    before_mb = resident_mb(loop)
    dead = []
    for _ in range(MOST_VIEWERS):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", loop.port))
        client.sendall(ASK % b"/stream")
        dead.append(client)
    until(lambda: loop.get("/stream").status == 503)
    behaves(loop)
    assert resident_mb(loop) - before_mb < 12
    begun = time.monotonic()
    until(lambda: first_bytes(loop, b"/stream").startswith(b"HTTP/1.1 200"), LIMITS.unread_s + 4)
    assert time.monotonic() - begun > 1
    assert b'{reason="no reader"}' in loop.get("/metrics").body
    for client in dead:
        client.close()


def test_a_slow_viewer_skips_pictures(loop: Loop) -> None:
    """What it sees is never far behind, although it reads a tenth of what there is."""
    with loop.connect() as client:
        client.sendall(ASK % b"/stream")
        begun, got = time.monotonic(), 0
        while time.monotonic() - begun < 3:
            got += client.recv(8192).count(b"Content-Type: image/jpeg")
            time.sleep(0.05)
        behaves(loop)
    assert got < 20


def first_bytes(loop: Loop, path: bytes) -> bytes:
    with loop.connect() as client:
        client.sendall(ASK % path)
        return client.recv(100)


@pytest.mark.parametrize("path", [b"/stream", b"/news"])
def test_so_many_may_watch_and_no_more(loop: Loop, path: bytes) -> None:
    watching = [loop.connect() for _ in range(MOST_VIEWERS)]
    for client in watching:
        client.sendall(ASK % path)
        assert client.recv(100).startswith(b"HTTP/1.1 200")
    assert first_bytes(loop, path).startswith(b"HTTP/1.1 503")
    behaves(loop)
    watching.pop().close()
    until(lambda: first_bytes(loop, path).startswith(b"HTTP/1.1 200"))
    for client in watching:
        client.close()
