"""The simulated camera as a source."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

from hangtag.scene import Scene, SceneSettings
from hangtag.sources.base import Frame, Source


class SceneSource(Source):
    """Garments (rendered, or photos of a folder) in front of a simulated camera; it never ends.

    Frames are made when they are asked for, each with its true label, and depend on the settings alone.

    Raises:
        SourceError: the folder of photos cannot be used.
    """

    takes = frozenset({"size_wh", "fps", "seed", "real_time"})

    def __init__(self, settings: SceneSettings, photos: Path | None = None) -> None:
        self._scene = Scene(settings, photos)
        self.fps = settings.fps
        self.shown = f"scene:{photos or ''}"

    def __iter__(self) -> Iterator[Frame]:
        for number in itertools.count():
            made = self._scene.frame(number)
            yield Frame(made.image_bgr, number, made.time_s, time.monotonic(), label=made.label)
