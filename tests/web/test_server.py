"""The page's server: what it answers, with which headers, and that hostile clients stop nobody."""

from __future__ import annotations

import contextlib
import gzip
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from web.raw_client import ASK, answer_to, ask, read_all, seconds_until_cut

from hangtag.errors import OutputError
from hangtag.web.headers import ALWAYS

pytest.importorskip("starlette", reason='needs pip install "hangtag[web]"')
pytest.importorskip("uvicorn", reason='needs pip install "hangtag[web]"')

from hangtag.web import answers
from hangtag.web.bounds import Limits
from hangtag.web.server import serving

TEXT = b"the page " * 1000
NOISE = np.random.default_rng(0).bytes(8_000_000)
FILES = {
    "index.html": b"<!doctype html>" + TEXT,
    "app.js": TEXT,
    "page.css": TEXT,
    "site.json": b"{}",
    "manifest.webmanifest": b"{}",
    "icon.svg": b"<svg/>",
    "icon.png": b"\x89PNG",
    "vendor/litertjs/LICENSE": TEXT,
    "vendor/litertjs/wasm/engine.wasm": TEXT,
    "models/clothing.tflite": NOISE,
}
SHORT = Limits(connections=24, head_s=1.0, idle_s=1, unread_s=1.0)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving(FILES) as served:
        yield served.port


@pytest.fixture
def short_port() -> Iterator[int]:
    """A server that loses its patience soon."""
    with serving(FILES, limits=SHORT) as served:
        yield served.port


def behaves(port: int, within_s: float = 2.0) -> None:
    """A client that does as it should is answered, soon."""
    begun = time.monotonic()
    reply = ask(port, "/site.json")
    assert (reply.status, reply.body) == (200, b"{}")
    assert time.monotonic() - begun < within_s


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


# --- what is there -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/index.html", "text/html; charset=utf-8"),
        ("/app.js", "text/javascript; charset=utf-8"),
        ("/page.css", "text/css; charset=utf-8"),
        ("/site.json", "application/json"),
        ("/manifest.webmanifest", "application/manifest+json"),
        ("/icon.svg", "image/svg+xml"),
        ("/icon.png", "image/png"),
        ("/vendor/litertjs/LICENSE", "text/plain; charset=utf-8"),
        ("/vendor/litertjs/wasm/engine.wasm", "application/wasm"),
        ("/models/clothing.tflite", "application/octet-stream"),
        ("/app.js?v=2", "text/javascript; charset=utf-8"),
        ("/%61pp.js", "text/javascript; charset=utf-8"),
    ],
)
def test_each_file_is_served_as_what_it_is(port: int, path: str, content_type: str) -> None:
    reply = ask(port, path)
    name = {"/": "index.html", "/%61pp.js": "app.js"}.get(path, path[1:].partition("?")[0])
    assert reply.status == 200
    assert reply.body == FILES[name]
    assert reply.headers["content-type"] == content_type
    assert reply.headers["content-length"] == str(len(FILES[name]))
    assert "server" not in reply.headers


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/models",
            "/models/",
            "/vendor/litertjs/wasm/",
            "/app.js/",
            "//app.js",
            "/./app.js",
            "/App.js",
            "/sw.js",
        ),
        *("/../app.js", "/../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc/passwd"),
        *("/models/../app.js", "/models/%2e%2e/app.js", "/..\\..\\app.js", "/%5c..%5capp.js", "//etc/passwd"),
        *(
            "/app.js%00",
            "/app.js%00.html",
            "/%00",
            "/%ff",
            "/%c0%ae%c0%ae/app.js",
            "/%zz",
            "/%",
            "/%252e%252e/",
        ),
        *(
            "/.git/config",
            "/server.py",
            "/__init__.py",
            "/app.js;x",
            "/app.js.gz",
            "/\N{LATIN SMALL LETTER E}%cc%81",
        ),
        *("/~root", "/proc/self/environ", "/file:///etc/passwd", "/" + "a/" * 4000),
    ],
)
def test_nothing_else_can_be_had(port: int, path: str) -> None:
    reply = ask(port, path)
    assert reply.status == 404
    assert reply.body == b"there is nothing here\n"
    assert ALWAYS.items() <= {name: reply.headers.get(name.lower()) for name in ALWAYS}.items()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "PROPFIND", "get"])
def test_only_get_and_head_are_answered(port: int, method: str) -> None:
    reply = ask(port, "/app.js", method)
    assert reply.status == 405
    assert sorted(reply.headers["allow"].split(", ")) == ["GET", "HEAD"]
    assert TEXT not in reply.body


# --- headers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "method", "headers", "status"),
    [
        ("/", "GET", {}, 200),
        ("/", "HEAD", {}, 200),
        ("/vendor/litertjs/wasm/engine.wasm", "GET", {"Accept_Encoding": "gzip"}, 200),
        ("/app.js", "GET", {"If_None_Match": "*"}, 304),
        ("/nothing", "GET", {}, 404),
        ("/", "POST", {}, 405),
        ("/", "GET", {"Content_Length": "5"}, 413),
        ("/", "GET", {"Host": "evil.example"}, 421),
    ],
)
def test_every_answer_isolates_the_page(
    port: int, path: str, method: str, headers: dict[str, str], status: int
) -> None:
    reply = ask(port, path, method, **headers)
    assert reply.status == status
    assert {name: reply.headers.get(name.lower()) for name in ALWAYS} == ALWAYS
    assert reply.headers["cross-origin-opener-policy"] == "same-origin"
    assert reply.headers["cross-origin-embedder-policy"] == "require-corp"
    assert reply.headers["cache-control"] == "no-cache"
    assert reply.headers["x-content-type-options"] == "nosniff"
    policy = reply.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "'unsafe" not in policy
    assert "http" not in policy


def test_a_file_that_is_known_is_not_sent_again(port: int) -> None:
    first = ask(port, "/app.js")
    tag = first.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*", f"{tag},{tag}"):
        again = ask(port, "/app.js", If_None_Match=known)
        assert (again.status, again.body) == (304, b"")
        assert again.headers["etag"] == tag
        assert "content-length" not in again.headers
    for unknown in ('"other"', "", tag.strip('"'), '"*"', ask(port, "/page.css").headers["etag"][:-2] + 'x"'):
        assert ask(port, "/app.js", If_None_Match=unknown).status == 200
    assert ask(port, "/index.html").headers["etag"] != tag


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip", True),
        ("gzip, deflate, br, zstd", True),
        ("br;q=1.0, GZIP;q=0.8, *;q=0.1", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0, identity", False),
        ("identity", False),
        ("", False),
        ("gzipped", False),
        (";;,,=,gzip;q=1", True),
    ],
)
def test_files_are_compressed_for_who_reads_that(port: int, accepted: str, packed: bool) -> None:
    plain = ask(port, "/app.js")
    reply = ask(port, "/app.js", Accept_Encoding=accepted)
    assert reply.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert reply.headers["content-length"] == str(len(reply.body))
    assert (reply.headers.get("content-encoding") == "gzip") is packed
    assert (gzip.decompress(reply.body) if packed else reply.body) == TEXT
    assert (reply.headers["etag"] != plain.headers["etag"]) is packed
    again = ask(port, "/app.js", Accept_Encoding=accepted, If_None_Match=reply.headers["etag"])
    assert again.status == 304


def test_what_does_not_get_smaller_is_sent_as_it_is(port: int) -> None:
    reply = ask(port, "/models/clothing.tflite", Accept_Encoding="gzip")
    assert "content-encoding" not in reply.headers
    assert reply.body == NOISE


def test_head_says_what_get_would(port: int) -> None:
    for headers in ({}, {"Accept_Encoding": "gzip"}):
        asked, told = ask(port, "/app.js", **headers), ask(port, "/app.js", "HEAD", **headers)
        assert told.body == b""
        assert told.status == 200
        assert {**asked.headers, "date": ""} == {**told.headers, "date": ""}


def test_a_file_is_compressed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    packed: list[int] = []

    def count(data: bytes) -> bytes:
        packed.append(len(data))
        time.sleep(0.1)  # so that all ask before the first is done
        return gzip.compress(data)

    monkeypatch.setattr(answers, "gzipped", count)
    got: list[bytes] = []
    with serving(FILES) as served:
        clients = [
            threading.Thread(
                target=lambda: got.append(ask(served.port, "/app.js", Accept_Encoding="gzip").body)
            )
            for _ in range(8)
        ]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
    assert [gzip.decompress(body) for body in got] == [TEXT] * 8
    assert packed == [len(TEXT)]


# --- who may ask -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "127.0.0.1", "127.0.0.1:1", "LOCALHOST", "[::1]:5"]
)
def test_this_machine_is_answered(port: int, host: str) -> None:
    assert ask(port, "/", Host=host).status == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "", "127.0.0.1.evil.example:8000", "192.168.1.1", "[::2]"],
)
def test_a_name_that_was_bent_to_this_machine_is_refused(port: int, host: str) -> None:
    reply = ask(port, "/models/clothing.tflite", Host=host)
    assert reply.status == 421
    assert NOISE not in reply.body


def test_what_was_meant_to_be_seen_answers_to_any_name() -> None:
    with serving(FILES, host="0.0.0.0") as served:  # noqa: S104 - that is what is tested
        assert served.url == f"http://localhost:{served.port}/"
        assert ask(served.port, "/", Host="kiosk.local:8000").status == 200


def test_it_listens_on_ipv6_too() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("needs IPv6 on the loopback interface")
    with (
        serving(FILES, host="::1") as served,
        socket.create_connection(("::1", served.port), timeout=10) as client,
    ):
        client.sendall(b"GET / HTTP/1.1\r\nHost: [::1]:%d\r\nConnection: close\r\n\r\n" % served.port)
        assert read_all(client).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("host", ["no.such.host.invalid", "203.0.113.7", "a" * 300])
def test_no_address_is_one_clear_line(host: str) -> None:
    with pytest.raises(OutputError, match="serve on"), serving(FILES, host=host):
        pass


def test_a_port_in_use_is_one_clear_line(port: int) -> None:
    with pytest.raises(OutputError, match=f"port {port} .* in use: .*--port"), serving(FILES, port=port):
        pass


# --- hostile clients ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\r\nX-Large: " + b"l" * 100_000, 431),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Large: " + b"l" * 100_000 + b"\r\n\r\n", 431),
        (b"GET /" + b"l" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000, 431),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500), 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/9\r\nHost: localhost\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: local\x00host\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\rb\r\n\r\n", 400),
        (b"GET /\xc3\xa9 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /\r\n\r\n", 400),
        (b"\r\n\r\n\r\n\r\n", 400),
        (b"GET / HTTP/1.0\r\n\r\n", 421),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n\r\nbody", 413),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n\r\n" + bytes(100_000), 431),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", 413),
        (b"GET http://evil/app.js HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 404),
        (b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 404),
        (b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 404),
        (
            b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: upgrade, close\r\n\r\n",
            200,
        ),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n", 200),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nRange: bytes=0-1\r\nConnection: close\r\n\r\n", 200),
    ],
)
def test_requests_of_all_kinds(port: int, sent: bytes, status: int) -> None:
    """Each gets one answer, and then the connection ends."""
    begun = time.monotonic()
    answer = answer_to(port, sent)
    assert time.monotonic() - begun < 2
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer[:80]
    assert answer.count(b"HTTP/1.1 ") == 1
    behaves(port)


def test_a_log_is_not_filled_with_rubbish(port: int, caplog: pytest.LogCaptureFixture) -> None:
    for sent in (
        b"\x00\x01\x02",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    ):
        with connect(port) as client:
            client.sendall(sent)
    behaves(port)
    assert not caplog.records


def test_a_connection_is_kept_for_the_next_request_and_not_for_ever(short_port: int) -> None:
    with connect(short_port) as client:
        for _ in range(3):
            client.sendall(b"HEAD /app.js HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert client.recv(4096).startswith(b"HTTP/1.1 200")
        assert 0.5 < seconds_until_cut(client, 4) < 3


@pytest.mark.parametrize("sent", [b"", b"G", b"GET / HTTP/1.1\r\nHost: localhost\r\n"])
def test_half_a_request_is_waited_for_in_vain_only_so_long(short_port: int, sent: bytes) -> None:
    with connect(short_port) as client:
        client.sendall(sent)
        assert 0.5 < seconds_until_cut(client, 4) < 3
    with connect(short_port) as client:
        client.sendall(b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 200")
        client.sendall(sent)
        assert seconds_until_cut(client, 4) < 3


def test_who_sends_a_byte_now_and_then_is_cut_off_and_nobody_waits(short_port: int) -> None:
    clients = [connect(short_port) for _ in range(SHORT.connections - 4)]
    begun, open_ones = time.monotonic(), list(clients)
    request = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"s" * 1000
    for byte in request:
        for client in list(open_ones):
            if not sent(client, byte):
                open_ones.remove(client)
        if not open_ones:
            break
        assert time.monotonic() - begun < 5
        behaves(short_port)
        time.sleep(0.05)
    assert not open_ones
    assert time.monotonic() - begun > SHORT.head_s - 0.2
    for client in clients:
        client.close()


def test_a_crowd_that_says_nothing_holds_nobody_up(port: int) -> None:
    silent = [connect(port) for _ in range(400)]
    behaves(port)
    gone = 0
    for client in silent:
        client.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            gone += client.recv(1) == b""
    assert gone >= 400 - Limits().connections
    for client in silent:
        client.close()


def test_two_hundred_at_once_are_answered(port: int) -> None:
    clients = [connect(port) for _ in range(200)]
    answered = 0
    for client in clients:
        with client, contextlib.suppress(OSError):
            client.sendall(ASK % b"/site.json")
            answered += read_all(client).startswith(b"HTTP/1.1 200")
    # So many at once are a crowd, whose oldest must go; who comes again is answered.
    assert answered >= Limits().connections - 10
    behaves(port)


def test_pipelined_requests_are_answered_in_order_or_not_at_all(port: int) -> None:
    answer = answer_to(port, b"GET /site.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20 + ASK % b"/nothing")
    assert answer.count(b"HTTP/1.1 200") == 20
    assert answer.count(b"HTTP/1.1 404") == 1
    assert answer_to(port, ASK % b"/" + b"GET / HTTP/1.1\r\n" * 20_000).count(b"HTTP/1.1 ") == 1
    behaves(port)


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc, which Linux has")
def test_readers_that_do_not_read_are_cut_off_and_cost_little(short_port: int) -> None:
    assert ask(short_port, "/models/clothing.tflite").body == NOISE
    before_mb = resident_mb()
    dead = []
    for _ in range(SHORT.connections - 4):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", short_port))
        client.sendall(ASK % b"/models/clothing.tflite")
        dead.append(client)
    behaves(short_port)
    # A copy for each would be 160 MB.
    assert resident_mb() - before_mb < 24
    time.sleep(SHORT.unread_s + 1)
    for client in dead:
        assert len(read_all(client)) < len(NOISE)
        client.close()
    behaves(short_port)


def test_a_slow_reader_gets_all_of_it(short_port: int) -> None:
    """Half a megabyte in each half second is slow, and no reason to be cut off."""
    with connect(short_port) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.sendall(ASK % b"/models/clothing.tflite")
        got = bytearray()
        for _ in range(6):
            time.sleep(0.4)
            got += client.recv(500_000)
        got += read_all(client)
    assert bytes(got).endswith(NOISE)


def test_who_hangs_up_in_the_midst_of_a_file_stops_nobody(port: int) -> None:
    for _ in range(50):
        with connect(port) as client:
            client.sendall(ASK % b"/models/clothing.tflite")
            client.recv(1000)
    behaves(port)


def test_it_ends_at_once_whoever_is_there() -> None:
    with contextlib.ExitStack() as stack:
        with serving(FILES) as served:
            waiting = stack.enter_context(connect(served.port))
            reading = stack.enter_context(connect(served.port))
            reading.sendall(ASK % b"/models/clothing.tflite")
            reading.recv(1000)
            behaves(served.port)
            begun = time.monotonic()
        assert time.monotonic() - begun < 2
        assert read_all(waiting) == b""
        with pytest.raises(OSError, match="refused"):
            connect(served.port)


def sent(client: socket.socket, byte: int) -> bool:
    """Return whether a byte could be sent."""
    try:
        return client.send(bytes([byte])) == 1
    except OSError:
        return False


def test_it_ends_quietly_in_the_midst_of_an_answer(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    packing = threading.Event()

    def pack(data: bytes) -> bytes:
        packing.set()
        time.sleep(2)
        return data

    monkeypatch.setattr(answers, "gzipped", pack)
    with serving(FILES) as served, connect(served.port) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n")
        assert packing.wait(5)
    assert not caplog.records


def resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20
