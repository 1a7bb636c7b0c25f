"""One picture of a whole run: a sheet with an annotated frame of each garment."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from hangtag.errors import OutputError
from hangtag.files import write_bytes
from hangtag.preprocess import Image
from hangtag.result import Result
from hangtag.sinks import overlay
from hangtag.sinks.base import Sink

_COLUMNS = 5
_TILE_W_PX = 320
_MOST_TILES = 20
_JPEG_QUALITY = 90


class StillSheet(Sink):
    """Keeps the middle frame of each garment's visit and writes them as one JPEG when it is closed.

    Frames are grouped by the true label that the source tells; one without true labels gives a single tile.
    """

    name = "still"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tiles: list[Image] = []
        self._visit: list[Result] = []

    def write(self, result: Result) -> None:
        """Take one frame."""
        if self._visit and result.frame.label != self._visit[-1].frame.label:
            self._finish_visit()
        self._visit.append(result)

    def _finish_visit(self) -> None:
        middle = self._visit[len(self._visit) // 2]
        if middle.frame.label is not None and len(self._tiles) < _MOST_TILES:
            self._tiles.append(self._tile(middle))
        self._visit = []

    def _tile(self, result: Result) -> Image:
        picture = overlay.draw(result)
        height = max(1, round(picture.shape[0] * _TILE_W_PX / picture.shape[1]))
        return np.asarray(cv2.resize(picture, (_TILE_W_PX, height), interpolation=cv2.INTER_AREA), np.uint8)

    def close(self) -> None:
        """Write the sheet; nothing where no frame came.

        Raises:
            OutputError: it cannot be written.
        """
        if self._visit:
            last = self._visit[len(self._visit) // 2]
            self._finish_visit()
            if not self._tiles:
                self._tiles.append(self._tile(last))
        if not self._tiles:
            return
        written, data = cv2.imencode(".jpg", _sheet(self._tiles), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
        if not written:
            raise OutputError(f"OpenCV could not encode {self._path}")
        write_bytes(self._path, data.tobytes())


def _sheet(tiles: list[Image]) -> Image:
    """Return the tiles (all of one size) in rows, the last row filled with grey."""
    columns = min(_COLUMNS, len(tiles))
    missing = -len(tiles) % columns
    padded = [*tiles, *[np.full_like(tiles[0], 128)] * missing]
    rows = [np.hstack(padded[start : start + columns]) for start in range(0, len(padded), columns)]
    return np.vstack(rows)
