"""A preview that results are written to, and clients of it: what tests of the preview share."""

from __future__ import annotations

import dataclasses
import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from camera_results import results_of

from hangtag import Classifier
from hangtag.result import Result
from hangtag.scene import Scene, SceneSettings
from hangtag.sinks.preview import Preview
from hangtag.sources import Frame
from hangtag.sources.account import Outage

Item = Result | Outage

ASK = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Loop:
    """Writes the same item to a preview, 30 times a second, as a camera loop's thread does."""

    def __init__(self, item: Item, *, in_thread: bool = False) -> None:
        self.preview = Preview("127.0.0.1", 0, in_thread=in_thread)
        self.item: Item | None = item
        self._clients: list[socket.socket] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def _write(self) -> None:
        while not self._stop.wait(1 / 30):
            item = self.item
            if isinstance(item, Outage):
                self.preview.missing(item)
            elif item is not None:
                self.preview.write(fresh(item))

    @property
    def port(self) -> int:
        return urlsplit(self.preview.url).port or 0

    @property
    def server(self) -> Path:
        """The server's process, in /proc."""
        return Path(f"/proc/{self.preview._server._process.pid}")

    def get(self, path: str, *, method: str = "GET", host: str = "localhost") -> Reply:
        return get(self.port, path, method=method, host=host)

    def connect(self) -> socket.socket:
        """Return a connection, closed at the latest with the loop."""
        client = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        self._clients.append(client)
        return client

    def wait_for(self, status: int, path: str = "/healthz") -> None:
        until(lambda: self.get(path).status == status)

    def close(self) -> float:
        """End all; return how long the preview took."""
        self._stop.set()
        self._thread.join()
        begun = time.monotonic()
        self.preview.close()
        took_s = time.monotonic() - begun
        for client in self._clients:
            client.close()
        return took_s


class Reply:
    """An answer that was read whole."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status, self.body = response.status, response.read()
        self.headers = {name.lower(): value for name, value in response.getheaders()}


def get(port: int, path: str, *, method: str = "GET", host: str = "localhost") -> Reply:
    """Ask as a well-behaved client."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path, headers={"Host": host})
        return Reply(connection.getresponse())
    finally:
        connection.close()


def fresh(result: Result) -> Result:
    """Return a result as if its frame had just been captured."""
    return dataclasses.replace(
        result, frame=dataclasses.replace(result.frame, captured_s=time.monotonic() - result.age_ms / 1000)
    )


@contextmanager
def running(item: Item, *, in_thread: bool = False) -> Iterator[Loop]:
    """Have a preview of an item, answering."""
    loop = Loop(item, in_thread=in_thread)
    try:
        until(lambda: loop.get("/healthz").status == (503 if isinstance(item, Outage) else 200))
        yield loop
    finally:
        loop.close()


def until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came to hold"
        time.sleep(0.03)


def read_all(client: socket.socket) -> bytes:
    """Read until the server closes."""
    parts = []
    while part := client.recv(65536):
        parts.append(part)
    return b"".join(parts)


def result_of_the_scene() -> Result:
    """Return what the bundled model makes of a frame of the simulated camera."""
    image = Scene(SceneSettings(seed=2)).frame(20).image_bgr
    return results_of(Classifier.bundled(), [Frame(image, 0, 0.0, time.monotonic())])[0]
