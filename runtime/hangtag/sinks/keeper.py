"""Keeps frames and decisions for ``hangtag replay``; :mod:`hangtag.record_header` says what lies where.

Frames are kept without loss, as the source gave them. A line is written after its picture, so that a program
that is killed leaves a record that can be read, up to the frame that it was at.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from hangtag.errors import OutputError
from hangtag.files import json_bytes, make_folder
from hangtag.quota import Quota
from hangtag.record_header import HEADER_NAME, LINES_NAME, SEGMENT, Header, RecordedModel
from hangtag.record_lines import KeptFrame, KeptOutage
from hangtag.sinks.base import Sink
from hangtag.stamps import Stamps

if TYPE_CHECKING:
    from hangtag.model_file import ModelFile
    from hangtag.pipeline import LoopSettings
    from hangtag.preprocess import Image
    from hangtag.result import Result
    from hangtag.sources.account import Outage

SEGMENT_S = 60.0
"""A segment is closed after so many seconds, or when it holds a tenth of the quota."""

_SEGMENTS_IN_QUOTA = 10
_TRIES = 5


class Keeper(Sink):
    """Writes every result that it gets into a folder; the oldest segments make room for new ones.

    In a live loop it may be too slow for some results. It sees by the frames' numbers that they are missing,
    and says so in the record.

    Args:
        folder: made where it is missing; records of earlier runs in it stay, and count towards the quota.
        quota_bytes: how much it may hold.
        model: what the loop decides with at first.
        settings: how the loop works.
        continuous: see :class:`hangtag.sources.base.Source`; without it nothing is smoothed.

    Raises:
        OutputError: the folder cannot be written to.
    """

    name = "record"
    backlog = 3  # large frames take a tenth of a second each, and the end of the loop waits for them

    def __init__(
        self,
        folder: Path,
        quota_bytes: int,
        model: ModelFile,
        settings: LoopSettings,
        *,
        continuous: bool = True,
    ) -> None:
        self._folder = make_folder(folder)
        self._quota = Quota(folder, quota_bytes, SEGMENT)
        self._most_bytes = max(1, quota_bytes // _SEGMENTS_IN_QUOTA)
        self._settings, self._continuous = settings, continuous
        self._model, self._recorded = model, RecordedModel.of(model)
        self._header: bytes | None = None
        self._record, self._segments = "", 0
        self._segment: _Segment | None = None
        self._number, self._dropped, self._missed = -1, 0, 0

    def write(self, result: Result) -> None:
        """Keep one frame and what was decided.

        Raises:
            OutputError: it cannot be written; the next one begins another segment.
        """
        if result.model is not self._model:
            self._take_up(result.model)
        picture = _png(result.frame.image_bgr)
        frame = result.frame
        classified = frame.number - self._number - (result.counts.dropped - self._dropped)
        missed = self._missed + max(0, classified - 1)
        line = _line(KeptFrame.of(result, missed))
        segment = self._room_for(len(picture) + len(line), result.source)
        self._write(segment, line, (f"{frame.number:06}.png", picture))
        self._number, self._dropped, self._missed = frame.number, result.counts.dropped, missed

    def missing(self, outage: Outage) -> None:
        """Keep that there was no frame.

        Raises:
            OutputError: it cannot be written.
        """
        line = _line(KeptOutage.of(outage))
        self._write(self._room_for(len(line), outage.source), line)

    def close(self) -> None:
        """Close the last segment."""
        self._end_segment()

    def _take_up(self, model: ModelFile) -> None:
        """Begin another record: scores of another model mean something else."""
        self._end_segment()
        self._header, self._segments, self._missed = None, 0, 0
        self._model, self._recorded = model, RecordedModel.of(model)

    def _room_for(self, more_bytes: int, source: str) -> _Segment:
        """Return a segment to write to, after making room for so many bytes."""
        segment = self._segment
        if segment is not None and segment.is_full(more_bytes, self._most_bytes):
            self._end_segment()
            segment = None
        if segment is not None:
            self._quota.make_room(more_bytes, keep=segment.folder)
            return segment
        if self._header is None:
            self._header = json_bytes(self._described(source).as_json())
            # Looks into the folder, so it comes before the room that is asked for there.
            self._record = self._new_stamp()
        self._quota.make_room(len(self._header) + more_bytes)
        self._segment = _Segment(self._new_folder(), self._header)
        return self._segment

    def _described(self, source: str) -> Header:
        return Header(
            model=self._recorded,
            smoothing_s=self._settings.smoothing_s if self._continuous else 0.0,
            hold_s=self._settings.hold_s if self._continuous else 0.0,
            view=self._settings.view,
            source=source,
        )

    def _new_folder(self) -> Path:
        """Make the next segment's folder."""
        for _ in range(_TRIES):
            # The user may have cleared it away, or a disk was changed for another one.
            folder = make_folder(self._folder) / f"record-{self._record}-{self._segments + 1:08}"
            try:
                folder.mkdir()
            except FileExistsError:
                # Another camera records into the same folder and was quicker: go on under another name.
                self._record, self._segments = self._new_stamp(), 0
            except OSError as error:
                raise OutputError(f"cannot write into {folder}: {error.strerror or error}") from None
            else:
                self._segments += 1
                return folder
        raise OutputError(f"cannot write into {self._folder}: there is a folder for every name that is tried")

    def _new_stamp(self) -> str:
        """Return what to call a record that begins now: later than all that are there."""
        return Stamps(self._quota.names()).next(time.time())

    def _write(self, segment: _Segment, line: bytes, picture: tuple[str, bytes] | None = None) -> None:
        try:
            segment.write(line, picture)
        except OSError as error:
            # Half a line may stand at its end now.
            self._end_segment()
            raise OutputError(f"cannot write into {segment.folder}: {error.strerror or error}") from None

    def _end_segment(self) -> None:
        segment, self._segment = self._segment, None
        if segment is not None:
            segment.close()


class _Segment:
    """A folder that is being written.

    Raises:
        OutputError: it cannot be written to; then it is gone.
    """

    def __init__(self, folder: Path, header: bytes) -> None:
        self.folder = folder
        self._begun_s = time.monotonic()
        self._bytes = len(header)
        try:
            (folder / HEADER_NAME).write_bytes(header)
            # Without a buffer a line is in the file, whole, once it is written.
            self._lines = (folder / LINES_NAME).open("xb", buffering=0)
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise OutputError(f"cannot write into {folder}: {error.strerror or error}") from None

    def is_full(self, more_bytes: int, most_bytes: int) -> bool:
        """Return whether it is time for another segment."""
        return time.monotonic() - self._begun_s >= SEGMENT_S or self._bytes + more_bytes > most_bytes

    def write(self, line: bytes, picture: tuple[str, bytes] | None = None) -> None:
        """Add a picture, by name, and then a line.

        Raises:
            OSError: it cannot be written; half of it may stand there.
        """
        if picture is not None:
            (self.folder / picture[0]).write_bytes(picture[1])
            self._bytes += len(picture[1])
        if self._lines.write(line) != len(line):
            raise OSError("the disk is full")
        self._bytes += len(line)

    def close(self) -> None:
        """Close its file."""
        with contextlib.suppress(OSError):  # what was written is written
            self._lines.close()


def _png(image_bgr: Image) -> bytes:
    """Return a picture as PNG, without loss, by settings that are quick for what cameras deliver.

    The row above foretells a pixel as well as anything cleverer would, and searching noise for repetitions
    finds none: 640 x 480 in a third of the time of OpenCV's own settings, in no more bytes.
    """
    settings = [
        cv2.IMWRITE_PNG_COMPRESSION,
        1,
        cv2.IMWRITE_PNG_STRATEGY,
        cv2.IMWRITE_PNG_STRATEGY_HUFFMAN_ONLY,
    ]
    if hasattr(cv2, "IMWRITE_PNG_FILTER"):  # from OpenCV 4.12
        settings += [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP]
    written, data = cv2.imencode(".png", np.ascontiguousarray(image_bgr), settings)
    if not written:
        raise OutputError("OpenCV could not encode a frame as PNG")
    return data.tobytes()


def _line(kept: KeptFrame | KeptOutage) -> bytes:
    return json.dumps(kept.as_json(), separators=(",", ":"), allow_nan=False).encode() + b"\n"
