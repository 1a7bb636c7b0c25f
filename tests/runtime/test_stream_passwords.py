"""No password of a camera's address is left anywhere: not in logs, JSON, or the process list."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from stream_refusals import SECRET, needs_rtsp, refusal

from hangtag.address import without_secrets
from hangtag.cli.secrets import masked
from hangtag_benchmarks.camera.stream_servers import (
    RtspServer,
)


@pytest.mark.parametrize(
    "url",
    [
        f"rtsp://keeper:{SECRET}@camera/live",
        f"rtsp://keeper:x/{SECRET}@camera/live",
        f"rtsp://keeper:{SECRET}/x@camera/live",
        f"rtsp://keeper@example.com:{SECRET}/x@camera:554/live",
        f"rtsp://keeper:{SECRET}/x@y@camera/live",
        f"rtsp://keeper:{SECRET}#x?y@camera/live",
        f"rtsp://keeper:a {SECRET}@camera/live",
        f"rtsp://camera/live?password={SECRET}",
        # As cheap recorders have it.
        f"rtsp://camera:554/user=admin&password={SECRET}&channel=1&stream=0.sdp",
        f"rtsp://camera:554/user=admin_password={SECRET}_channel=1_stream=0.sdp?real_stream",
        f"rtsp://camera:554/user=admin&password=x&y_z=/;{SECRET}&channel=1",
        f"rtsp://camera/live;user=admin;PWD={SECRET}",
        f"rtsp://camera/live/authToken={SECRET}/1",
        f"rtsp://camera/api_key%3D{SECRET}",
        f"http://camera/secret={SECRET}\nx",
        f"rtsp://camera/live#keeper:{SECRET}",
        f"rtsp://camera#keeper:{SECRET}",
        f"rtsp://camera/live#{SECRET}#hidden-0x",
        f"rtsp:///keeper:{SECRET}@camera/live",
        f"rtsp://keeper/x:{SECRET}@camera/live",
        f"rtmps://keeper:{SECRET}@camera/live",
        f"srt://camera:9000?passphrase={SECRET}",
    ],
)
def test_no_password_is_left_of_an_address_or_a_command_line(url: str) -> None:
    assert SECRET not in without_secrets(url)
    assert "camera" in without_secrets(url)
    for spelling in ([url], [f"--source={url}"]):
        arguments, hidden = masked(["hangtag", "camera", *spelling, "--headless"])
        assert SECRET not in " ".join(arguments)
        assert list(hidden.values()) == [url]
        assert masked(arguments) == (arguments, {}), "started again, it does not start again"


@pytest.mark.parametrize("channel", ["&channel=2", "_channel=2_stream=1.sdp", ";subtype=0"])
def test_what_is_no_password_in_a_path_is_shown(channel: str) -> None:
    shown = without_secrets(f"rtsp://camera:554/user=admin&password={SECRET}{channel}")
    assert shown == f"rtsp://camera:554/user=admin&password=***{channel}"
    assert without_secrets(shown) == shown


@pytest.mark.parametrize(
    "spelling",
    [
        f"rtmps://keeper:{SECRET}@camera/live",
        f"srt://keeper:{SECRET}@camera:9000",
        f"srt://camera:9000?passphrase={SECRET}",
        f"rtsp:/keeper:{SECRET}@camera/live",
        f"srt:///keeper:{SECRET}@camera/live*",
        f"rtsp:keeper:{SECRET}@x@camera/live",
        f"keeper:{SECRET}@camera/live",
        f"{SECRET}@camera/live",
        f"camera/user=admin&password={SECRET}&channel=1",
        f"camera/live#keeper:{SECRET}",
        f"camera/live?pwd={SECRET}",
    ],
)
def test_no_password_is_left_of_what_is_no_source(spelling: str) -> None:
    said = refusal(spelling)
    assert "there is no source" in said
    assert "camera" in said.replace("wanted a camera", "")


def test_what_is_no_source_and_holds_no_password_is_shown() -> None:
    assert "no source 'photos/#1 key.jpg'" in refusal("photos/#1 key.jpg")


@pytest.mark.parametrize(
    "url", ["rtsp://camera:554/live@high", "rtsp://camera/live@high", "http://[::1]:8080/a"]
)
def test_an_address_without_a_password_stays_one(url: str) -> None:
    shown = without_secrets(url)
    assert shown == url or ":554" in url, "host:554/live@high could be a user and half a password"


def run_camera(url: str, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "hangtag", "camera", "--source", url, "--headless", "--json", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def process_list_shows(pid: int) -> str:
    shown = [Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "comm", "stat", "status")]
    return b" ".join(shown).replace(b"\0", b" ").decode(errors="replace")


@needs_rtsp
@pytest.mark.skipif(
    not Path("/proc/self/cmdline").exists(), reason="needs /proc, where Linux lists processes"
)
def test_no_password_in_output_log_or_process_list() -> None:
    with RtspServer(login=f"keeper:{SECRET}") as server:
        child = run_camera(f"{server.url}?token={SECRET}")
        assert child.stdout is not None
        first = child.stdout.readline()
        listed = process_list_shows(child.pid)
        assert "camera" in listed
        assert SECRET not in listed
        server.kill()
        time.sleep(3)
        server.start()
        time.sleep(3)
        child.terminate()
        out, err = child.communicate(timeout=20)
    assert child.returncode == 0, err
    assert SECRET not in first + out + err
    assert f"rtsp://127.0.0.1:{server.port}/camera" in first
    assert "is back after" in err
    for word in ("@", "FFMPEG", "cap.cpp"):
        assert word not in err, "nothing of FFmpeg's or OpenCV's own"


@needs_rtsp
def test_no_password_where_it_is_wrong() -> None:
    with RtspServer(login=f"keeper:{SECRET}") as server:
        out, err = run_camera(server.url.replace(SECRET, f"{SECRET}x")).communicate(timeout=60)
    assert SECRET not in out + err
    assert "does not take these" in err
    assert len(err.splitlines()) == 1
