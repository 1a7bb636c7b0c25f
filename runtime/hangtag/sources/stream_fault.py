"""Why a stream cannot be opened: FFmpeg does not say, so the server is asked once more, plainly."""

from __future__ import annotations

import re
import socket
import time
import urllib.parse

_PORTS = {"rtsp": 554, "http": 80}
_STATUS = re.compile(rb"^(?:RTSP|HTTP)/1\.\d (\d{3})")
_NO_VIDEO = "it answers, and holds no video that can be read"
_MOST_BYTES = 256


def why_not(url: str, *, timeout_s: float) -> str:
    """Return in a few words why a stream could not be opened; neither user nor password is sent or told."""
    try:
        parts = urllib.parse.urlsplit(url)
        host, port = parts.hostname, parts.port or _PORTS.get(parts.scheme.lower())
    except ValueError:
        return "this is no address that can be read; special characters in a password are written %2F, %40, …"
    if not host or port is None:
        return "no answer, or not a video stream"
    try:
        with socket.create_connection((host, port), timeout=timeout_s) as connection:
            status = _status(connection, _question(parts, host, port), time.monotonic() + timeout_s)
    except OSError as error:
        return _unreachable(error, port)
    return _meaning(status, has_user=parts.username is not None)


def _unreachable(error: OSError, port: int) -> str:
    if isinstance(error, socket.gaierror):
        return "there is no host of this name"
    if isinstance(error, ConnectionRefusedError):
        return f"nobody listens on port {port}"
    if isinstance(error, TimeoutError):
        return "no answer"
    return f"it cannot be reached ({error.strerror or type(error).__name__})"


def _question(parts: urllib.parse.SplitResult, host: str, port: int) -> bytes:
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    name = f"[{host}]" if ":" in host else host
    if parts.scheme.lower() == "rtsp":
        text = f"DESCRIBE rtsp://{name}:{port}{path} RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n\r\n"
    else:
        text = f"GET {path or '/'} HTTP/1.0\r\nHost: {name}:{port}\r\n\r\n"
    return text.encode("ascii", "ignore")


def _status(connection: socket.socket, question: bytes, until_s: float) -> int | None:
    """Ask, and return the number that the answer begins with; None where it begins with something else."""
    connection.sendall(question)
    answer = b""
    while b"\n" not in answer and len(answer) < _MOST_BYTES:
        connection.settimeout(max(0.01, until_s - time.monotonic()))
        received = connection.recv(_MOST_BYTES)
        if not received:
            break
        answer += received
    found = _STATUS.match(answer)
    return int(found[1]) if found else None


def _meaning(status: int | None, *, has_user: bool) -> str:
    if status == 401:
        if has_user:
            return "it asks for user and password, and does not take these or holds no video"
        return "it asks for user and password (rtsp://user:password@…)"
    if status == 403:
        return "it does not let us in (403)"
    if status == 404:
        return "there is no stream of this name on it (404)"
    if status is not None and status >= 400:
        return f"it answers with error {status}"
    return _NO_VIDEO if status is not None else "it answers, but not as a stream does"
