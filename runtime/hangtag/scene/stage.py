"""The simulated camera: which garment is seen when, and the frame of any moment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hangtag.errors import PhotoError, SourceError
from hangtag.photos import find_photos
from hangtag.scene.actors import Actor, GarmentActor, PhotoActor
from hangtag.scene.camera import Camera
from hangtag.scene.garments import GARMENTS
from hangtag.scene.settings import SceneFrame, SceneSettings


class Scene:
    """A simulated camera before which garments, or photos, come and go.

    Frames can be asked for in any order; each depends on nothing but the settings, the photos and its number.
    One visit's pictures are kept at a time, so going back and forth between visits costs their set-up again.
    Not thread-safe.
    """

    def __init__(self, settings: SceneSettings, photos: Path | None = None) -> None:
        """Prepare a scene.

        Args:
            settings: seed, size and speed.
            photos: a folder with ``LABEL/photo.jpg`` below it, or with photos that have no label; without it
                garments are rendered.

        Raises:
            SourceError: the folder cannot be read or holds no photo.
        """
        self.settings = settings
        self._photos = None if photos is None else _listed(photos)
        self._camera = Camera(settings.seed, settings.size_wh)
        self._visit = -1
        self._actor: Actor | None = None

    def frame(self, number: int) -> SceneFrame:
        """Return a frame.

        Raises:
            SourceError: the photo of that moment cannot be read.
            ValueError: the number is below 0.
        """
        if number < 0:
            raise ValueError(f"frames are numbered from 0, got {number}")
        settings = self.settings
        time_s = number / settings.fps
        frames = settings.visit_s * settings.fps
        # The first frame at or after a visit's start belongs to it, however the division is rounded.
        visit = int((number + 1e-6) // frames)
        share = max(0.0, number / frames - visit)
        sway_px = self._camera.sway_px(time_s)
        scene_bgr, label = self._on_stage(visit).picture(share, 1 / frames, sway_px)
        return SceneFrame(self._camera.photograph(scene_bgr, number, time_s), label, number, time_s)

    def _on_stage(self, visit: int) -> Actor:
        if self._actor is None or visit != self._visit:
            self._actor = None  # should making the next one fail, the last one must not stay
            self._actor = self._made(visit)
            self._visit = visit
        return self._actor

    def _made(self, visit: int) -> Actor:
        seed, size_wh = self.settings.seed, self.settings.size_wh
        if self._photos is None:
            label = GARMENTS[_shuffled(seed, len(GARMENTS), visit)]
            return GarmentActor(seed, visit, label, size_wh)
        photo = self._photos[_shuffled(seed, len(self._photos), visit)]
        try:
            return PhotoActor(seed, visit, photo.path, photo.label, size_wh)
        except PhotoError as error:
            raise SourceError(f"the simulated camera stopped: {error}") from None


@dataclass(frozen=True, slots=True)
class _Photo:
    path: Path
    label: str | None


def _listed(folder: Path) -> tuple[_Photo, ...]:
    if not folder.is_dir():
        raise SourceError(f"{folder} is not a folder; wanted a folder with photos or with LABEL/photo.jpg")
    try:
        return tuple(
            _Photo(path, None if path.parent == folder else path.parent.name)
            for path in find_photos([folder])
        )
    except (PhotoError, OSError) as error:
        raise SourceError(f"{error}; wanted a folder with photos or with LABEL/photo.jpg") from None


def _shuffled(seed: int, count: int, position: int) -> int:
    """Return which of ``count`` things comes at a position of an endless series of seeded shuffles."""
    round_, place = divmod(position, count)
    order = _order(seed, count, round_)
    if round_ and count > 2 and order[0] == _order(seed, count, round_ - 1)[-1]:
        order[:2] = order[1::-1]  # nothing is seen twice in a row; the last one stays the last one
    return int(order[place])


def _order(seed: int, count: int, round_: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return np.random.default_rng([seed, 5, round_]).permutation(count)
