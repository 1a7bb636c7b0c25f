"""Finds JPEG frames in a stream of bytes: one after another, with anything or nothing in between.

A frame is followed from marker to marker as a decoder would do it, so that a thumbnail inside a header is no
frame of its own, and one whose data breaks off is not taken for whole because the next one has an end. What
lies between two frames (the part headers of an HTTP stream, half a frame, noise) is passed over.

Source: ITU-T T.81, annex B.
"""

from __future__ import annotations

import re

from hangtag.image_header import JPEG_SCAN

MOST_FRAME_BYTES = 16_000_000
"""Longer frames are passed over: a stream that never ends a frame must not fill the memory."""

_BEGIN, _END, _FILL = 0xD8, 0xD9, 0xFF
_BARE = frozenset({0x01, *range(0xD0, 0xD8)})
"""Markers that stand alone: no length follows them."""
_FIRST_WITH_LENGTH = 0xC0
_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers that announce a picture's size: a frame has one of them, before its pixels."""
_LENGTHS = {
    JPEG_SCAN: range(8, 15, 2),
    0xDD: range(4, 5),  # restart interval
    0xDB: range(67, 600),  # quantisation tables
    0xC4: range(19, 2200),  # Huffman tables
    **dict.fromkeys(_SIZES, range(11, 21, 3)),
}
"""How long some segments can be; a frame that broke off inside one often claims something else."""
_FRAME_START = re.compile(rb"\xff\xd8\xff[\xc0-\xcf\xda-\xff]")
"""A beginning, and a marker that has a length (or a fill byte before one): four bytes."""
_MOST_SEARCHES = 3
"""How often, on average, bytes without a whole frame are searched again."""
_ANY_LENGTH = range(2, 1 << 16)
_MARKER_IN_SCAN = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
"""What ends compressed pixels: no 0xFF that belongs to them (followed by 0x00), no restart, no fill byte."""


class JpegSplitter:
    """Takes bytes in pieces of any size and gives back the whole JPEG frames among them. Not thread-safe.

    Time and memory are bounded for any input: no byte is looked at more than a few times, and no more than
    ``most_bytes`` and one piece are held.

    Args:
        most_bytes: longer frames are passed over.

    Attributes:
        torn: how many frames began and did not end as they should.
    """

    def __init__(self, most_bytes: int = MOST_FRAME_BYTES) -> None:
        self.torn = 0
        self._most = most_bytes
        self._bytes = bytearray()
        self._before = 0  # bytes of the stream that came before those held
        self._last_whole = self._searched_again = 0
        self._outside()

    def _outside(self) -> None:
        self._in_frame = self._in_scan = self._had_size = self._had_scan = False
        self._at = 0

    def feed(self, piece: bytes) -> list[bytes]:
        """Take the next bytes; return the frames that are whole now, in their order."""
        self._bytes += piece
        frames: list[bytes] = []
        while True:
            # A frame that is too long is lost where it becomes so, however the bytes came in.
            end = min(len(self._bytes), self._most)
            if self._in_scan:
                goes_on = self._step_in_scan(end)
            elif self._in_frame:
                goes_on = self._step_in_header(end, frames)
            else:
                goes_on = self._find_frame()
            if goes_on:
                continue
            if not self._in_frame or end < self._most:
                return frames
            self._lose(end)

    def _find_frame(self) -> bool:
        found = _FRAME_START.search(self._bytes)
        if found is None:
            self._drop(max(0, len(self._bytes) - 3))
            return False
        self._drop(found.start())
        self._in_frame, self._at = True, 2
        return True

    def _step_in_scan(self, end: int) -> bool:
        found = _MARKER_IN_SCAN.search(self._bytes, self._at, end)
        if found is None:
            self._at = max(self._at, end - 1)  # the last byte may be half a marker
            return False
        self._at, self._in_scan = found.start(), False
        return True

    def _step_in_header(self, end: int, frames: list[bytes]) -> bool:
        """Go past one marker and what belongs to it; False where more bytes are needed."""
        at = self._at
        if at + 2 > end:
            return False
        marker = self._bytes[at + 1]
        if self._bytes[at] != _FILL:
            self._lose(at)
        elif marker == _FILL:
            self._at = at + 1
        elif marker == _BEGIN:
            # The next frame, before this one has ended.
            self.torn += 1
            self._drop(at)
            self._outside()
            self._in_frame, self._at = True, 2
        elif marker == _END and self._had_scan:
            frames.append(bytes(self._bytes[: at + 2]))
            self._drop(at + 2)
            self._last_whole, self._searched_again = self._before, 0
            self._outside()
        elif marker in _BARE and self._had_scan:
            self._at = at + 2
        elif marker in {_END, *_BARE} or marker < _FIRST_WITH_LENGTH:
            self._lose(at)
        else:
            return self._step_over(marker, end)
        return True

    def _step_over(self, marker: int, end: int) -> bool:
        at = self._at
        if at + 4 > end:
            return False
        length = int.from_bytes(self._bytes[at + 2 : at + 4], "big")
        is_size, is_scan = marker in _SIZES, marker == JPEG_SCAN
        in_order = not (is_size and self._had_size) and not (is_scan and not self._had_size)
        if not in_order or length not in _LENGTHS.get(marker, _ANY_LENGTH):
            self._lose(at)
            return True
        if at + 2 + length > end:
            return False
        self._at = at + 2 + length
        self._in_scan = is_scan
        self._had_size |= is_size
        self._had_scan |= is_scan
        return True

    def _lose(self, at: int) -> None:
        """Give up the frame that went wrong at a position of the bytes held, and look for the next one.

        The next one may have begun already: a wrong length leads astray. But a stream could be made to ask
        for the same bytes again and again, so searching them again has its limit. (A thumbnail in a torn
        header is then taken for a frame; live sources are checked for frames of another size.)
        """
        self.torn += 1
        seen = self._before + at - self._last_whole
        self._searched_again += at
        self._drop(2 if self._searched_again <= _MOST_SEARCHES * seen else at)
        self._outside()

    def _drop(self, count: int) -> None:
        del self._bytes[:count]
        self._before += count
