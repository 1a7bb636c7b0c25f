"""A picture of each change of what is shown."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import cv2

from hangtag.errors import OutputError
from hangtag.files import json_bytes, make_folder, write_all
from hangtag.quota import Quota
from hangtag.result import Result
from hangtag.sinks import overlay
from hangtag.sinks.json_lines import as_record
from hangtag.sinks.on_change import OnChange
from hangtag.sources.account import Outage
from hangtag.stamps import STAMP, Stamps

_LONGEST_WORD = 40
_NAME = rf"snapshot-{STAMP}-[a-z0-9-]{{1,{_LONGEST_WORD}}}\.(?:jpg|json)"
_JPEG_QUALITY = 90


class Snapshots(OnChange):
    """Writes the annotated frame at each change, and beside it the record that JSON lines would have.

    Names are ``snapshot-YYYYmmdd-HHMMSS-dress.jpg`` and ``.json`` (UTC) and sort by time.

    Args:
        folder: of the pictures.
        quota_bytes: how much they may take; the oldest go first.

    Raises:
        OutputError: the folder cannot be written to.
    """

    name = "snapshots"

    def __init__(self, folder: Path, quota_bytes: int) -> None:
        super().__init__()
        self._folder = make_folder(folder)
        self._quota = Quota(folder, quota_bytes, _NAME)
        self._stamps = Stamps(self._quota.names())

    def tell(self, item: Result | Outage) -> None:
        """Write picture and record; of no frame there is no picture."""
        if isinstance(item, Outage):
            return
        stem = f"snapshot-{self._stamps.next(item.frame.wall_s)}-{as_word(item.prediction.shown)}"
        made, data = cv2.imencode(".jpg", overlay.draw(item), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
        if not made:
            raise OutputError(f"OpenCV could not encode {stem}.jpg")
        files = {
            self._folder / f"{stem}.json": json_bytes(as_record(item)),
            self._folder / f"{stem}.jpg": data.tobytes(),
        }
        self._quota.make_room(sum(map(len, files.values())))
        write_all(files)


def as_word(label: str) -> str:
    """Return what a file name may hold of a label, which comes from a model file."""
    ascii_only = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_only)[:_LONGEST_WORD].strip("-") or "label"
