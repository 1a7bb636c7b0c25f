"""Downloads against a server on this computer that interrupts, ignores and deceives."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hangtag.errors import DatasetError
from hangtag.progress import Progress
from hangtag_train.datasets.download import download

_QUIET = Progress(quiet=True)
_CONTENT = bytes(range(256)) * 2000


class _Server(http.server.ThreadingHTTPServer):
    """Sends ``content``; each request takes one number from ``cuts``, the bytes after which it breaks off."""

    content = _CONTENT
    tag: str | None = '"one"'
    obeys_range = True
    status = 200
    location: str | None = None

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.cuts: list[int] = []
        self.asked: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/set.zip"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        server = self.server
        asked = self.headers.get("Range")
        server.asked.append(asked)
        if server.location is not None:
            self.send_response(302)
            self.send_header("Location", server.location)
            self.end_headers()
            return
        if server.status != 200:
            self.send_error(server.status)
            return
        start = 0
        if asked is not None and server.obeys_range and self.headers.get("If-Range") == server.tag:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
        self.send_response(206 if start else 200)
        if start:
            end = len(server.content)
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{end}")
        if server.tag is not None:
            self.send_header("ETag", server.tag)
        rest = server.content[start:]
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest[: server.cuts.pop(0)] if server.cuts else rest)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[_Server]:
    with _Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def _download(server: _Server, to: Path, sha256: str | None = None) -> None:
    download(server.url, to, _QUIET, sha256=sha256, sleep=lambda _seconds: None)


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_download_arrives_whole_and_alone(server: _Server, tmp_path: Path) -> None:
    _download(server, tmp_path / "deep" / "set.zip", _sha(_CONTENT))
    assert (tmp_path / "deep" / "set.zip").read_bytes() == _CONTENT
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["set.zip"]


def test_an_interrupted_download_asks_for_the_rest(server: _Server, tmp_path: Path) -> None:
    server.cuts = [100_000, 50_000]
    _download(server, tmp_path / "set.zip", _sha(_CONTENT))
    assert (tmp_path / "set.zip").read_bytes() == _CONTENT
    assert server.asked == [None, "bytes=100000-", "bytes=150000-"]


def test_a_later_call_goes_on(server: _Server, tmp_path: Path) -> None:
    server.cuts = [100_000, 0, 0, 0, 0]
    with pytest.raises(DatasetError, match="ended after 100000 of 512000 bytes; what has arrived is kept"):
        _download(server, tmp_path / "set.zip")
    assert not (tmp_path / "set.zip").exists()
    _download(server, tmp_path / "set.zip")
    assert (tmp_path / "set.zip").read_bytes() == _CONTENT
    assert server.asked[-1] == "bytes=100000-"


def test_a_file_that_changed_meanwhile_begins_anew(server: _Server, tmp_path: Path) -> None:
    server.cuts = [100_000, 0, 0, 0, 0]
    with pytest.raises(DatasetError):
        _download(server, tmp_path / "set.zip")
    server.content, server.tag = _CONTENT[::-1], '"two"'
    _download(server, tmp_path / "set.zip")
    assert (tmp_path / "set.zip").read_bytes() == _CONTENT[::-1]


@pytest.mark.parametrize("tag", ['"one"', 'W/"weak"', None])
def test_a_server_that_ignores_ranges_or_has_no_versions(
    tag: str | None, server: _Server, tmp_path: Path
) -> None:
    server.obeys_range, server.tag = False, tag
    server.cuts = [100_000]
    _download(server, tmp_path / "set.zip", _sha(_CONTENT))
    assert (tmp_path / "set.zip").read_bytes() == _CONTENT


def test_a_wrong_checksum_leaves_nothing(server: _Server, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is not the file that was expected"):
        _download(server, tmp_path / "set.zip", "0" * 64)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("status", "requests"), [(404, 1), (403, 1), (503, 5)])
def test_refusals_are_final_and_overload_is_not(
    status: int, requests: int, server: _Server, tmp_path: Path
) -> None:
    server.status = status
    with pytest.raises(DatasetError, match=f"the server says {status}"):
        _download(server, tmp_path / "set.zip")
    assert len(server.asked) == requests


@pytest.mark.parametrize("url", ["http://example.com/x", "ftp://example.com/x", "file:///etc/passwd", "x"])
def test_only_https_is_downloaded(url: str, server: _Server, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="only https"):
        download(url, tmp_path / "x", _QUIET)
    server.location = url
    if ":" in url:
        with pytest.raises(DatasetError, match=r"only https|is not allowed"):
            _download(server, tmp_path / "x")


def test_no_server_is_a_clear_error(tmp_path: Path) -> None:
    with _Server() as gone:
        url = gone.url
    with pytest.raises(DatasetError, match=r"cannot download .*refused"):
        download(url, tmp_path / "x", _QUIET, sleep=lambda _seconds: None)
