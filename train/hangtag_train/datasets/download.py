"""Downloads that go on where they were interrupted and count only when they are whole."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from hangtag import __version__
from hangtag.errors import DatasetError, OutputError
from hangtag.files import make_folder, write_json
from hangtag.progress import Progress
from hangtag_train.datasets.source import file_sha256

_CHUNK_BYTES = 1 << 16
_MAX_BYTES = 4 * 10**9
_TIMEOUT_S = 30.0
_ATTEMPTS = 5
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_PASSING = frozenset({408, 429, 500, 502, 503, 504})
"""HTTP answers after which trying again makes sense."""


class _BrokenOff(Exception):  # noqa: N818 - an event between two attempts, never seen outside
    """The connection ended before the file did."""


def download(
    url: str,
    to: Path,
    progress: Progress,
    *,
    sha256: str | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Download a file, whole or not at all.

    What has arrived is kept beside ``to`` as ``NAME.part``; a later attempt, or a later call, asks for the
    rest alone, provided that the server says it is still the same file.

    Args:
        url: an https address (plain http is accepted from this computer alone).
        to: the file to write.
        progress: where progress is shown.
        sha256: the checksum of the content in hexadecimal, where it is known.
        sleep: waits between attempts.

    Raises:
        DatasetError: the server cannot be reached or refuses, or the content is not what was expected.
        OutputError: the file cannot be written.
    """
    _check_address(url)
    make_folder(to.parent)
    part = _Part(to.with_name(to.name + ".part"), url)
    progress.say(f"downloading {url}")
    for attempt in range(_ATTEMPTS):
        try:
            _fetch(part, progress, to.name)
            break
        except _BrokenOff as error:
            if attempt + 1 == _ATTEMPTS:
                raise DatasetError(
                    f"cannot download {url}: {error}; what has arrived is kept: run the same command again "
                    "to go on, or fetch the file yourself"
                ) from None
            sleep(2.0**attempt)
    found = file_sha256(part.path)
    if sha256 is not None and found != sha256:
        part.forget()
        raise DatasetError(
            f"{url} is not the file that was expected: SHA-256 {found}, wanted {sha256}; nothing is kept"
        )
    part.finish(to)


class _Part:
    """What has arrived of a file, and how the server called that version of it."""

    def __init__(self, path: Path, url: str) -> None:
        self.path = path
        self.url = url
        self._note = path.with_name(path.name + ".json")

    def start(self) -> tuple[int, str | None]:
        """Return how many bytes are there and the version that they belong to; (0, None) to begin anew."""
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
            if note["url"] == self.url and isinstance(note["version"], str):
                return self.path.stat().st_size, note["version"]
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return 0, None

    def begin(self, version: str | None) -> None:
        """Throw away what is there and note the version of what comes now."""
        self.forget()
        if version is not None:
            write_json(self._note, {"url": self.url, "version": version})

    def forget(self) -> None:
        """Throw away what is there."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def finish(self, to: Path) -> None:
        """Give the whole file its name."""
        try:
            self.path.replace(to)
            self._note.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"cannot write {to}: {error.strerror or error}") from None


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows a server elsewhere only where an address given by us would be accepted."""

    def redirect_request(  # noqa: PLR0917 - urllib's interface
        self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: str
    ) -> Any:
        """Check the new address."""
        _check_address(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _check_address(url: str) -> None:
    parts = urllib.parse.urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise DatasetError(f"{url} is not downloaded: only https addresses are")


def _fetch(part: _Part, progress: Progress, title: str) -> None:
    """Fetch what is missing; raise :class:`_BrokenOff` when trying again may bring the rest."""
    there, version = part.start()
    request = urllib.request.Request(part.url, headers={"User-Agent": f"hangtag/{__version__}"})  # noqa: S310 - checked
    if there > 0 and version is not None:
        # If-Range: a server whose file has changed since sends all of the new one.
        request.add_header("Range", f"bytes={there}-")
        request.add_header("If-Range", version)
    try:
        opener = urllib.request.build_opener(_SafeRedirects)
        with opener.open(request, timeout=_TIMEOUT_S) as response:
            if response.status != http.HTTPStatus.PARTIAL_CONTENT:
                there = 0
                part.begin(_version(response.headers))
            elif not str(response.headers.get("Content-Range", "")).startswith(f"bytes {there}-"):
                part.forget()
                raise _BrokenOff("the server sent another part than it was asked for")
            length = response.headers.get("Content-Length")
            _receive(
                response,
                part,
                there,
                int(length) if length is not None else None,
                progress=progress,
                title=title,
            )
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.forget()
        elif error.code not in _PASSING:
            raise DatasetError(
                f"cannot download {part.url}: the server says {error.code} {error.reason}"
            ) from None
        raise _BrokenOff(f"the server says {error.code} {error.reason}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise _BrokenOff(str(reason) or type(error).__name__) from None


def _version(headers: Any) -> str | None:
    """Return what If-Range may quote: a strong entity tag or the date of the last change."""
    tag = headers.get("ETag")
    if tag is not None and not str(tag).startswith("W/"):
        return str(tag)
    changed = headers.get("Last-Modified")
    return None if changed is None else str(changed)


def _receive(
    response: IO[bytes], part: _Part, there: int, length: int | None, *, progress: Progress, title: str
) -> None:
    with _appending(part.path) as file, progress.bar(title, (length or 0) // _CHUNK_BYTES) as advance:
        received = 0
        while chunk := response.read(_CHUNK_BYTES):
            received += len(chunk)
            if there + received > _MAX_BYTES:
                raise DatasetError(f"{part.url} sends more than {_MAX_BYTES / 1e9:.0f} GB; it was stopped")
            try:
                file.write(chunk)
            except OSError as error:
                raise OutputError(f"cannot write {part.path}: {error.strerror or error}") from None
            advance()
    if length is not None and received < length:
        raise _BrokenOff(f"the connection ended after {there + received} of {there + length} bytes")


def _appending(path: Path) -> IO[bytes]:
    try:
        return path.open("ab", buffering=0)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from None
