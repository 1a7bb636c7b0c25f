"""Photos of a folder, one frame each."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from hangtag.photos import find_photos, read_photo
from hangtag.sources.base import Frame, Source


class FolderSource(Source):
    """Every photo at or below some paths, sorted; frames come as fast as they are read.

    ``Frame.label`` stays None: whether a folder's name is a label only the model can say.

    Args:
        paths: photos and folders.
        shown: what to call them.
        fps: the most photos a second to deliver.

    Raises:
        PhotoError: a path does not exist or holds no image; while iterating, a photo cannot be read.
    """

    continuous = False
    takes = frozenset({"fps"})

    def __init__(self, paths: Sequence[Path], *, shown: str, fps: float | None = None) -> None:
        self.shown, self.fps = shown, fps
        self._files = tuple(find_photos(list(paths)))

    def __iter__(self) -> Iterator[Frame]:
        begun = due_s = time.monotonic()
        for number, file in enumerate(self._files):
            image = read_photo(file)
            time.sleep(max(0.0, due_s - time.monotonic()))
            now = time.monotonic()
            due_s = now + (1 / self.fps if self.fps else 0.0)
            yield Frame(image, number, now - begun, now, name=str(file))
