"""Real servers of stamped pictures, to be read, paused, killed and started again on the same port."""

from __future__ import annotations

import functools
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from hangtag.errors import BenchmarkError

SYSTEM_PYTHON = "/usr/bin/python3"
RTSP_PACKAGES = (
    "gir1.2-gst-rtsp-server-1.0 python3-gi gstreamer1.0-plugins-base gstreamer1.0-plugins-good "
    "gstreamer1.0-plugins-ugly"
)
_START_S = 20.0
# States of a socket in Linux's /proc/net/tcp (include/net/tcp_states.h).
_LISTENS, _HAS_A_CLIENT = "0A", "01"
_RTSP_SCRIPT = Path(__file__).with_name("rtsp_server.py")
_PROBE = (
    "import gi; gi.require_version('Gst', '1.0'); gi.require_version('GstRtspServer', '1.0');"
    "from gi.repository import Gst, GstRtspServer; Gst.init(None);"
    "missing = [n for n in 'appsrc videoconvert x264enc rtph264pay jpegenc rtpjpegpay'.split()"
    " if not Gst.ElementFactory.find(n)]; raise SystemExit(', '.join(missing) or None)"
)

_S = TypeVar("_S", bound="StreamServer")


@functools.cache
def why_no_rtsp() -> str | None:
    """Return why no RTSP server can be had here, None where it can."""
    needs = f"needs GStreamer's RTSP server: apt-get install {RTSP_PACKAGES}"
    if not Path(SYSTEM_PYTHON).exists():
        return needs
    probe = subprocess.run([SYSTEM_PYTHON, "-c", _PROBE], capture_output=True, check=False)
    return None if probe.returncode == 0 and not probe.stderr.strip() else needs


def why_no_mjpeg() -> str | None:
    """Return why no HTTP server of MJPEG can be had here, None where it can."""
    return None if shutil.which("ffmpeg") else "needs ffmpeg as a server: apt-get install ffmpeg"


def free_port() -> int:
    """Return a port of this machine on which nobody listens just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class StreamServer:
    """A camera process whose frames a server process serves; a context manager.

    Args:
        size_wh: width and height in pixels.
        fps: frames a second.
        port: where to listen; a free one by default.
    """

    url: str

    def __init__(
        self, *, size_wh: tuple[int, int] = (640, 480), fps: int = 30, port: int | None = None
    ) -> None:
        self.port = port or free_port()
        self._size = f"{size_wh[0]}x{size_wh[1]}"
        self._fps = fps
        self._processes: list[subprocess.Popen[bytes]] = []

    def _command(self) -> list[str]:
        raise NotImplementedError

    def _wait_until_ready(self, server: subprocess.Popen[bytes]) -> None:
        raise NotImplementedError

    def start(self) -> None:
        """Start serving; returns when clients can come.

        Raises:
            BenchmarkError: the server does not start.
        """
        camera = subprocess.Popen(
            [
                *(sys.executable, "-m", "hangtag_benchmarks.camera.stamped_camera"),
                *("--size", self._size, "--fps", str(self._fps)),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        server = subprocess.Popen(
            self._command(), stdin=camera.stdout, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert camera.stdout is not None  # noqa: S101 - it was asked for
        camera.stdout.close()
        self._processes = [server, camera]
        self._wait_until_ready(server)

    def pause(self) -> None:
        """Stop in mid-stream without closing a connection, as a machine that hangs."""
        self._processes[0].send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """End a pause."""
        self._processes[0].send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End at once, as by a power cut; :meth:`start` begins again."""
        for process in self._processes:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        self._processes = []

    def __enter__(self: _S) -> _S:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()


class RtspServer(StreamServer):
    """GStreamer's RTSP server.

    Args:
        codec: ``h264``, ``mjpeg``, or ``sound`` for a stream without pictures.
        login: ``user:password`` to ask for.
        scheme: how to ask for it, ``basic`` or ``digest``.
        size_wh: width and height in pixels.
        fps: frames a second.
        port: where to listen; a free one by default.
    """

    def __init__(
        self,
        *,
        codec: str = "h264",
        login: str | None = None,
        scheme: str = "basic",
        size_wh: tuple[int, int] = (640, 480),
        fps: int = 30,
        port: int | None = None,
    ) -> None:
        super().__init__(size_wh=size_wh, fps=fps, port=port)
        self._options = ["--codec", codec, "--scheme", scheme]
        if login is not None:
            self._options += ["--login", login]
        self.url = f"rtsp://{login + '@' if login else ''}127.0.0.1:{self.port}/camera"

    def _command(self) -> list[str]:
        return [
            *(SYSTEM_PYTHON, "-I", str(_RTSP_SCRIPT), "--port", str(self.port)),
            *("--size", self._size, "--fps", str(self._fps), *self._options),
        ]

    def _wait_until_ready(self, server: subprocess.Popen[bytes]) -> None:
        assert server.stdout is not None  # noqa: S101 - it was asked for
        watchdog = threading.Timer(_START_S, server.kill)
        watchdog.start()
        said = server.stdout.readline()
        watchdog.cancel()
        if said != b"ready\n":
            self.kill()
            raise BenchmarkError(f"the RTSP server does not start on port {self.port}")


class MjpegServer(StreamServer):
    """ffmpeg as an HTTP server of MJPEG: it serves one client, and ends when that one leaves."""

    def __init__(
        self, *, size_wh: tuple[int, int] = (640, 480), fps: int = 30, port: int | None = None
    ) -> None:
        super().__init__(size_wh=size_wh, fps=fps, port=port)
        self.url = f"http://127.0.0.1:{self.port}/camera.mjpeg"

    def _command(self) -> list[str]:
        return [
            *("ffmpeg", "-loglevel", "error", "-nostdin", "-probesize", "32", "-fflags", "nobuffer"),
            *("-f", "rawvideo", "-pix_fmt", "bgr24", "-s", self._size, "-r", str(self._fps), "-i", "-"),
            *("-c:v", "mjpeg", "-threads", "1", "-q:v", "4", "-pix_fmt", "yuvj420p", "-flush_packets", "1"),
            *("-f", "mpjpeg", "-listen", "1", self.url),
        ]

    def _wait_until_ready(self, server: subprocess.Popen[bytes]) -> None:
        # Asking it whether it listens would be its one client. One that waited for it may come, and end
        # the listening, between two looks.
        until_s = time.monotonic() + _START_S
        while not _serves(self.port):
            if server.poll() is not None or time.monotonic() > until_s:
                self.kill()
                raise BenchmarkError(f"the MJPEG server does not start on port {self.port}")
            time.sleep(0.02)


def _serves(port: int) -> bool:
    """Whether a socket of this port listens or has a client."""
    lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    return any(
        line.split()[1].endswith(f":{port:04X}") and line.split()[3] in (_LISTENS, _HAS_A_CLIENT)
        for line in lines
    )
