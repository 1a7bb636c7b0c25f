"""The picture and the label over HTTP: this end draws and encodes, a process of its own serves."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import time
from collections.abc import Callable, Sequence

import cv2

from hangtag.errors import OutputError
from hangtag.preprocess import Image
from hangtag.preview import listener, wire
from hangtag.preview.hosting import Server, ServerProcess, ServerThread
from hangtag.result import Result
from hangtag.sinks import overlay
from hangtag.sinks.base import Losses, Sink
from hangtag.sinks.fitted import fitted
from hangtag.sinks.json_lines import as_record
from hangtag.sources.account import Counts, Outage
from hangtag.sources.live import Thinning

_log = logging.getLogger(__name__)

_PICTURES_PER_S = 10
_MOST_SIDE_PX = 1280
_QUALITY = 80
_AGAIN_AFTER_S = 5.0


class Preview(Sink):
    """Serves a page with picture and label, and the same for programs, see :mod:`hangtag.preview.site`.

    Pictures are drawn and encoded while somebody looks, at most ten a second, once for all viewers.

    Args:
        host: name or address to listen on.
        port: port to listen on; 0 for any that is free.
        in_thread: serve in a thread of this process, which costs the loop time (see benchmarks/CAMERA.md).

    Raises:
        OutputError: it cannot listen there.
    """

    name = "preview"

    def __init__(self, host: str, port: int, *, in_thread: bool = os.name != "posix") -> None:
        self._in_thread = in_thread
        self._listener = listener.listening(host, port)
        self.url = listener.url(self._listener)
        if not listener.is_local(self._listener):
            _log.warning("anybody who reaches this machine over the network can watch at %s", self.url)
        self._due = Thinning(_PICTURES_PER_S)
        self._looked_at = False
        # The last annotated picture, for outages; drawn from the last result where nobody looked.
        self._last: Image | None = None
        self._last_result: Result | None = None
        self._losses: Callable[[], Sequence[Losses]] = tuple
        self._news = self._news_of(Outage("", "no frame yet", 0.0, 0.0, Counts()))
        self._server: Server | None = None
        self._next_try_s = 0.0
        self._tell()

    def watch_losses(self, losses: Callable[[], Sequence[Losses]]) -> None:
        """Let ``/metrics`` say what the loop's sinks lose."""
        self._losses = losses

    def write(self, result: Result) -> None:
        """Show one result."""
        self._last_result, self._news = result, self._news_of(result)
        self._tell()
        if self._looked_at and self._due.keeps():
            self._last = fitted(overlay.draw(result), _MOST_SIDE_PX)
            self._show(self._last)

    def missing(self, outage: Outage) -> None:
        """Show the last picture darkened, with what is wrong."""
        self._news = self._news_of(outage)
        self._tell()
        if not self._looked_at:
            return
        if self._last_result is not None:
            self._last, self._last_result = fitted(overlay.draw(self._last_result), _MOST_SIDE_PX), None
        self._show(overlay.draw_outage(self._last, outage))

    def close(self) -> None:
        """End the server; streams that are open end with it."""
        if self._server is not None:
            self._server.end()
        self._listener.close()

    def _news_of(self, item: Result | Outage) -> bytes:
        """Return what the server is told of an item.

        It is JSON: ``record`` as :func:`hangtag.sinks.json_lines.as_record` makes it, ``counts`` of the feed,
        ``losses`` of each sink (name, late, failed), and ``captured_s``, when the last good frame was
        captured on the clock of ``time.monotonic()``, which all processes share.
        """
        if isinstance(item, Outage):
            captured_s = time.monotonic() - item.age_ms / 1000
        else:
            captured_s = item.frame.captured_s
        news = {
            "record": as_record(item),
            "counts": dataclasses.asdict(item.counts),
            "losses": [dataclasses.astuple(losses) for losses in self._losses()],
            "captured_s": captured_s,
        }
        return json.dumps(news).encode()

    def _tell(self) -> None:
        serving = self._running()
        self._send(serving, wire.Kind.NEWS, self._news)
        self._looked_at = serving.looked_at()

    def _show(self, picture: Image) -> None:
        _, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        if self._server is not None:
            self._send(self._server, wire.Kind.PICTURE, jpeg.tobytes())

    def _send(self, serving: Server, kind: wire.Kind, payload: bytes) -> None:
        try:
            serving.send(wire.packed(kind, payload))
        except OSError as error:
            serving.end()
            self._server = None
            self._next_try_s = time.monotonic() + _AGAIN_AFTER_S
            raise OutputError(f"its server takes nothing any more ({error})") from None

    def _running(self) -> Server:
        if self._server is None:
            if time.monotonic() < self._next_try_s:
                raise OutputError("its server has ended")
            start = ServerThread if self._in_thread else ServerProcess
            self._server = start(self._listener)
        return self._server
