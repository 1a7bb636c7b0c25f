"""Posts of changes to real servers: what is sent, what is refused, and what is never shown."""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from camera_results import outage
from made_results import made_result

from hangtag.errors import OutputError
from hangtag.sinks import webhook
from hangtag.sinks.webhook import Webhook


class _Server(ThreadingHTTPServer):
    """Remembers what was posted; answers with ``status`` and ``extra``."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.posts: list[tuple[str, dict[str, str], Any]] = []
        self.status, self.extra = 204, {"Content-Length": "0"}

    @property
    def port(self) -> int:
        return self.server_port


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts.append((self.path, dict(self.headers), json.loads(body)))
        self.send_response(self.server.status)
        for name, value in self.server.extra.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@pytest.fixture
def server() -> Iterator[_Server]:
    with _Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock of waiting times, to be set."""
    now = [1000.0]
    monkeypatch.setattr("hangtag.sinks.patience.time.monotonic", lambda: now[0])
    return now


def _states(server: _Server) -> list[str | None]:
    return [post["label"] for _, _, post in server.posts]


def test_changes_are_posted_and_nothing_else(server: _Server) -> None:
    sink = Webhook(f"http://127.0.0.1:{server.port}/hook?key=1")
    for number, label in enumerate(["dress", "dress", "hat"]):
        sink.write(made_result(label, number=number).without_picture())
    sink.missing(outage())
    sink.missing(outage())
    sink.write(made_result("hat"))
    assert _states(server) == ["dress", "hat", None, "hat"]
    path, headers, record = server.posts[1]
    assert path == "/hook?key=1"
    assert headers["Content-Type"] == "application/json"
    assert "Authorization" not in headers
    assert (record["schema"], record["frame"], record["stale"]) == (1, 2, False)
    assert server.posts[2][2]["stale"] is True


def test_a_password_becomes_a_header_and_is_never_shown(server: _Server) -> None:
    sink = Webhook(f"http://user:p%40ss%3A@127.0.0.1:{server.port}/services/T0/SECRET?token=abc")
    sink.write(made_result())
    sent = server.posts[0][1]["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(sent) == b"user:p@ss:"
    server.status = 500
    with pytest.raises(OutputError, match="answered 500") as caught:
        sink.write(made_result("hat"))
    for secret in ("user", "p@ss", "p%40ss", "SECRET", "abc"):
        assert secret not in str(caught.value) + sink.shown


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 404, 500])
def test_what_is_no_success_is_an_error(server: _Server, status: int) -> None:
    server.status = status
    server.extra = {"Content-Length": "0", "Location": f"http://127.0.0.1:{server.port}/elsewhere"}
    with pytest.raises(OutputError, match=f"answered {status}"):
        Webhook(f"http://127.0.0.1:{server.port}/").write(made_result())
    assert [path for path, _, _ in server.posts] == ["/"], "redirects are not followed"


def test_only_the_newest_change_is_told_again_and_not_at_every_frame(
    server: _Server, clock: list[float]
) -> None:
    sink = Webhook(f"http://127.0.0.1:{server.port}/")
    server.status = 503
    for label in ("dress", "hat", "shirt", "skirt"):
        with pytest.raises(OutputError, match="503"):
            sink.write(made_result(label))
    assert _states(server) == ["dress"], "one attempt, then patience"
    server.status = 200
    clock[0] += 60
    sink.write(made_result("shoes"))
    sink.write(made_result("shoes"))
    assert _states(server) == ["dress", "shoes"]


def test_waiting_times_grow(server: _Server, clock: list[float]) -> None:
    sink = Webhook(f"http://127.0.0.1:{server.port}/")
    server.status = 503
    for _ in range(1200):
        with pytest.raises(OutputError):
            sink.write(made_result())
        clock[0] += 0.1
    assert 5 <= len(server.posts) <= 20, "two minutes"


def _listening() -> socket.socket:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)
    return listener


def test_a_server_that_never_answers_costs_a_few_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "TIMEOUT_S", 0.3)
    with _listening() as listener:
        begun = time.monotonic()
        with pytest.raises(OutputError, match="cannot be reached"):
            Webhook(f"http://127.0.0.1:{listener.getsockname()[1]}/").write(made_result())
        assert time.monotonic() - begun < 3


@pytest.mark.parametrize("sent", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 100 Continue\r\n\r\n", b""])
def test_a_server_that_drips_does_not_hold_on(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(webhook, "TIMEOUT_S", 0.5)
    stop = threading.Event()
    with _listening() as listener:

        def drip() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(sent)
                with contextlib.suppress(OSError):
                    for _ in range(200):  # ten seconds
                        connection.sendall(b"x")
                        if stop.wait(0.05):
                            return

        thread = threading.Thread(target=drip)
        thread.start()
        begun = time.monotonic()
        with contextlib.suppress(OutputError):  # a success that was heard is one
            Webhook(f"http://127.0.0.1:{listener.getsockname()[1]}/").write(made_result())
        assert time.monotonic() - begun < 5
        stop.set()
        thread.join()


@pytest.mark.parametrize(
    "answer", [b"", b"\0" * 1000, b"SSH-2.0-x\r\n", b"HTTP/1.1 xyz\r\n\r\n", b"A" * 200_000]
)
def test_what_is_no_web_server_is_an_error(answer: bytes) -> None:
    with _listening() as listener:

        def reply() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                try:
                    connection.sendall(answer)
                except OSError:
                    return

        thread = threading.Thread(target=reply)
        thread.start()
        with pytest.raises(OutputError, match="cannot be reached"):
            Webhook(f"http://127.0.0.1:{listener.getsockname()[1]}/").write(made_result())
        thread.join()


def test_nobody_listens() -> None:
    with _listening() as listener:
        port = listener.getsockname()[1]
    with pytest.raises(OutputError, match="refused"):
        Webhook(f"http://127.0.0.1:{port}/").write(made_result())


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host/",
        "file:///etc/passwd",
        "host/path",
        "http://",
        "http:///path",
        "http://host:99999/",
        "http://host:0/",
        "http://user:secret@host/a b",
        "http://user:secret@host/a\r\nX-Evil: 1",
        "http://user:secret@höst/",
        "http://[::1/",
        "javascript:alert(1)",
        "",
    ],
)
def test_other_addresses_are_refused_without_quoting_them(url: str) -> None:
    with pytest.raises(OutputError, match="webhook's address") as caught:
        Webhook(url)
    assert "secret" not in str(caught.value)


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for localhost that nobody vouches for, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the program openssl: apt install openssl")
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(
        [*command, *subject, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True
    )
    return cert, key


def test_certificates_are_verified(
    server: _Server, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    # The handshake must not happen in accept(), where its failure would end the server.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    with pytest.raises(OutputError, match="certificate is not trusted"):
        Webhook(f"https://localhost:{server.port}/").write(made_result())
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    Webhook(f"https://localhost:{server.port}/").write(made_result())
    with pytest.raises(OutputError, match="certificate is not trusted"):
        Webhook(f"https://127.0.0.1:{server.port}/").write(made_result())
    assert _states(server) == ["dress"]
