"""Where the HTTP preview listens, and how its server ends."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from preview_rig import ASK, Loop, get, result_of_the_scene, until

from hangtag.errors import OutputError
from hangtag.preview import site
from hangtag.result import Result
from hangtag.sinks import preview as preview_sink
from hangtag.sinks.preview import Preview


@pytest.fixture(scope="module")
def result() -> Result:
    return result_of_the_scene()


# --- where it listens --------------------------------------------------------------------------------------


def test_a_port_in_use_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(OutputError, match=rf"port {port} of 127.0.0.1 is in use: choose another"):
            Preview("127.0.0.1", port)


@pytest.mark.parametrize("host", ["no.such.host.invalid", "", "203.0.113.7", "a" * 300])
def test_no_address_is_one_clear_line(host: str) -> None:
    with pytest.raises(OutputError, match="serve on"):
        Preview(host, 0)


@pytest.mark.parametrize(("host", "warned"), [("127.0.0.1", False), ("localhost", False), ("0.0.0.0", True)])  # noqa: S104
def test_who_can_watch_is_said(host: str, warned: bool, caplog: pytest.LogCaptureFixture) -> None:
    Preview(host, 0).close()
    assert ("anybody" in caplog.text) is warned


def test_seen_from_elsewhere_it_answers_to_any_name() -> None:
    preview = Preview("0.0.0.0", 0)  # noqa: S104
    try:
        port = int(preview.url.rstrip("/").rpartition(":")[2])
        assert get(port, "/state", host="kiosk.example").status == 200
    finally:
        preview.close()


def test_version_6(result: Result) -> None:
    try:
        preview = Preview("::1", 0)
    except OutputError as error:
        pytest.skip(f"needs IPv6 on this machine: {error}")
    try:
        assert re.fullmatch(r"http://\[::1\]:\d+/", preview.url)
        preview.write(result)
        with socket.create_connection(("::1", int(preview.url[:-1].rpartition(":")[2])), timeout=5) as client:
            client.sendall(b"GET /state HTTP/1.1\r\nHost: [::1]\r\n\r\n")
            assert client.recv(1000).startswith(b"HTTP/1.1 200")
    finally:
        preview.close()


# --- how it ends -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_thread", [False, True])
def test_it_ends_at_once_with_streams_open(result: Result, in_thread: bool) -> None:
    loop = Loop(result, in_thread=in_thread)
    loop.wait_for(200)
    clients = [loop.connect() for _ in range(6)]
    for client, path in zip(clients, (b"/stream", b"/news", b"/stream"), strict=False):
        client.sendall(ASK % path)
    time.sleep(0.3)
    port = loop.port
    assert loop.close() < 3
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
    Preview("127.0.0.1", port).close()
    for client in clients:
        client.close()


def test_a_server_that_dies_is_replaced(result: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview_sink, "_AGAIN_AFTER_S", 0.2)
    preview = Preview("127.0.0.1", 0)
    port = int(preview.url.rstrip("/").rpartition(":")[2])
    try:
        preview.write(result)
        assert get(port, "/state").status == 200
        preview._server._process.kill()
        preview._server._process.wait()
        with pytest.raises(OutputError, match="its server takes nothing any more"):
            preview.write(result)
        with pytest.raises(OutputError, match="its server has ended"):
            preview.write(result)
        time.sleep(0.3)
        preview.write(result)
        preview.write(result)
        assert get(port, "/state").status == 200
    finally:
        preview.close()


_CAMERA = [
    sys.executable, "-m", "hangtag", "camera", "--source", "scene:", "--fps", "5", "--headless",
    "--serve", "0",
]  # fmt: skip


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_server_ends_with_the_camera(signal_number: int, tmp_path: Path) -> None:
    with subprocess.Popen(
        _CAMERA, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    ) as camera:
        assert camera.stderr is not None
        try:
            line = next(line for line in camera.stderr if "preview: " in line)
            port = int(line.strip().rstrip("/").rpartition(":")[2])
            until(lambda: get(port, "/healthz").status == 200, 30)
            camera.send_signal(signal_number)
            camera.wait(5)
            until(lambda: _refused(port), 2)
        finally:
            camera.kill()
        assert "Traceback" not in camera.stderr.read()


def _refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except ConnectionRefusedError:
        return True
    return False


def test_the_server_loads_nothing_heavy() -> None:
    code = "import sys, hangtag.preview.server; print(sorted({'numpy', 'cv2', 'click'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("header", "name"), [("a:80", "a"), ("A", "a"), ("[::1]:80", "[::1]"), ("[::1]", "[::1]"), (":80", ":80")]
)
def test_the_name_in_a_host_header(header: str, name: str) -> None:
    assert site.host_name(header) == name
