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

    Raises:
        PhotoError: a path does not exist or holds no image; while iterating, a photo cannot be read.
    """

    continuous = False

    def __init__(self, paths: Sequence[Path], *, shown: str) -> None:
        self.shown = shown
        self._files = tuple(find_photos(list(paths)))

    def __iter__(self) -> Iterator[Frame]:
        begun = time.monotonic()
        for number, file in enumerate(self._files):
            image = read_photo(file)
            now = time.monotonic()
            yield Frame(image, number, now - begun, now, name=str(file))
